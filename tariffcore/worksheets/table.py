"""What a table to fill in holds, column by column. Templates and reading ask here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``may_lack``: the table is whole without it."""

    name: str
    what: str
    may_lack: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the folder: a file ``<name>.csv`` or ``<name>.xlsx`` (cases also ``.parquet``)."""

    name: str
    what: str
    columns: tuple[Column, ...]
    optional: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required_columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if not column.may_lack)
