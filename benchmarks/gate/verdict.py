"""From what was measured to what is said, and whether the gate is passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.gate.ratios import Ratio

INSTRUCTIONS_TOLERANCE = 0.03
RATIO_TOLERANCE = 0.03
"""Slower by more than this, and surely so: the whole of what chance may do lies beyond it."""


@dataclass
class Findings:
    """What a run found, by path. ``left_out`` could not be measured, in words; ``notes`` are of no
    consequence."""

    instructions: dict[str, float] = field(default_factory=dict)
    instructions_before: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, Ratio] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(found: Findings, in_ci: bool) -> tuple[list[str], bool]:
    """What to say, and whether the gate is passed. In CI nothing may be left out."""
    words, passed = [], not found.wrong
    counts, counts_passed = _judge_counts(found.instructions, found.instructions_before)
    words += counts
    for path, ratio in found.ratios.items():
        verdict = _of_ratio(ratio)
        words.append(f"{path}: {ratio} the time of the baseline's: {verdict}")
        passed = passed and not verdict.startswith("SLOWER")
    words += found.wrong
    words += [f"note: {note}" for note in found.notes]
    words += [f"left out: {what}" for what in found.left_out]
    if found.left_out and in_ci:
        words.append("This is CI, where nothing may be left out.")
        passed = False
    return words, passed and counts_passed


def _judge_counts(now: Mapping[str, float], before: Mapping[str, float]) -> tuple[list[str], bool]:
    words, passed = [], True
    for path, count in now.items():
        if path not in before:
            words.append(
                f"{path}: {count:.2f} instructions a case; the baseline has no such number: update it"
            )
            passed = False
            continue
        change = count / before[path] - 1
        verdict = "ok"
        if change > INSTRUCTIONS_TOLERANCE:
            verdict, passed = f"SLOWER than the {INSTRUCTIONS_TOLERANCE:.0%} allowed", False
        elif change < -INSTRUCTIONS_TOLERANCE:
            verdict = "faster: update the baseline, so that this is kept"
        words.append(f"{path}: {count:.2f} instructions a case ({before[path]:.2f} {change:+.2%}): {verdict}")
    for path in before:
        if now and path not in now:
            words.append(f"{path}: the baseline has a number, but nothing was counted: update it")
            passed = False
    return words, passed


def _of_ratio(ratio: Ratio) -> str:
    if ratio.low > 1 + RATIO_TOLERANCE:
        return f"SLOWER than the {RATIO_TOLERANCE:.0%} allowed"
    if ratio.median > 1 + RATIO_TOLERANCE:
        return "perhaps slower, but the machine is too busy to be sure"
    if ratio.high < 1 - RATIO_TOLERANCE:
        return "faster"
    return "ok"
