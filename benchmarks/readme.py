"""The tables of the README and of RESULTS.md, made of what was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.report import Section, table

README = Path(__file__).resolve().parent.parent / "README.md"
RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- benchmark table: begin -->", "<!-- benchmark table: end -->"


def readme_table(sections: Mapping[str, Section], missing: Sequence[str]) -> str:
    """One table of what matters most, and under which circumstances each part of it was measured."""
    parts = [
        "Made by `make bench`, contestants in turns, results compared for equality before anything was "
        "timed. All of"
        " it is in `benchmarks/RESULTS.md`; the last column is the mark we set ourselves."
    ]
    rows: list[tuple[str, str, str, str]] = []
    for section in sections.values():
        if section.highlights:
            rows.append((f"*{section.title}*", "", "", ""))
            rows += [highlight.row() for highlight in section.highlights]
    parts.append(table(("what", "measured", "beside", "mark"), rows))
    parts += _circumstances([section for section in sections.values() if section.highlights])
    if missing:
        parts.append(f"Not measured: {', '.join(missing)}.")
    left_out = [words for section in sections.values() for words in section.left_out]
    parts += [f"Left out: {words}" for words in dict.fromkeys(left_out)]
    return "\n\n".join(parts)


def _circumstances(sections: Sequence[Section]) -> list[str]:
    """Each machine once, with what others took of it meanwhile, section by section."""
    machines: dict[str, list[str]] = {}
    for section in sections:
        machine, _, words = section.circumstances.partition(". ")
        busy = re.search(r"took (\d+%)", words)
        machines.setdefault(machine, []).append(f"{section.title} {busy[1] if busy else 'unknown'}")
    return [
        f"Measured {machine}. Of its processors other processes took meanwhile: {'; '.join(shares)}. "
        "Above 10 % the"
        " marks go by processor time, as if the threads had shared it evenly, and seconds by the clock "
        "are not to be"
        " quoted."
        for machine, shares in machines.items()
    ]


def with_table(text: str, made: str) -> str:
    """The README with what is between the markers replaced. Raises ValueError where they are not there."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the README does not have {BEGIN} and, after it, {END}, once each")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.split(END)[1]}"


def results(sections: Mapping[str, Section], missing: Sequence[str]) -> str:
    head = (
        "# What the benchmarks found\n\nWritten by `make bench` from `results/*.json`; do not edit by "
        "hand. Times are"
        " medians of interleaved rounds,\nratios are medians of each round's own ratio.\n"
    )
    parts = [head, *(section.markdown() for section in sections.values())]
    if missing:
        parts.append(f"Not measured: {', '.join(missing)}.\n")
    return "\n".join(parts)


def write(sections: Mapping[str, Section], missing: Sequence[str]) -> None:
    RESULTS.write_text(results(sections, missing), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    README.write_text(with_table(text, readme_table(sections, missing)), encoding="utf-8")
