"""``python -m benchmarks.gate``: exit code 0 within tolerance, 1 slower, or lacking what it may not lack."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import gate
from benchmarks.gate import baseline as baselines
from benchmarks.gate import counting, ratios
from benchmarks.gate.baseline import Baseline, NoBaselineError
from benchmarks.gate.ratios import NotComparableError
from benchmarks.gate.verdict import Findings, judge
from benchmarks.gate.workload import RecordedPath, all_paths, digest
from tariffcore import _kernel

BINARIES = Path(_kernel.__file__ or "").parent


def compiler_of(binaries: Path) -> str:
    """As the kernel's binary names it, and whether the kernel takes its loops for AVX2: it has others."""
    binary = next(iter(sorted(binaries.glob("_kernel.*so"))))
    named = re.search(rb"(?:GCC: |clang version )[\x20-\x7e]+", binary.read_bytes())
    return (named[0].decode() if named else "unknown") + (", AVX2" if _kernel.vectors() else "")


def measure(
    paths: Sequence[RecordedPath], baseline: Baseline, binaries: Path = BINARIES, timed: bool = True
) -> Findings:
    """These compiled modules beside the baseline's. Raises NoBaselineError where it cannot be had."""
    found = Findings()
    own_workload, own_compiler = digest(list(paths)), compiler_of(binaries)
    comparable = True
    if own_compiler != baseline.compiler:
        comparable = False
        found.notes.append(f"compiled by {own_compiler}; the baseline was by {baseline.compiler}")
    if own_workload != baseline.workload:
        comparable = False
        found.notes.append("the cases, the tables or the calls are not those of the baseline")
    seeded = binaries != BINARIES
    sources = baselines.sources_now()
    differs = {s for s, blob in baseline.sources.items() if sources.get(s) != blob}
    build: Path | None = None
    if differs or seeded or not comparable:
        build = baselines.build(baseline, BINARIES)
    if counting.can_count():
        found.instructions = counting.count(paths, binaries)
        found.instructions_before = baseline.instructions_a_case
        if not comparable and build is not None:
            found.notes.append("so the baseline's sources were built and counted here")
            found.instructions_before = _counted_before(paths, build, found)
    else:
        found.left_out.append(counting.NO_VALGRIND)
    if timed:
        _time(paths, build, binaries, differs, seeded, found)
    return found


def _counted_before(paths: Sequence[RecordedPath], build: Path, found: Findings) -> dict[str, float]:
    counts: dict[str, float] = {}
    for path in paths:
        try:
            counts |= counting.count([path], build)
        except SystemExit:
            found.wrong.append(
                f"{path.name}: the baseline's compiled functions cannot be called as these are: update "
                f"the baseline"
            )
    return counts


def _time(
    paths: Sequence[RecordedPath],
    build: Path | None,
    binaries: Path,
    differs: set[str],
    seeded: bool,
    found: Findings,
) -> None:
    same = []
    for path in paths:
        modules = {module for module, _ in path.functions()}
        is_same = not any(Path(source).stem in modules or source == baselines.SETUP for source in differs)
        if build is None or (is_same and not seeded):
            same.append(path.name)
            continue
        try:
            found.ratios[path.name] = ratios.compare(path, binaries, build)
        except NotComparableError as error:
            found.wrong.append(f"{path.name}: {error}: update the baseline")
    if same:
        found.notes.append(f"not timed, for their sources are the baseline's own: {', '.join(same)}")


def update(paths: Sequence[RecordedPath], because: str) -> int:
    """Write the baseline anew, and say what changes."""
    if not counting.can_count():
        print(counting.NO_VALGRIND)
        print("The baseline was not written: it would lack what could not be measured.")
        return 1
    try:
        before = baselines.read()
        words, _ = judge(measure(paths, before), in_ci=False)
        print("Beside the former baseline:", *words, sep="\n  ")
    except NoBaselineError as error:
        print(f"Beside no former baseline: {error}")
    new = Baseline(because, compiler_of(BINARIES), digest(list(paths)), baselines.sources_now())
    new.instructions_a_case = counting.count(paths, BINARIES)
    baselines.write(new)
    print(f"Wrote {baselines.FILE.name}; commit it together with these sources.")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate",
        description=gate.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--update", action="store_true", help="write baseline.toml from this run")
    parser.add_argument("--because", default="", help="one sentence: why the baseline changes")
    options = parser.parse_args(arguments)
    if options.update and not options.because.strip():
        parser.error('say why: --update --because "..."')
    paths = all_paths()
    if options.update:
        try:
            return update(paths, options.because.strip())
        except NoBaselineError as error:  # no sources of our own
            print(f"The baseline was not written: {error}")
            return 1
    try:
        found = measure(paths, baselines.read())
    except NoBaselineError as error:
        print(f"Nothing was compared: {error}")
        print("The gate is NOT passed.")
        return 1
    words, passed = judge(found, in_ci=os.environ.get("CI") == "true")
    print("\n".join(words))
    print("The gate is passed." if passed else "The gate is NOT passed.")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
