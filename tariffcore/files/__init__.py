"""Files of cases in, priced files out: CSV, Parquet, Arrow IPC and XLSX, read and written in chunks."""

from tariffcore.files.chunks import CaseChunk, CaseSource, MalformedRow, RawChunk
from tariffcore.files.mapping import ColumnMapping, load_mapping, preset_names
from tariffcore.files.opening import open_cases
from tariffcore.files.writing import OutputWriter, open_output

__all__ = [
    "CaseChunk",
    "CaseSource",
    "ColumnMapping",
    "MalformedRow",
    "OutputWriter",
    "RawChunk",
    "load_mapping",
    "open_cases",
    "open_output",
    "preset_names",
]
