"""``python -m benchmarks [SECTION ...]``: measure, and write the tables and the page anew.

Every section that is measured replaces what was known of it (`results/NAME.json`); the README's table,
RESULTS.md and the page (`.bench/benchmarks.html`) are then made of all that is known.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature

from benchmarks import readme, records
from benchmarks.page import PAGE, write_page
from benchmarks.report import Section, Watch, machine
from benchmarks.sections import LONG, SECTIONS


def whole_numbers(text: str) -> list[int]:
    """``1e3,1000000`` or ``1e3 1e9``. Raises argparse.ArgumentTypeError."""
    try:
        found = [float(word) for word in text.replace(",", " ").split()]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of sizes such as 1e3,1e6") from error
    if not found or any(size < 1 or size != int(size) for size in found):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of whole numbers of cases such as 1e3,1e6")
    return [int(size) for size in found]


def measured(run: Callable[[], Section]) -> Section:
    """One section, with the circumstances it was measured in."""
    watch = Watch()
    section = run()
    section.circumstances = f"{machine()} {watch.words()}"
    return section


def scaled(run: Callable[..., Section], share: float) -> Callable[..., Section]:
    """The section with so much of its usual numbers of cases or calls; rounds stay as they are."""
    usual = {
        name: each.default
        for name, each in signature(run).parameters.items()
        if isinstance(each.default, int) and name.endswith(("cases", "calls", "count"))
    }
    if share == 1:
        return run
    return partial(run, **{name: max(1_000, int(number * share)) for name, number in usual.items()})


def main(
    arguments: Sequence[str] | None = None, sections: Mapping[str, Callable[..., Section]] = SECTIONS
) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(sections)}")
    parser.add_argument(
        "--sizes", type=whole_numbers, help="numbers of cases for the section `sizes`, such as 1e3,1e9"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="of the usual number of cases or calls, for a busy machine; titles say the number",
    )
    parser.add_argument(
        "--tables-only", action="store_true", help="measure nothing, write tables and page anew"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sections if name not in sections]
    if unknown:
        parser.error(f"there is no section {', '.join(unknown)}; there are {', '.join(sections)}")
    chosen = options.sections or [name for name in sections if name not in LONG]
    failed = []
    for name in [] if options.tables_only else chosen:
        run = scaled(sections[name], options.share)
        if options.sizes and name == "sizes":
            run = partial(sections[name], options.sizes)
        try:
            section = measured(run)
        except SystemExit as refusal:  # unequal results, or a peer that does not start: the others go on
            print(f"{name}: {refusal}", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        records.store(name, section)
        print(section.markdown(), flush=True)
    known, missing = records.load_all(list(sections))
    readme.write(known, missing)
    write_page(known, missing)
    print(f"the page: {PAGE}")
    if failed:
        print(f"Not measured: {', '.join(failed)}; what was known of them before stands.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
