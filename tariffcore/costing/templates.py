"""Empty tables to fill in, as CSV or XLSX, with costing.toml and what each column holds."""

from __future__ import annotations

import csv
import io
import secrets
import shutil
from pathlib import Path

import xlsxwriter

from tariffcore.costing.example import EXAMPLE_TOML
from tariffcore.costing.parameters import COSTING_TOML
from tariffcore.costing.tables import CASES, TABLES
from tariffcore.errors import CostingError, Problem
from tariffcore.schedule.writing import require_free
from tariffcore.worksheets.table import Table

_OF_THE_EXAMPLE = (
    (
        "# SYNTHETIC: a worked example of costing; every number in this folder is made up and pays nobody.\n"
        "# Written by `tariffcore cost example`. The tables beside it are what an accountant fills in.\n",
        "# The choices of a costing run. Fill in the tables beside it, then:\n"
        "#   tariffcore cost run THIS_FOLDER -o NEW_SCHEDULE --report report.html\n",
    ),
    ('id = "costed-demo-2026"', 'id = "costed-2026"'),
    ('tariff_family = "costed-demo"', 'tariff_family = "costed"'),
    (
        'title = "SYNTHETIC worked example: tariffs from the costs of three made-up hospitals in 2025"\n'
        "synthetic = true\n",
        'title = "Tariffs from the costs of 2025"\n',
    ),
    ('current = "kz-demo-2026"      # the', '# current = "kz-2026"         # the'),
)


def template_toml() -> str:
    """costing.toml to begin with: that of the example without what makes it one."""
    text = EXAMPLE_TOML
    for old, new in _OF_THE_EXAMPLE:
        assert old in text, old
        text = text.replace(old, new)
    return text


def write_templates(destination: Path, file_format: str) -> list[str]:
    """Writes the folder whole or not at all, and returns its files' names. ``file_format``: csv or xlsx.

    Of cases and treated, which say the same, both are written; one is to be removed. Raises ScheduleError
    where something stands there, CostingError where it cannot be written.
    """
    require_free(destination)
    aside = destination.parent / f".{destination.name}.writing-{secrets.token_hex(4)}"
    try:
        aside.mkdir(parents=True)
        (aside / COSTING_TOML).write_text(template_toml(), encoding="utf-8")
        (aside / "README.md").write_text(_notes(file_format), encoding="utf-8")
        for table in TABLES:
            if file_format == "xlsx":
                _write_xlsx(aside / f"{table.name}.xlsx", table)
            else:
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerow(table.column_names)
                (aside / f"{table.name}.csv").write_text(text.getvalue(), encoding="utf-8")
        names = sorted(file.name for file in aside.iterdir())
        aside.rename(destination)
    except OSError as error:
        raise CostingError(
            "the templates were not written",
            [
                Problem(
                    str(destination),
                    None,
                    None,
                    f"cannot be written ({error.strerror or error})",
                    "choose a place you may write to",
                )
            ],
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return names


def _write_xlsx(path: Path, table: Table) -> None:
    """The header, each cell with a note of what the column holds."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet(table.name)
        bold = book.add_format({"bold": True})
        text = book.add_format({"num_format": "@"})
        for number, column in enumerate(table.columns):
            sheet.write_string(0, number, column.name, bold)
            sheet.write_comment(0, number, column.what)
            # codes and days are typed as text, or a spreadsheet makes dates of 1-2 and numbers of 007
            is_code = column.name.endswith(("_id", "_code", "centre", "period"))
            sheet.set_column(number, number, max(12, len(column.name) + 2), text if is_code else None)
        sheet.freeze_panes(1, 0)


def _notes(file_format: str) -> str:
    lines = [
        "# What to fill in",
        "",
        "`costing.toml` holds the choices of the run. Amounts are written 1234.56 or 1 234,56, days",
        "2025-03-31 or 31.03.2025, months 2025-03 or 03.2025. A number that is not known is asked for,",
        "never taken as zero.",
        f"Of `cases` and `treated` fill in one and remove the other; optional tables may be removed. "
        f"Files may be .csv or .xlsx (`{CASES.name}` also .parquet).",
        "CSV may be UTF-8 or cp1251, with a comma, a semicolon or a tab between the cells.",
        "",
    ]
    for table in TABLES:
        optional = " (optional)" if table.optional else ""
        lines += [
            f"## {table.name}.{file_format}{optional}",
            "",
            f"{table.what[0].upper()}{table.what[1:]}.",
            "",
        ]
        for column in table.columns:
            may = ", may be left out" if column.may_lack else ""
            lines.append(f"- `{column.name}`: {column.what}{may}")
        lines.append("")
    return "\n".join(lines)
