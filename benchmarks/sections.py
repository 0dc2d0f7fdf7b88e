"""Every section by name, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks import (
    costing,
    files,
    floors,
    grouping,
    kernel,
    scaling,
    service,
    settlement,
    whole_tables,
    wire_forms,
    year,
)
from benchmarks.report import Section

SECTIONS: Mapping[str, Callable[..., Section]] = {
    "kernel": kernel.run,
    "components": kernel.run_components,
    "table": whole_tables.run,
    "australian": whole_tables.run_australian,
    "parquet": files.run_parquet,
    "csv": files.run_csv,
    "floors": floors.run,
    "sizes": scaling.run,
    "threads": scaling.run_threads,
    "memory": scaling.run_memory,
    "year": year.run,
    "stream": service.run_stream,
    "payload": service.run_payload,
    "client": service.run_client,
    "lists": service.run_lists,
    "calls": service.run_calls,
    "callers": service.run_callers,
    "long-stream": service.run_long_stream,
    "wire-forms": wire_forms.run,
    "grouping": grouping.run,
    "costing": costing.run,
    "settlement": settlement.run,
}
LONG = ("costing", "settlement")
"""Only when named: minutes each, of what changes rarely."""
