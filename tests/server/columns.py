"""Column streams as a caller with generated code would send them."""

from __future__ import annotations

from tariffcore.v1.case_columns_pb2 import CaseColumns, ColumnStreamStart
from tariffcore.v1.pricing_service_pb2 import PriceCaseColumnsRequest as Request

MARCH_4, MARCH_10 = 20_151, 20_157  # days since 1970 in 2025


def start(**fields):
    return Request(start=ColumnStreamStart(**fields))


def chunk(rows=3, **fields):
    """Rows of 1,234.50 in 2025, the first chunk of its stream."""
    usual = {
        "new_drg_codes": ["G1"],
        "new_care_settings": ["inpatient"],
        "drg": [1] * rows,
        "care_setting": [1] * rows,
        "admission_day": [MARCH_4] * rows,
        "discharge_day": [MARCH_10] * rows,
        "age_years": [40] * rows,
    }
    return Request(chunk=CaseColumns(rows=rows, **{**usual, **fields}))


def later_chunk(rows=3, **fields):
    """The same, its words already named."""
    return chunk(rows, **{"new_drg_codes": [], "new_care_settings": [], **fields})
