"""Cases priced one by one and in columns: the same in every field."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffcore.v1 import case_pb2
from tariffcore_server import prices_out
from tariffcore_server.cases_in import read_case
from tariffcore_server.catalogs import Choice
from tests.server.running import test_editions
from tests.server.test_pricing_service import any_case


@settings(max_examples=60, deadline=None)
@given(st.lists(any_case, min_size=1, max_size=60), st.booleans(), st.sampled_from(["test", "other"]))
def test_a_long_list_is_priced_as_each_of_its_cases(messages, components, family):
    basis = test_editions().usual(Choice(tariff_family=family))
    cases = [read_case(message, 2) for message in messages]
    padded = cases + [cases[0]] * prices_out._FEW  # long enough for columns
    found = prices_out.price_list(padded, basis, components=components)
    assert found[: len(cases)] == [prices_out.price_one(read, basis, components=components) for read in cases]
    for read, price in zip(cases, found, strict=False):
        reason = prices_out.reason_in_words(read, price, basis, "en")
        assert bool(reason) == (price.amount_minor is None)


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
@pytest.mark.parametrize(
    ("fields", "said", "unsaid"),
    [
        ({"admission_date": "31.05.2026"}, ["'31.05.2026'", "2026-05-31", "2026-05-31T14:30"], " 31.05.2026"),
        ({"case_id": "x" * 257}, ["case_id", "257", "256"], "xx"),
        ({"procedure_codes": ["x"] * 1_001}, ["procedure_codes", "001"], "'1"),
    ],
)
def test_the_reason_of_an_unreadable_field_says_how_a_message_has_it(language, fields, said, unsaid):
    basis = test_editions().usual(Choice(tariff_family="test"))
    read = read_case(case_pb2.Case(**{"case_id": "1", **fields}), 2)
    price = prices_out.price_one(read, basis, components=False)
    reason = prices_out.reason_in_words(read, price, basis, language)
    assert all(each in reason for each in said) and unsaid not in reason
