"""``tariffcore price``: a file of cases in, a priced file and a summary out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE, NOT_ALL_PRICED, StoppedError
from tariffcore.cli.options import (
    DEFAULT_SCHEDULE,
    FILE,
    as_of_option,
    deciding_date_option,
    language_option,
    mapping_option,
    open_catalog,
    schedule_option,
    sheet_option,
    threads_option,
)
from tariffcore.cli.screen import progress_bar, say
from tariffcore.cli.service_options import ServiceOptions, require_client, service_options

if TYPE_CHECKING:
    from tariffcore.batch import CasePricer


@click.command(short_help="Price a file of cases.")
@click.argument("cases", type=FILE)
@schedule_option(DEFAULT_SCHEDULE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="OUT",
    help="The priced file: .csv, .parquet, .arrow or .xlsx. It gets its name when it is complete.",
)
@click.option("--components", is_flag=True, help="Add a column for each cost component of the payment.")
@click.option(
    "--explain",
    "explained",
    is_flag=True,
    help="Add a column that says how each amount came about, or why there is none: a millisecond a row.",
)
@click.option(
    "--rejects", type=FILE, metavar="FILE", help="Write the rows without an amount here, with the reason."
)
@as_of_option
@deciding_date_option
@threads_option
@click.option("--strict", is_flag=True, help="Leave with exit code 1 if any row has no amount.")
@mapping_option
@sheet_option
@language_option
@click.option(
    "--quiet",
    is_flag=True,
    help="Print only the last line of the summary (of a CSV also what priced it), and no progress.",
)
@service_options
@click.pass_context
def price(
    context: click.Context,
    cases: Path,
    schedules: tuple[str, ...],
    output: Path,
    components: bool,
    explained: bool,
    rejects: Path | None,
    as_of: date | None,
    deciding_date: str,
    threads: int | None,
    strict: bool,
    mapping: str | None,
    sheet: str | None,
    language: str,
    quiet: bool,
    service: ServiceOptions,
) -> int:
    """Price every row of the file CASES (.csv, .parquet, .arrow, .xlsx).

    Every row comes back, in order: with its amount, or with a status that says why it has none. The last
    line tells how many of each. With --server a service prices them; the output is the same.
    """
    from tariffcore.batch import price_file_with
    from tariffcore.cli.run_summary import RunSummary, check_totals
    from tariffcore.files import load_mapping
    from tariffcore.kept_memory import keep_freed_memory
    from tariffcore.labelling import labels_in
    from tariffcore.pricing import default_threads

    service.check(context, as_of)
    if explained and service.server is not None:
        raise click.UsageError("--explain is worked out here: it does not go with --server.")
    _require_apart(cases, output, rejects)
    keep_freed_memory()
    column_mapping = None if mapping is None else load_mapping(mapping)
    threads = default_threads() if threads is None else threads
    before = _identities(output, rejects)
    try:
        with (
            _pricer(
                service, schedules, as_of, deciding_date, components, threads, language if explained else None
            ) as pricer,
            progress_bar("pricing", total=_size(cases), in_bytes=True, wanted=not quiet) as progress,
        ):
            report = price_file_with(
                pricer,
                cases,
                output,
                rejects_path=rejects,
                threads=threads,
                mapping=column_mapping,
                sheet=sheet,
                language=language,
                progress=progress,
            )
    except KeyboardInterrupt as interrupt:
        raise StoppedError(_left_behind(before), interrupt) from None
    check_totals(report.summary)
    summary = RunSummary(report, labels_in(language), cases, output, rejects)
    if not quiet:
        summary.print()
    elif output.suffix.lower() == ".csv":
        summary.print_origin()
    say(summary.last_line())
    return NOT_ALL_PRICED if strict and report.summary.rejected else DONE


@contextmanager
def _pricer(
    service: ServiceOptions,
    schedules: tuple[str, ...],
    as_of: date | None,
    deciding_date: str,
    components: bool,
    threads: int,
    explain_in: str | None,
) -> Iterator[CasePricer]:
    """What prices the cases: the service that is named, or schedules that are read here."""
    if service.server is None:
        from tariffcore.batch import PlanPricer
        from tariffcore.plan import Plan

        plan = Plan(open_catalog(schedules, as_of, deciding_date))
        yield PlanPricer(plan, components=components, explain_in=explain_in)
        return
    require_client()
    from tariffcore.client.file_pricing import ServicePricer

    choice = service.edition_choice(as_of, deciding_date)
    with ServicePricer(service.connection(), choice, components=components, streams=threads) as pricer:
        yield pricer


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None  # whoever opens it says why


def _require_apart(cases: Path, output: Path, rejects: Path | None) -> None:
    """No output may replace the cases or the other output."""
    from tariffcore.errors import CasesError, Problem

    problems = []
    pairs = [("--output", output, "the cases", cases)]
    if rejects is not None:
        pairs += [("--rejects", rejects, "the cases", cases), ("--rejects", rejects, "--output", output)]
    for field, path, other_name, other in pairs:
        if _is_same(path, other):
            problems.append(
                Problem(str(path), field, None, f"this would overwrite {other_name}", "choose another name")
            )
    if problems:
        raise CasesError("nothing was priced", problems)


def _is_same(path: Path, other: Path) -> bool:
    with suppress(OSError):
        if path.samefile(other):
            return True
    with suppress(OSError, RuntimeError):
        return path.resolve() == other.resolve()
    return path == other


_Identity = tuple[int, int, int] | None
"""Which file stands under a name; None: none does."""


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _identities(*paths: Path | None) -> dict[Path, _Identity]:
    return {path: _identity(path) for path in paths if path is not None}


def _left_behind(before: dict[Path, _Identity]) -> str:
    """What a stopped run says of its outputs: they got their names, or nothing was written under them."""
    untouched = [str(path) for path, identity in before.items() if _identity(path) == identity]
    complete = [str(path) for path in before if str(path) not in untouched]
    sentence = "stopped"
    if untouched:
        sentence += f"; nothing was written under {' or '.join(untouched)}"
    if complete:
        sentence += f"; {' and '.join(complete)} is complete"
    return sentence
