"""What comes with the claims of a month: defects found, lines under monitoring, other payments.

These are the fund's own tables. A row that cannot be used stops the month: a deduction that is passed over
would be money paid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tariffcore.errors import SettlementError
from tariffcore.schedule.values import choice, code_value
from tariffcore.settlement.lines import Key
from tariffcore.settlement.month import OtherItem
from tariffcore.settlement.rules import SettlementRules
from tariffcore.settlement.tables import FOUND_DEFECTS, HELD_LINES, OTHER_ITEMS
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.reading import Block, read_blocks
from tariffcore.worksheets.table import Table
from tariffcore.worksheets.values import money_reader


@dataclass(frozen=True, slots=True)
class FoundDefect:
    key: Key
    defect_code: str
    source: str
    place: str


@dataclass(frozen=True)
class MonthInputs:
    """defects and held lines by the line's key; items by (provider id, funding source).

    problems   what could not be read, where it was asked to wait: whoever settles the month tells it with the
               rest
    unread     the places of rows whose line is named and whose defect could not be read
    """

    defects: dict[Key, list[FoundDefect]] = field(default_factory=dict)
    held: dict[Key, str] = field(default_factory=dict)
    """The place where each held line is named."""
    held_sources: dict[Key, str] = field(default_factory=dict)
    items: dict[tuple[str, str], list[OtherItem]] = field(default_factory=dict)
    item_places: dict[tuple[str, str], str] = field(default_factory=dict)
    digest: str = ""
    problems: ProblemList = field(default_factory=ProblemList)
    unread: list[tuple[Key, str]] = field(default_factory=list)


def read_month_inputs(
    rules: SettlementRules,
    *,
    defects: Path | None = None,
    held: Path | None = None,
    other: Path | None = None,
    tell_later: bool = False,
) -> MonthInputs:
    """The tables that are given. Raises SettlementError with all that is wrong in them, unless this is told
    later, together with what is wrong when the lines are known."""
    found = MonthInputs(digest=_digest([defects, held, other]))
    problems = found.problems
    for block in _blocks(defects, FOUND_DEFECTS, problems):
        columns = (
            block.read("provider_id", code_value),
            block.read("case_id", str),
            block.read("defect_code", lambda text: choice(text, rules.defects)),
            block.read("source", str),
        )
        for row, (provider, case, code, source) in enumerate(zip(*columns, strict=True)):
            if provider is None or case is None:
                continue
            place = f"{block.place}:{block.lines[row]}"
            if code is None:
                found.unread.append(((provider, case), place))
                continue
            of_line = found.defects.setdefault((provider, case), [])
            if any(other_.defect_code == code for other_ in of_line):
                block.note(row, "defect_code", code, "is given for this line already", "keep one of the rows")
            of_line.append(FoundDefect((provider, case), code, source or "", place))
    for block in _blocks(held, HELD_LINES, problems):
        columns_ = (
            block.read("provider_id", code_value),
            block.read("case_id", str),
            block.read("source", str),
        )
        for row, (provider, case, source) in enumerate(zip(*columns_, strict=True)):
            if provider is None or case is None:
                continue
            if (provider, case) in found.held:
                block.note(row, "case_id", case, "is held already", "keep one of the rows")
            if (provider, case) in found.defects:
                block.note(
                    row,
                    "case_id",
                    case,
                    "is under monitoring, and a defect was found",
                    "settle the defect, or hold the line until it is decided",
                )
            found.held[provider, case] = f"{block.place}:{block.lines[row]}"
            found.held_sources[provider, case] = source or ""
    _read_items(other, rules, problems, found)
    if not tell_later:
        problems.raise_if_any(SettlementError, "what comes with the month", "nothing was settled")
    return found


def _read_items(path: Path | None, rules: SettlementRules, problems: ProblemList, found: MonthInputs) -> None:
    for block in _blocks(path, OTHER_ITEMS, problems):
        columns = (
            block.read("provider_id", code_value),
            block.read("funding_source", code_value),
            block.read("item_id", code_value),
            block.read("kind", str),
            block.read("amount", money_reader(rules.minor_units)),
            block.read("source", str),
        )
        for row, (provider, funding, item_id, kind, amount, source) in enumerate(zip(*columns, strict=True)):
            if provider is None or funding is None or item_id is None or amount is None:
                continue
            if (provider, item_id) in found.item_places:
                block.note(row, "item_id", item_id, "this provider has it already", "keep one of the rows")
            found.item_places[provider, item_id] = f"{block.place}:{block.lines[row]}"
            item = OtherItem(item_id, kind or "", amount, source or "")
            found.items.setdefault((provider, funding), []).append(item)


def _blocks(path: Path | None, table: Table, problems: ProblemList) -> Iterator[Block]:
    return iter(()) if path is None else read_blocks(path, path.name, table, problems)


def _digest(paths: list[Path | None]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = b""
        if path is not None:
            try:
                content = path.read_bytes()
            except OSError:
                content = b""  # whoever reads the table says why
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
