from __future__ import annotations

import pytest

from tariffcore.costing.inputs import read_inputs
from tariffcore.costing.tables import TABLES
from tariffcore.costing.templates import template_toml, write_templates
from tariffcore.errors import CostingError, ScheduleError
from tests.costing.small_costs import FILES


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_templates_are_asked_to_be_filled_in(tmp_path, file_format):
    names = write_templates(tmp_path / "costs", file_format)
    assert {f"{table.name}.{file_format}" for table in TABLES} < set(names)
    (tmp_path / "costs" / f"cases.{file_format}").unlink()
    with pytest.raises(CostingError) as raised:
        read_inputs(tmp_path / "costs")
    found = [str(problem) for problem in raised.value.problems]
    assert any("there are no bookings" in problem for problem in found)
    assert any("there are no groups" in problem for problem in found)


def test_a_filled_template_is_read(tmp_path):
    """The small hospital typed into the templates."""
    write_templates(tmp_path / "costs", "csv")
    (tmp_path / "costs" / "cases.csv").unlink()
    (tmp_path / "costs" / "costing.toml").write_text(FILES["costing.toml"], encoding="utf-8")
    for name, text in FILES.items():
        if name.endswith(".csv"):
            columns = text.splitlines()[0].split(",")
            path = tmp_path / "costs" / name
            header = path.read_text(encoding="utf-8").strip().split(",")
            rows = [dict(zip(columns, row.split(","), strict=True)) for row in text.splitlines()[1:]]
            lines = [",".join(row.get(column, "") for column in header) for row in rows]
            path.write_text("\n".join([",".join(header), *lines]), encoding="utf-8")
    assert read_inputs(tmp_path / "costs").providers == ("H1",)


def test_the_template_names_no_example():
    text = template_toml()
    assert "SYNTHETIC" not in text
    assert "costed-demo" not in text


def test_it_does_not_write_over_anything(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ScheduleError, match="not a folder"):
        write_templates(tmp_path / "file", "csv")
    with pytest.raises((CostingError, ScheduleError)):
        write_templates(tmp_path / "file" / "below", "csv")
