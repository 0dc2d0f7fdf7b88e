"""``tariffcore cost run``: a folder of costs becomes a schedule, a report and tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE, StoppedError
from tariffcore.cli.options import FILE
from tariffcore.cli.screen import banner, say, show
from tariffcore.cli.tables import counted, percent, show_facts, table

if TYPE_CHECKING:
    from tariffcore.costing.run import CostingRun
    from tariffcore.schedule.model import Schedule


@click.command(short_help="Make a schedule of a folder of costs.")
@click.argument("folder", metavar="DIR", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="SCHEDULE",
    help="The schedule folder to make; a new one.",
)
@click.option("--report", type=FILE, metavar="FILE", help="Write a report with plots, one HTML page.")
@click.option(
    "--tables", type=FILE, metavar="DIR", help="Write unit costs, weights, depreciation, ... as CSV here."
)
@click.option("--quiet", is_flag=True, help="Print only the last line.")
def run(folder: Path, output: Path, report: Path | None, tables: Path | None, quiet: bool) -> int:
    """Make a schedule of the costs in DIR: unit costs, weights, base rate and component profiles.

    Everything wrong with the inputs is told at once, with file and line, and then nothing is written.
    """
    from tariffcore.costing.report import write_report
    from tariffcore.costing.result_tables import write_tables
    from tariffcore.costing.run import run_costing
    from tariffcore.costing.schedule_output import write_costed_schedule
    from tariffcore.schedule.writing import require_free

    require_free(output)
    _require_folder(report)
    try:
        found = run_costing(folder)
        schedule = write_costed_schedule(found, output)
    except KeyboardInterrupt as interrupt:
        raise StoppedError(f"stopped; nothing was written under {output}", interrupt) from None
    if report is not None:
        write_report(found, schedule, report)
    written = [] if tables is None else write_tables(found, tables)
    if not quiet:
        _show(found, schedule, folder, output, report, tables, written)
    say(_last_line(found, schedule, output))
    return DONE


def _require_folder(report: Path | None) -> None:
    """A report that cannot be written is told before the work, not after it."""
    from tariffcore.errors import CostingError, Problem

    if report is None:
        return
    problem = None
    if report.is_dir():
        problem = ("is a folder", "give the name of a file, such as report.html")
    elif not report.absolute().parent.is_dir():
        problem = (f"there is no folder {report.absolute().parent}", "create it, or choose another one")
    if problem is not None:
        raise CostingError("nothing was written", [Problem(str(report), "--report", None, *problem)])


def _show(
    found: CostingRun,
    schedule: Schedule,
    folder: Path,
    output: Path,
    report: Path | None,
    tables: Path | None,
    written: list[str],
) -> None:
    from tariffcore.labelling import labels_in
    from tariffcore.money import format_exact, format_minor

    labels = labels_in("en")
    inputs, base = found.inputs, found.base_rate

    def money(minor: int) -> str:
        return format_minor(minor, inputs.parameters.minor_units, ",")

    if inputs.parameters.synthetic:
        banner([f"SYNTHETIC: {inputs.parameters.title}", ""])
    booked = sum(map(sum, inputs.ledger.values()))
    past = len(inputs.charges.past_life)
    in_use = sum(totals.assets for totals in inputs.charges.by_class.values())
    left_out = sum(found.trimmed.left_out.values())
    without = found.base_rate_without_capital
    facts = [
        ("costs", f"{folder} ({counted(len(inputs.providers), 'hospital')}, {counted(base.cases, 'case')})"),
        ("schedule", f"{output} ({schedule.id}: {schedule.title})"),
        *([("report", str(report))] if report is not None else []),
        *([("tables", f"{tables} ({', '.join(written)})")] if tables is not None else []),
        ("ledger", f"{money(booked)} {schedule.currency} in {counted(inputs.ledger_rows, 'booking')}"),
        ("assets", f"{money(found.total_minor - booked)} of depreciation and financing cost"),
        ("past life", f"{past:,} of {counted(in_use, 'asset')} in use charge nothing any more"),
        ("allocated", f"{money(found.total_minor)} by {inputs.parameters.method.value}: all of it"),
        ("outliers", f"{counted(left_out, 'case')} left out of the means"),
        *(
            [("no cases", f"{counted(len(missing), 'group')} without a weight, not in the schedule")]
            if (missing := found.groups_without_cases)
            else []
        ),
        (
            "budget",
            f"{money(base.budget_minor)}; paid {money(base.paid_minor)}, left {money(base.remainder_minor)}",
        ),
        ("base rate", f"{format_exact(base.amount)}; without capital {format_exact(without.amount)}"),
        ("digest", schedule.digest),
    ]
    show_facts(facts)
    say()
    rows = [
        (
            f"{component.name} (capital)" if component.capital else component.name,
            money(amount),
            percent(amount, found.total_minor, labels),
        )
        for component, amount in zip(inputs.parameters.components, found.total_by_component, strict=True)
    ]
    rows.append(("all", money(found.total_minor), ""))
    rows.append(
        ("of it capital", money(found.capital_minor), percent(found.capital_minor, found.total_minor, labels))
    )
    show(table(["component", f"cost, {schedule.currency}", "%"], rows, numbers=2))
    say()


def _last_line(found: CostingRun, schedule: Schedule, output: Path) -> str:
    from tariffcore.money import format_exact

    groups = counted(len(schedule.groups), "group")
    rate = format_exact(schedule.base_rate.amount)
    return f"costed {groups}; base rate {rate} {schedule.currency}; schedule in {output}"
