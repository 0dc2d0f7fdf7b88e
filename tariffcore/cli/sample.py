"""``tariffcore sample``: realistic made-up cases for trying things out."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from tariffcore.cli.failures import DONE, StoppedError
from tariffcore.cli.options import FILE, open_catalog, schedule_option, threads_option
from tariffcore.cli.screen import progress_bar, say

SAMPLE_SCHEDULE = "kz-demo"
"""The shipped schedule with enough groups, providers and rules to draw cases from."""


@click.command(short_help="Write made-up cases for trying things out.")
@click.option(
    "-n", "--count", type=click.IntRange(min=1), required=True, metavar="N", help="How many cases to write."
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="FILE",
    help="The file of cases: .csv, .parquet, .arrow or .xlsx.",
)
@schedule_option(SAMPLE_SCHEDULE)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Another seed gives other cases; the same seed the same ones.",
)
@threads_option
@click.option(
    "--register",
    is_flag=True,
    help="Write an export of the inpatient register instead: its headers, diagnoses, claims and no groups.",
)
@click.option(
    "--claims",
    is_flag=True,
    help="Write claims of the United States instead, as JSON lines for `tariffcore group --grouper msdrg`.",
)
@click.option("--quiet", is_flag=True, help="Print nothing, and no progress.")
def sample(
    count: int,
    output: Path,
    schedules: tuple[str, ...],
    seed: int,
    threads: int | None,
    register: bool,
    claims: bool,
    quiet: bool,
) -> int:
    """Write N made-up cases: a few groups and hospitals carry most, and every rule and status occurs."""
    from tariffcore.sample import write_sample

    if claims:
        if register:
            raise click.UsageError("--claims and --register are two kinds of file: give one of them.")
        from tariffcore.claims_sample import write_claims

        write_claims(output, count, seed)
        if not quiet:
            say(f"wrote {count:,} SYNTHETIC claims to {output}")
            words = ["group", str(output), "--grouper", "msdrg", "-o", "grouped.csv"]
            say(f"group them: tariffcore {shlex.join([*words, '--rejects', 'ungrouped.csv'])}")
            say("price them: tariffcore price grouped.csv -s us-demo -o priced.csv --rejects rejects.csv")
        return DONE
    catalog = open_catalog(schedules, None, "discharge")
    if register:
        from tariffcore.register_sample import write_register

        priced = write_register(output, catalog.editions[0], count, seed)
        if not quiet:
            say(
                f"wrote {count:,} SYNTHETIC rows of a register to {output}, of which {priced:,} can be priced"
            )
            words = ["price", str(output), *(word for name in schedules for word in ("-s", name))]
            words += ["--mapping", "ersb", "-o", "priced.xlsx", "--explain", "--rejects", "rejects.xlsx"]
            say(f"price them: tariffcore {shlex.join(words)}")
        return DONE
    try:
        with progress_bar("writing cases", total=count, in_bytes=False, wanted=not quiet) as progress:
            write_sample(
                output,
                count,
                catalog=catalog,
                seed=seed,
                threads=threads,
                on_rows=None if progress is None else lambda rows: progress(rows, None),
            )
    except KeyboardInterrupt as interrupt:
        raise StoppedError(f"stopped; nothing was written under {output}", interrupt) from None
    if not quiet:
        cases = "1 SYNTHETIC case" if count == 1 else f"{count:,} SYNTHETIC cases"
        editions = ", ".join(schedule.id for schedule in catalog.editions)
        say(f"wrote {cases} to {output} (drawn from {editions}; seed {seed})")
        words = ["price", str(output), *(word for name in schedules for word in ("-s", name))]
        words += ["-o", "priced.csv", "--rejects", "rejects.csv"]
        say(f"price them: tariffcore {shlex.join(words)}")
    return DONE
