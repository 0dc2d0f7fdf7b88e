"""One case, step by step: each number with how it came about, the rule that applied, its legal source.

This is a statement of the payment model of its own: it walks the schedule in the order of the rules and
rounds with `tariffcore.money`; neither the kernel nor the twin takes part. Its amount, status, rule and
components equal theirs for every case, and tests say so. Personal fields of a case (``patient_id``) are not
read here.
"""

from __future__ import annotations

from collections.abc import Mapping

from tariffcore.cases import GROUPING_COLUMNS, Case
from tariffcore.explaining.counted_service import CountedService
from tariffcore.explaining.line import Line
from tariffcore.explaining.statements import NoAmountError, statement, written
from tariffcore.explaining.treated_case import TreatedCase
from tariffcore.explaining.ungrouped_case import UngroupedCase
from tariffcore.explanation import ComponentPart, Explanation, Statement
from tariffcore.explanation_text import reasons_in_words
from tariffcore.labelling import labels_in
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.statuses import CaseStatus
from tariffcore.version import ENGINE_VERSION


def explain_case(case: Case, catalog: Catalog) -> Explanation:
    """Prices one case and says how. A wrong case does not raise: it comes back with its status and reason."""
    line = _line(case, catalog)
    status = CaseStatus.OK
    amount_minor: int | None = None
    rule_id: str | None = None
    components: tuple[ComponentPart, ...] | None = None
    reasons: tuple[Statement, ...] = ()
    try:
        amount_minor, rule_id, components = line.price()
    except NoAmountError as no_amount:
        status, reasons = no_amount.status, no_amount.reasons
    schedule = line.schedule
    currency_of = schedule or catalog.editions[0]
    return Explanation(
        case_id=None if case.case_id is None else str(case.case_id),
        status=status,
        amount_minor=amount_minor,
        currency=currency_of.currency,
        minor_units=currency_of.minor_units,
        schedule_id=schedule.id if schedule else None,
        schedule_digest=schedule.digest if schedule else None,
        schedule_title=schedule.title if schedule else None,
        synthetic=schedule.synthetic if schedule else any(edition.synthetic for edition in catalog.editions),
        as_of=catalog.as_of,
        decided_by=catalog.deciding_date,
        deciding_date=line.day,
        engine_version=ENGINE_VERSION,
        rule_id=rule_id,
        method=line.method if status is CaseStatus.OK else None,
        components=components,
        steps=tuple(line.steps),
        reasons=reasons,
    )


def reason_for(case: Case, catalog: Catalog, language: str = "en") -> str:
    """Why a case has no amount, in words that name the value and the way out; empty for a priced case."""
    return explain_case(case, catalog).reason_in(language) or ""


def reason_of_own_fields(case: Case, deciding_date: DecidingDate, language: str = "en") -> str | None:
    """Why a case has no amount whatever any edition says; None where its own fields leave that open."""
    line = _line(case, Catalog("", (), None, deciding_date, ()))
    try:
        line.check_own_fields()
    except NoAmountError as no_amount:
        return reasons_in_words(no_amount.reasons, labels_in(language))
    return None


_UNREADABLE = {
    "admission_date": "unreadable_date",
    "discharge_date": "unreadable_date",
    "claimed_amount": "unreadable_amount",
    "addon_amount": "unreadable_amount",
    "age_years": "unreadable_number",
    "quantity": "unreadable_number",
    "length_of_stay_days": "unreadable_number",
    "death_unavoidable": "unreadable_answer",
}


def reason_of_unreadable_cell(field: str, text: str, language: str = "en") -> str:
    """The reason of an INVALID_FIELD whose cell never became a value: ``2026-02-30`` in a date column."""
    key = _UNREADABLE.get(field, "invalid_cell")
    return reasons_in_words((statement(key, field=field, text=text),), labels_in(language))


_UNREADABLE_IN_MESSAGE = {
    "admission_date": "unreadable_moment",
    "discharge_date": "unreadable_moment",
    "case_id": "long_case_id",
    "procedure_codes": "long_list",
    "secondary_diagnoses": "long_list",
    "qualifiers": "long_list",
}


def reason_of_unreadable_field(field: str, text: str, language: str = "en") -> str:
    """The reason of an INVALID_FIELD of a message, whose dates have one form: ``31.05.2026`` in one of them.

    Of what is longer than the contract says ``text`` is the number of characters or entries.
    """
    key = _UNREADABLE_IN_MESSAGE.get(field)
    if key is None:
        return reason_of_unreadable_cell(field, text, language)
    name = "text" if key == "unreadable_moment" else "found"
    return reasons_in_words((statement(key, **{"field": field, name: text}),), labels_in(language))


def reason_of_malformed_row(trouble: str, values: Mapping[str, str], language: str = "en") -> str:
    """The reason of a MALFORMED_ROW, as whoever read the file put it: see `files.chunks.MalformedRow`."""
    return reasons_in_words((statement(trouble, **values),), labels_in(language))


def _line(case: Case, catalog: Catalog) -> Line:
    """The line a case is. One with neither code, or both, comes to an end before it matters which."""
    if written(case.drg_code) is not None:
        return TreatedCase(case, catalog)
    if written(case.service_code) is None and _groups_cases(case, catalog):
        return UngroupedCase(case, catalog)
    return CountedService(case, catalog)


def _groups_cases(case: Case, catalog: Catalog) -> bool:
    """Whether editions tell groups; where nobody knows the editions, whether the case could be told one."""
    if not any(getattr(case, name) not in (None, "", ()) for name in GROUPING_COLUMNS):
        return False  # nothing to group by: what lacks is a code
    if not catalog.editions:
        return True
    return any(span.schedule.grouping is not None for span in catalog.spans)
