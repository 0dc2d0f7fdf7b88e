"""Writes a settled month into the book: in one transaction, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from tariffcore.errors import Problem, SettlementError
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.records import (
    Book,
    ContractState,
    Of,
    now,
    order_problems,
    run_of_inputs,
    states_before,
)
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.line_sums import CellSums
from tariffcore.settlement.month import ContractResult, check_identity
from tariffcore.settlement.result_json import result_to_json

Cell = tuple[str, str, str, str]
"""(provider id, contract line, funding source, method)."""


def record_month(
    book: Book,
    run: Mapping[str, Any],
    results: list[ContractResult],
    states: Mapping[Of, ContractState],
    cells: Mapping[Cell, CellSums],
    components: Mapping[Cell, Mapping[str, int]],
    *,
    every: bool = True,
) -> tuple[int, dict[Of, int]] | None:
    """Records a run and every contract it settled, and returns its id and those of the settled months. None:
    meanwhile another run recorded the month from the same inputs.

    ``every``: the run is of every contract in force (or of every one of its provider's).
    ``states`` are those the results were made from: where the book says otherwise by now, or a month was
    settled meanwhile, nothing is recorded and SettlementError is raised.
    """
    month = Month(run["month"] // 12, run["month"] % 12 + 1)
    with book.writing() as connection:
        if run_of_inputs(connection, month, run["input_digest"]) is not None:
            return None
        problems = order_problems(connection, month, states)
        found = states_before(connection, month, run["only_provider"])
        if not every:
            found = {of: state for of, state in found.items() if of in states}
        if not problems and found != states:
            problems = [
                Problem("the book", None, str(month), "has changed while the month was calculated",
                        "settle the month again")
            ]  # fmt: skip
        if problems:
            raise SettlementError(f"{month} was not settled", problems)
        run_id: int = connection.execute(
            sa.insert(s.RUNS).values(**run, recorded_at=now()).returning(s.RUNS.c.id)
        ).scalar_one()
        for result in results:
            check_identity(result)
        id_of: dict[Of, int] = {}
        rows = [_settled_row(result, run_id, states[_of(result)].contract_id) for result in results]
        if rows:
            ids = connection.execute(
                sa.insert(s.SETTLED).returning(s.SETTLED.c.id, sort_by_parameter_order=True), rows
            ).scalars()
            id_of = {_of(result): number for result, number in zip(results, ids, strict=True)}
            _insert(connection, s.CELLS, _cell_rows(id_of, cells, components))
            _insert(connection, s.RECOVERIES, [
                {"settled_id": id_of[_of(result)], "advance_id": one.advance_id, "amount": one.recovered}
                for result in results
                for one in result.recoveries
            ])  # fmt: skip
            _insert_items(connection, results, id_of)
    return run_id, id_of


def _of(result: ContractResult) -> Of:
    return result.provider_id, result.funding_source


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)


def _settled_row(result: ContractResult, run_id: int, contract_id: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "contract_id": contract_id,
        "month": result.month.number,
        "provider_id": result.provider_id,
        "funding_source": result.funding_source,
        "lines": result.claims.lines,
        "held_lines": result.claims.held_lines,
        "claimed": result.claims.claimed,
        "overclaimed": result.claims.overclaimed,
        "deducted": result.claims.deducted,
        "held": result.claims.held,
        "over_plan": result.over_plan,
        "accepted": result.accepted,
        "additions": result.additions,
        "other_deductions": result.other_deductions,
        "recovered": result.recovered,
        "capped": result.capped_by_year + result.capped_december,
        "carried": result.carried,
        "payable": result.payable,
        "outstanding": result.outstanding_advance,
        "result": result_to_json(result),
    }


def _cell_rows(
    id_of: Mapping[Of, int], cells: Mapping[Cell, CellSums], components: Mapping[Cell, Mapping[str, int]]
) -> list[dict[str, Any]]:
    return [
        {
            "settled_id": id_of[provider, funding],
            "contract_line": line,
            "method": method,
            "lines": sums.lines,
            "claimed": sums.claimed,
            "priced": sums.priced,
            "overclaimed": sums.overclaimed,
            "deducted": sums.deducted,
            "held_lines": sums.held_lines,
            "held": sums.held,
            "components": json.dumps(components.get((provider, line, funding, method), {})),
        }
        for (provider, line, funding, method), sums in cells.items()
    ]


def _insert_items(connection: sa.Connection, results: list[ContractResult], id_of: Mapping[Of, int]) -> None:
    """Other items, and corrections that this month carries out. An item that another month has is refused."""
    items: list[dict[str, Any]] = []
    carried_out: list[dict[str, Any]] = []
    for result in results:
        for item in result.items:
            if item.correction_id is not None:
                carried_out.append(
                    {"correction_id": int(item.correction_id), "settled_id": id_of[_of(result)]}
                )
                continue
            items.append(
                {
                    "settled_id": id_of[_of(result)],
                    "provider_id": result.provider_id,
                    "item_id": item.item_id,
                    "kind": item.kind,
                    "amount": item.amount,
                    "source": item.source,
                }
            )
    known = {
        (provider, item_id)
        for provider, item_id in connection.execute(sa.select(s.ITEMS.c.provider_id, s.ITEMS.c.item_id))
    }
    twice = [item for item in items if (item["provider_id"], item["item_id"]) in known]
    if twice:
        raise SettlementError(
            "nothing was settled",
            [
                Problem(
                    f"other item of {item['provider_id']}",
                    "item_id",
                    item["item_id"],
                    "was settled in an earlier month",
                    "an item is paid or deducted once: remove it, or give a new one its own number",
                )
                for item in twice
            ],
        )
    _insert(connection, s.ITEMS, items)
    _insert(connection, s.CARRIED_OUT, carried_out)
