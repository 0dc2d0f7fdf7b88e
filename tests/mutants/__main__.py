"""Plants each mistake of the list in a copy of the package and sees whether the tests notice.

``python -m tests.mutants`` runs all of them, ``python -m tests.mutants NAME ...`` some. The copy without a
mistake must pass first: otherwise a failing test would prove nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.seeded import AGAINST_TWIN, MUTANTS, Mutant, MutantError

CHECKOUT = Path(__file__).resolve().parents[2]
COPIED = ("tariffcore", "tests", "setup.py", "pyproject.toml", "README.md")
SLOWEST_SECONDS = 300

KILLED, SURVIVED, BROKEN = "killed", "SURVIVED", "BROKEN"
TESTS_PASSED, TESTS_FAILED = 0, 1  # pytest's exit codes; others mean that no test could say anything


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant: killed, SURVIVED, or BROKEN where it could not be built or tried."""

    mutant: Mutant
    outcome: str
    by: str
    seconds: float


def copy_package(target: Path, source: Path) -> None:
    """The package, its tests and its build files, without what was built or cached."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.c", ".hypothesis")
    target.mkdir()
    for name in COPIED:
        origin = source / name
        if origin.is_dir():
            shutil.copytree(origin, target / name, ignore=unwanted)
        elif origin.exists():
            shutil.copy2(origin, target / name)


def environment(root: Path) -> dict[str, str]:
    """Ours, with the copy before everything else that could be imported."""
    return {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}


def build(root: Path, source: str = "tariffcore/*.pyx") -> str | None:
    """Build one binary of the copy, or all; what was said if it fails. Unoptimised: half the time."""
    setup = root / "setup.py"
    setup.write_text(setup.read_text(encoding="utf-8").replace('"-O3"', '"-O0", "-g0"'), encoding="utf-8")
    wanted = set(root.glob(source))
    for other in set(root.glob("tariffcore/*.pyx")) - wanted:
        other.unlink()  # setup.py builds all it finds; the binary of the unchanged copy stays
    for binary in (binary for kept in wanted for binary in kept.parent.glob(f"{kept.stem}.*so")):
        binary.unlink()
    built = subprocess.run(
        [sys.executable, "-W", "ignore", "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=root,
        env=environment(root),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return None if built.returncode == 0 else (built.stderr or built.stdout)[-2000:]


def run_tests(root: Path, tests: Iterable[str]) -> tuple[int, str]:
    """Pytest's exit code on the copy, and the first test that failed, or what pytest said last."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rf", "--tb=no", "-p", "no:cacheprovider"]
    command += ["-p", "tests.mutants.in_copy", *tests]
    try:
        run = subprocess.run(
            command,
            cwd=root,
            env=environment(root),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=SLOWEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return TESTS_FAILED, f"not done after {SLOWEST_SECONDS} s"
    if run.returncode < 0:
        return TESTS_FAILED, f"the tests were ended by signal {-run.returncode}"
    said = run.stdout.splitlines()
    for line in said:
        if line.startswith("FAILED "):
            return run.returncode, line.removeprefix("FAILED ").split(" - ")[0].removeprefix("tests/")
    return run.returncode, "\n".join([*said[-20:], *run.stderr.splitlines()[-20:]])


def try_mutant(mutant: Mutant, clean: Path, folder: Path) -> Verdict:
    """Plant, build if the kernel changed, test."""
    began = time.monotonic()

    def verdict(outcome: str, by: str) -> Verdict:
        return Verdict(mutant, outcome, by, time.monotonic() - began)

    root = folder / mutant.name
    copy_package(root, clean)
    try:
        mutant.plant(root)
        if mutant.binary is not None and (complaint := build(root, mutant.binary)) is not None:
            return verdict(BROKEN, f"does not build:\n{complaint}")
        code, by = run_tests(root, mutant.tests)
    except MutantError as error:
        return verdict(BROKEN, str(error))
    finally:
        shutil.rmtree(root)
    if code == TESTS_PASSED:
        return verdict(SURVIVED, "no test failed")
    return verdict(KILLED if code == TESTS_FAILED else BROKEN, by)


def main(arguments: list[str] | None = None) -> int:
    """Try the mutants and show what became of each; 1 unless all are killed."""
    names = [mutant.name for mutant in MUTANTS]
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these: " + ", ".join(names))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at once (default: one a core)")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(names)):
        parser.error(f"there is no mutant {', '.join(unknown)}; --help lists them")
    chosen = [mutant for mutant in MUTANTS if not options.names or mutant.name in options.names]

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tariffcore-mutants-") as temporary:
        folder = Path(temporary)
        clean = folder / "unchanged"
        copy_package(clean, CHECKOUT)
        if (complaint := build(clean)) is not None:
            print(f"The unchanged copy does not build:\n{complaint}", file=sys.stderr)
            return 1
        tests = sorted({*AGAINST_TWIN, *(test for mutant in chosen for test in mutant.tests)})
        with ThreadPoolExecutor(options.jobs) as pool:
            unchanged = pool.submit(run_tests, clean, tests)
            running = [pool.submit(try_mutant, mutant, clean, folder) for mutant in chosen]
            verdicts = []
            for trial in running:
                verdicts.append(trial.result())
                show(verdicts[-1])
            code, said = unchanged.result()

    outcomes = [verdict.outcome for verdict in verdicts]
    passes = "passes" if code == TESTS_PASSED else f"FAILS, so that no kill proves anything:\n{said}"
    print(f"\nThe unchanged copy {passes}")
    print(
        f"{len(verdicts)} mutants: {outcomes.count(KILLED)} killed, {outcomes.count(SURVIVED)} survived, "
        f"{outcomes.count(BROKEN)} broken; {time.monotonic() - began:.0f} s"
    )
    return 0 if code == TESTS_PASSED and set(outcomes) <= {KILLED} else 1


def show(verdict: Verdict) -> None:
    """One line a mutant, and the mistake in words under it."""
    mutant = verdict.mutant
    print(
        f"{verdict.outcome:<9} {mutant.name:<42} {verdict.seconds:5.1f} s  {verdict.by}\n"
        f"          {mutant.path}: {mutant.mistake}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
