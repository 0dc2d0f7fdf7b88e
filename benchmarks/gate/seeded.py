"""Does the gate see a slower kernel? ``python -m benchmarks.gate.seeded`` (`make bench-seeded`).

Copies of the kernel's source are made slower on purpose, each in one way, built, and put before the gate in
place of the kernel, with the kernel as their baseline. An unchanged copy must pass and every other one must
fail, by the signal that is there for it.
"""

from __future__ import annotations

import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gate import baseline as baselines
from benchmarks.gate import counting
from benchmarks.gate.__main__ import BINARIES, compiler_of, measure
from benchmarks.gate.baseline import Baseline
from benchmarks.gate.verdict import Findings, judge
from benchmarks.gate.workload import PATHS, digest

FOLDER = baselines.ROOT / ".bench" / "seeded"
KERNEL = "tariffcore/_kernel.pyx"


@dataclass(frozen=True, slots=True)
class Seed:
    """A change of the kernel's text: each (old, new) once. ``seen_by``: counts, time, or None for no
    slowdown."""

    name: str
    about: str
    changes: tuple[tuple[str, str], ...]
    seen_by: str | None


_MACRO = "    #define TARIFFCORE_MUL_OVERFLOWS("
_OVERFLOWS = 'bint mul_overflows "TARIFFCORE_MUL_OVERFLOWS"'
_FIRST_LOOP = "        day = deciding_day[k]\n        day_edition = days.edition[day]\n"
_AFTER_IT = "        other_count = find_amounts(t, &own, &priced, &block, n)\n"


def _at_each_case(instructions: str) -> tuple[tuple[str, str], ...]:
    """The changes that put them into the loop that all processors run."""
    return (
        (_MACRO, f"    #define TARIFFCORE_SLOWED() __asm__ volatile({instructions})\n{_MACRO}"),
        (_OVERFLOWS, f'void slowed "TARIFFCORE_SLOWED"() noexcept nogil\n    {_OVERFLOWS}'),
        (_FIRST_LOOP, f"        slowed()\n{_FIRST_LOOP}"),
    )


SEEDS = (
    Seed("unchanged", "the same text, built again", (), None),
    Seed(
        "instructions",
        "three more instructions a case, some 6 %",
        _at_each_case('"nop;nop;nop"'),
        "counts",
    ),
    Seed(
        "division",
        "a floating-point division a case, which is one instruction",
        _at_each_case('"divsd %%xmm15, %%xmm15" ::: "xmm15"'),
        "time",
    ),
    Seed(
        "cache-misses",
        "what one stage hands on to the next has left the cache: a few instructions for each eight cases",
        (
            (_OVERFLOWS, f'void flush "_mm_clflush"(const void *place) noexcept nogil\n    {_OVERFLOWS}'),
            (
                _AFTER_IT,
                f"        for k in range(0, n, 8):\n            flush(&block.record[k])\n{_AFTER_IT}",
            ),
        ),
        "time",
    ),
)


class SeedDoesNotFitError(Exception):
    """The kernel's text is no longer what the seed changes."""


def sown(text: str, seed: Seed) -> str:
    """The text with the changes of the seed. Raises SeedDoesNotFitError where one does not fit exactly
    once."""
    for old, new in seed.changes:
        if text.count(old) != 1:
            raise SeedDoesNotFitError(
                f"{seed.name}: {KERNEL} has {old!r} {text.count(old)} times, not once; adapt "
                f"{Path(__file__).name}"
            )
        text = text.replace(old, new)
    return text


def build(seed: Seed) -> Path:
    """The folder of the compiled copy."""
    folder = FOLDER / seed.name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tariffcore").mkdir(parents=True)
    text = (baselines.ROOT / KERNEL).read_text(encoding="utf-8")
    (folder / KERNEL).write_text(sown(text, seed), encoding="utf-8")
    shutil.copy(baselines.ROOT / baselines.SETUP, folder)
    for declarations in (baselines.ROOT / KERNEL).parent.glob("*.pxd"):
        shutil.copy(declarations, folder / "tariffcore")
    baselines.compile_modules(folder)
    return folder / "tariffcore"


def mistakes(seed: Seed, found: Findings) -> list[str]:
    """What the gate did not see, or saw where there is nothing, in words."""
    words, passed = judge(found, in_ci=False)
    slow_counts = any("SLOWER" in line for line in words if "instructions" in line)
    slow_time = any("SLOWER" in line for line in words if " the time of " in line)
    wrong = list(found.wrong)
    if seed.seen_by is None and not passed:
        wrong.append("an unchanged kernel did not pass")
    if seed.seen_by == "counts" and not slow_counts:
        wrong.append("the counts did not show it")
    if seed.seen_by == "time":
        if not slow_time:
            wrong.append("the time did not show it")
        if slow_counts:
            wrong.append("the counts show it too, so this proves nothing of the time")
    if seed.seen_by is not None and passed:
        wrong.append("the gate was passed")
    return [f"{seed.name}: {words}" for words in wrong]


def main() -> int:
    if not counting.can_count():
        print(counting.NO_VALGRIND)
        return 1
    if platform.machine() not in ("x86_64", "AMD64"):
        print(
            f"The slowdowns are instructions of x86-64 processors, and this is {platform.machine()}: "
            f"nothing was tried."
        )
        return 1
    path = PATHS["price"]()
    kernel = Baseline("the kernel as it is", compiler_of(BINARIES), digest([path]), baselines.sources_now())
    kernel.instructions_a_case = counting.count([path], BINARIES)
    wrong: list[str] = []
    for seed in SEEDS:
        began = time.monotonic()
        found = measure([path], kernel, build(seed))
        words, passed = judge(found, in_ci=False)
        seconds, verdict = time.monotonic() - began, "passed" if passed else "refused"
        print(f"{seed.name} ({seed.about}): {verdict}, {seconds:.0f} s")
        print(*(f"    {line}" for line in words), sep="\n", flush=True)
        wrong += mistakes(seed, found)
    print("\n".join(wrong) if wrong else "The gate sees what it should.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
