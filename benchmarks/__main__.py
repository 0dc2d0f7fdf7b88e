"""``python -m benchmarks``: everything, written to RESULTS.md; ``--quick``: the gate only."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import files, gate, kernel, scaling, wire_forms
from benchmarks.report import machine, write_results

RESULTS = Path(__file__).with_name("RESULTS.md")


def main(arguments: list[str]) -> int:
    if arguments == ["--quick"]:
        return gate.main([])
    if arguments:
        print(__doc__)
        return 2
    before = machine()
    sections = []
    for run in (
        kernel.run,
        kernel.run_components,
        files.run_parquet,
        files.run_csv,
        scaling.run,
        scaling.run_memory,
        wire_forms.run,
    ):
        sections.append(run())
        print(sections[-1].markdown(), flush=True)
    write_results(RESULTS, sections, before)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
