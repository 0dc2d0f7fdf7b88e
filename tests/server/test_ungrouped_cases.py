"""Cases that come to the service without their group: as messages, priced, and answered."""

from tariffcore.client.case_messages import case_message, price_of
from tariffcore.explain import explain_case
from tariffcore.plan import Plan
from tariffcore.single_case import price_case
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_pb2
from tariffcore_server.cases_in import MOST_PROCEDURES, read_case
from tariffcore_server.catalogs import Basis
from tariffcore_server.prices_out import price_list, reason_in_words, write_price
from tests.grouping.small_rules import CATALOG, case

BASIS = Basis(CATALOG, Plan(CATALOG))
SHOCK = case(principal_diagnosis="А40.0", secondary_diagnoses=("R57.2",), age_days=14_700)
UNKNOWN = case(principal_diagnosis="A4O.0", birth_weight_grams=3_000, qualifiers=("blood_loss_over_1_litre",))


def answered(one):
    """What the service answers about a case, as the client reads it."""
    read = read_case(case_pb2.Case.FromString(case_message(one).SerializeToString()), 2)
    assert read.case == one
    price = price_case(read.case, BASIS.plan)
    message = case_pb2.PricedCase()
    write_price(message, "7", price, BASIS.plan, reason_in_words(read, price, BASIS, "en"))
    return price_of(case_pb2.PricedCase.FromString(message.SerializeToString()))


def test_a_case_is_grouped_and_the_answer_names_group_and_rule():
    price = answered(SHOCK)

    assert (price.status, price.amount_minor) == (CaseStatus.OK, 500_000)
    assert (price.drg_code, price.grouping_rule_id) == ("SHOCK", "sepsis-shock")


def test_a_case_that_cannot_be_grouped_is_told_why():
    price = answered(UNKNOWN)

    assert (price.status, price.amount_minor, price.drg_code) == (CaseStatus.UNKNOWN_DIAGNOSIS, None, None)
    assert price.reason == explain_case(UNKNOWN, CATALOG).reason_in("en")


def test_long_lists_are_priced_as_columns_and_answer_the_same():
    reads = [read_case(case_message(one), 2) for one in (SHOCK, UNKNOWN) * 30]

    assert price_list(reads, BASIS, components=False) == [price_case(read.case, BASIS.plan) for read in reads]


def test_a_case_with_its_group_sends_no_diagnoses():
    message = case_message(case(drg_code="SEPSIS", principal_diagnosis="A40.0", sex="female"))

    assert not message.principal_diagnosis
    assert not message.sex


def test_too_many_diagnoses_are_unreadable():
    message = case_message(SHOCK)
    message.secondary_diagnoses.extend(["I10"] * MOST_PROCEDURES)

    assert read_case(message, 2).unreadable == ("secondary_diagnoses", str(MOST_PROCEDURES + 1))
