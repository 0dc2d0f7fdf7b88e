"""Settled months, statements and the fund's month as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tariffcore.v1 import edition_pb2
from tariffcore.v1 import settlement_service_pb2 as messages
from tariffcore.version import ENGINE_VERSION

if TYPE_CHECKING:  # needs the extra "settlement", which a server without a book does not
    from collections.abc import Iterable

    from tariffcore.settlement.book.reading import SettledRow
    from tariffcore.settlement.fund_view import FundView, ViewSums
    from tariffcore.settlement.lost_lines import LostLine, LostLines
    from tariffcore.settlement.month import ContractResult
    from tariffcore.settlement.statement import Statement, StatementStep


def month_message(row: SettledRow) -> messages.SettledMonth:
    """A settled month as it is listed."""
    return messages.SettledMonth(
        provider_id=row.provider_id,
        region=row.region,
        funding_source=row.funding_source,
        month=str(row.month),
        currency=row.currency,
        minor_units=row.minor_units,
        synthetic=row.synthetic,
        sums=_sums(row.sums),
    )


def statement_message(statement: Statement, source_rules_digest: str) -> messages.GetStatementResponse:
    """A statement with what it was settled by."""
    run = statement.run
    return messages.GetStatementResponse(
        months=[
            messages.SettledMonth(
                provider_id=one.result.provider_id,
                region=one.region,
                funding_source=one.result.funding_source,
                month=str(one.result.month),
                currency=run.currency,
                minor_units=run.minor_units,
                synthetic=run.synthetic,
                sums=_sums(_sums_of([one.result])),
            )
            for one in statement.months
        ],
        steps=[_step(step) for step in statement.steps],
        payable_minor=statement.payable,
        settlement_rules_id=run.rules_id,
        settlement_rules_digest=run.rules_digest,
        source_rules_digest=source_rules_digest,
        editions=[
            edition_pb2.PinnedEdition(schedule_id=name, digest=digest)
            for name, digest in run.pricing["editions"].items()
        ],
        settled_by_engine_version=run.engine_version,
        engine_version=ENGINE_VERSION,
    )


def lost_lines_message(
    statement: Statement, lost: LostLines, shown: Iterable[LostLine], next_page_token: str
) -> messages.ListLostLinesResponse:
    """A page of the lines that lost something."""
    run = statement.run
    return messages.ListLostLinesResponse(
        lines=[_lost_line(one) for one in shown],
        next_page_token=next_page_token,
        lost_line_count=len(lost),
        lines_in_month=lost.in_month,
        lines_set_aside=lost.set_aside,
        currency=run.currency,
        minor_units=run.minor_units,
        synthetic=run.synthetic,
        engine_version=ENGINE_VERSION,
    )


def _lost_line(one: LostLine) -> messages.LostLine:
    return messages.LostLine(
        line=one.line,
        case_id=one.case_id,
        funding_source=one.funding_source,
        contract_line=one.contract_line,
        line_status=one.line_status,
        schedule_id=one.schedule_id,
        priced_minor=one.priced,
        claimed_minor=one.claimed,
        overclaimed_minor=one.overclaimed,
        deducted_minor=one.deducted,
        held_minor=one.held,
        accepted_minor=one.accepted,
        defects=[
            messages.LineDefect(
                code=defect.code,
                name=defect.name,
                measure=defect.measure,
                taken_off_minor=defect.taken_off,
                source=defect.source,
                found_in=defect.found_in,
            )
            for defect in one.defects
        ],
        held_by=one.held_by or "",
    )


def fund_month_message(view: FundView) -> messages.GetFundMonthResponse:
    """The month over all providers."""
    run = view.runs[0]
    return messages.GetFundMonthResponse(
        month=str(view.month),
        currency=run.currency,
        minor_units=run.minor_units,
        synthetic=any(each.synthetic for each in view.runs),
        provider_count=view.providers,
        sums=_sums(_sums_of([one.result for one in view.months])),
        by_method=[_part(key, sums) for key, sums in view.by_method.items()],
        by_region=[_part(key, sums) for key, sums in sorted(view.by_region.items())],
        by_component=[messages.FundPart(key=key, paid_minor=paid) for key, paid in _components(view).items()],
        corrections_minor=view.corrections,
        set_aside=view.set_aside,
        checks=[
            messages.FundCheck(
                key=check.key, required_minor=check.required, found_minor=check.found, source=check.source
            )
            for check in view.checks
        ],
        engine_version=ENGINE_VERSION,
    )


def _components(view: FundView) -> dict[str, int]:
    """What was paid by component; other items are not split either."""
    found: dict[str, int] = {}
    for key, paid in view.by_component.items():
        found[key or ""] = found.get(key or "", 0) + paid
    return found


def _sums_of(results: Iterable[ContractResult]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in results:
        of_one = {
            "lines": one.claims.lines,
            "claimed": one.claims.claimed,
            "overclaimed": one.claims.overclaimed,
            "deducted": one.claims.deducted,
            "held": one.claims.held,
            "over_plan": one.over_plan,
            "additions": one.additions,
            "other_deductions": one.other_deductions,
            "recovered": one.recovered,
            "capped": one.capped_by_year + one.capped_december,
            "carried": one.carried,
            "payable": one.payable,
            "outstanding": one.outstanding_advance,
        }
        for name, amount in of_one.items():
            found[name] = found.get(name, 0) + amount
    return found


def _sums(sums: Mapping[str, int]) -> messages.SettledSums:
    return messages.SettledSums(
        lines=sums["lines"],
        claimed_minor=sums["claimed"],
        overclaimed_minor=sums["overclaimed"],
        deducted_minor=sums["deducted"],
        held_minor=sums["held"],
        over_plan_minor=sums["over_plan"],
        additions_minor=sums["additions"],
        other_deductions_minor=sums["other_deductions"],
        recovered_minor=sums["recovered"],
        capped_minor=sums["capped"],
        carried_minor=sums["carried"],
        payable_minor=sums["payable"],
        outstanding_minor=sums["outstanding"],
    )


def _step(step: StatementStep) -> messages.StatementStep:
    return messages.StatementStep(
        funding_source=step.funding_source,
        contract_line=step.contract_line or "",
        step=step.step,
        amount_minor=step.amount,
        detail=step.detail,
        source=step.source,
        is_sum=step.is_sum,
        informs=step.informs,
    )


def _part(key: str, sums: ViewSums) -> messages.FundPart:
    return messages.FundPart(
        key=key,
        lines=sums.lines,
        claimed_minor=sums.claimed,
        deducted_minor=sums.overclaimed + sums.deducted,
        held_minor=sums.held,
        over_plan_minor=sums.over_plan,
        paid_minor=sums.paid,
        outstanding_minor=sums.outstanding,
        overclaimed_minor=sums.overclaimed,
        defects_minor=sums.deducted,
        other_minor=sums.other,
        recovered_minor=sums.recovered,
        payable_minor=sums.payable,
    )
