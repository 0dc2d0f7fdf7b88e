"""``python -m benchmarks``: everything, written to RESULTS.md. The gate is ``python -m benchmarks.gate``.

``--service``: the service alone, written to SERVICE_RESULTS.md. ``--costing``: a national costing run alone,
written to COSTING_RESULTS.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import costing, files, kernel, scaling, service, wire_forms
from benchmarks.report import Section, machine, write_results

RESULTS = Path(__file__).with_name("RESULTS.md")
SERVICE_RESULTS = Path(__file__).with_name("SERVICE_RESULTS.md")
COSTING_RESULTS = Path(__file__).with_name("COSTING_RESULTS.md")
EVERYTHING = (
    kernel.run,
    kernel.run_components,
    files.run_parquet,
    files.run_csv,
    scaling.run,
    scaling.run_memory,
    costing.run,
    wire_forms.run,
    *service.SECTIONS,
)


def main(arguments: list[str]) -> int:
    if arguments == ["--service"]:
        return _measure(service.SECTIONS, SERVICE_RESULTS)
    if arguments == ["--costing"]:
        return _measure([costing.run], COSTING_RESULTS)
    if arguments:
        print(__doc__)
        return 2
    return _measure(EVERYTHING, RESULTS)


def _measure(runs: Iterable[Callable[[], Section]], results: Path) -> int:
    before = machine()
    sections = []
    for run in runs:
        sections.append(run())
        print(sections[-1].markdown(), flush=True)
    write_results(results, sections, before)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
