"""Import of a published table into a schedule folder.

table_reading       the file as rows of cells
headers             which column holds what
numbers_as_printed  the exact value of a printed number
group_rows          which rows are groups, and what became of the others
base_rate           the base rate that reproduces the printed tariffs
settings            what the table does not say
table_import        proof, folder, report
"""

from tariffcore.schedule.importing.group_rows import RowAccount, RowFate
from tariffcore.schedule.importing.numbers_as_printed import DecimalMark
from tariffcore.schedule.importing.settings import ImportSettings
from tariffcore.schedule.importing.table_import import (
    ColumnAccount,
    ImportReport,
    UnprovenWeight,
    import_table,
)

__all__ = [
    "ColumnAccount",
    "DecimalMark",
    "ImportReport",
    "ImportSettings",
    "RowAccount",
    "RowFate",
    "UnprovenWeight",
    "import_table",
]
