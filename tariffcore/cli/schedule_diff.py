"""``tariffcore schedule diff``: what changes between two editions, by how much, largest effect first."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE, open_edition
from tariffcore.cli.screen import banner, say, say_bold, show, speaks_unicode
from tariffcore.cli.tables import counted, show_facts, table

if TYPE_CHECKING:
    from rich.table import Table

    from tariffcore.schedule.changes import DiffRow, ScheduleDiff
    from tariffcore.schedule.model import Schedule

DIFF_FORMAT = "tariffcore.schedule_diff/1"
"""Names the shape of the JSON: a change that breaks a reader gets another number."""

DEFAULT_LIMIT = 20

LONGEST_NUMBER = 10
"""Characters of a coefficient or weight on the screen; the JSON and the CSV have all of it."""

_TITLES = {
    "rule": "Settings and rules",
    "base_rate": "Base rate",
    "tariff": "Tariffs, as paid before stay rules and coefficients",
    "group_added": "Groups added",
    "group_removed": "Groups removed",
    "group": "Groups changed",
    "component": "Component shares",
    "coefficient": "Coefficients of providers, combined",
    "service": "Service rates",
    "factor": "Factors",
}
_CODES = {
    "rule": "setting",
    "base_rate": "",
    "component": "profile",
    "coefficient": "provider",
    "service": "service",
    "factor": "factor",
}
_AMOUNTS = frozenset(["base_rate", "tariff", "service"])
_ADDED_OR_REMOVED = frozenset(["group_added", "group_removed"])


@click.command(short_help="Show what changes between two schedules.")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="All changes as one JSON object.")
@click.option("--csv", "csv_path", type=FILE, metavar="FILE", help="Write all changes to a file as well.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    metavar="N",
    help="How many changes of each kind to show.",
)
def diff(a: str, b: str, as_json: bool, csv_path: Path | None, limit: int) -> int:
    """Show what changes from schedule A to schedule B, and by how much, the largest effect first."""
    from tariffcore.schedule.diff import diff_schedules

    old, new = open_edition(a), open_edition(b)
    found = diff_schedules(old, new)
    rows = found.rows()
    if csv_path is not None:
        _write(csv_path, rows, found, old.synthetic or new.synthetic)
    if as_json:
        say(json.dumps(_json(old, new, found, rows), ensure_ascii=not speaks_unicode(sys.stdout), indent=2))
        return DONE
    _show(old, new, found, rows, limit)
    if csv_path is not None:
        say()
        say(f"{counted(len(rows), 'change')} in {csv_path}")
    return DONE


def _json(old: Schedule, new: Schedule, found: ScheduleDiff, rows: Sequence[DiffRow]) -> dict[str, object]:
    return {
        "format": DIFF_FORMAT,
        "a": {"id": found.a_id, "digest": found.a_digest, "synthetic": old.synthetic},
        "b": {"id": found.b_id, "digest": found.b_digest, "synthetic": new.synthetic},
        "currency": found.currency,
        "minor_units": found.minor_units,
        "tariffs_compared": found.tariffs_compared,
        "changes": [asdict(row) for row in rows],
    }


def _write(path: Path, rows: Sequence[DiffRow], found: ScheduleDiff, synthetic: bool) -> None:
    import pyarrow as pa

    from tariffcore.files import open_output
    from tariffcore.schedule.changes import DIFF_COLUMNS

    columns = {
        name: pa.array([str(getattr(row, name)) for row in rows], pa.string()) for name in DIFF_COLUMNS
    }
    note = {"a": f"{found.a_id} {found.a_digest}", "b": f"{found.b_id} {found.b_digest}"}
    if synthetic:
        columns["synthetic"] = pa.array([True] * len(rows), pa.bool_())
        note["tariffcore.synthetic"] = "SYNTHETIC: made-up numbers"
    changes = pa.table(columns)
    with open_output(path, changes.schema, note=note) as writer:
        writer.append(writer.encode(changes))


def _show(old: Schedule, new: Schedule, found: ScheduleDiff, rows: Sequence[DiffRow], limit: int) -> None:
    made_up = [schedule.id for schedule in (old, new) if schedule.synthetic]
    if made_up:
        banner([f"SYNTHETIC: the numbers of {' and '.join(made_up)} are made up", ""])
    show_facts(
        [
            ("from", f"{old.id} ({old.digest[:12]}): {old.title}"),
            ("to", f"{new.id} ({new.digest[:12]}): {new.title}"),
            ("tariffs", _tariffs_in_words(found)),
        ]
    )
    if not rows:
        say()
        say("nothing that sets an amount differs")
    for kind, of_kind in groupby(rows, key=lambda row: str(row.kind)):
        changes = list(of_kind)
        say()
        currency = f", {found.currency}" if kind in _AMOUNTS else ""
        say_bold(f"{_TITLES[kind]}{currency}: {counted(len(changes), 'change')}")
        say()
        show(_table(kind, changes[:limit]))
        if len(changes) > limit:
            say(f"… and {counted(len(changes) - limit, 'smaller one')}; --limit or --csv shows them")


def _tariffs_in_words(found: ScheduleDiff) -> str:
    if not found.tariffs_compared:
        return "none in common"
    changes = [tariff.change_minor for tariff in found.tariffs]
    up = sum(change is not None and change > 0 for change in changes)
    down = sum(change is not None and change < 0 for change in changes)
    words = f"{counted(found.tariffs_compared, 'pair')} compared: {up:,} up, {down:,} down"
    other = len(changes) - up - down
    return words + (f", {other:,} begin or end" if other else "")


def _table(kind: str, rows: Sequence[DiffRow]) -> Table:
    if kind in _ADDED_OR_REMOVED:
        return table(
            ["group", "name", "weight"],
            [(row.code, row.detail, row.old or row.new) for row in rows],
            numbers=1,
        )
    first = _CODES.get(kind, "group")
    if kind == "rule":
        return table(
            [first, "from", "to", "%"],
            [(row.code, row.old or "-", row.new or "-", row.change_percent) for row in rows],
            numbers=1,
        )
    shown = _grouped if kind in _AMOUNTS else _cut
    return table(
        [first, "", "from", "to", "change", "%"],
        [
            (
                row.code,
                row.detail,
                shown(row.old) or "-",
                shown(row.new) or "-",
                shown(row.change),
                row.change_percent,
            )
            for row in rows
        ],
        numbers=4,
    )


def _cut(number: str) -> str:
    """A number of so many decimals that it would leave the words no room: cut, not rounded, and marked."""
    return number if len(number) <= LONGEST_NUMBER else f"{number[: LONGEST_NUMBER - 1]}…"


def _grouped(number: str) -> str:
    from tariffcore.labelling import labels_in

    if not number:
        return ""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    return sign + labels_in("en").number(digits)
