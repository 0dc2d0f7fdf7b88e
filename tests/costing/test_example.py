from __future__ import annotations

import hashlib

import pytest

from tariffcore.costing.example import example_files, write_example
from tariffcore.costing.run import run_costing
from tariffcore.errors import ScheduleError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example") / "costs"
    write_example(folder)
    return run_costing(folder)


def test_it_is_the_same_each_time():
    files = example_files()
    assert files == example_files()
    text = "".join(f"{name}\n{files[name]}" for name in sorted(files))
    # changes only on purpose: the report and the demonstration are looked at with these numbers
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "02f368ceeb388ca9"


def test_it_is_what_it_says(run):
    assert len(run.inputs.providers) == 3
    assert len(run.weights) == 60
    assert run.schedule.synthetic
    assert run.schedule.title.startswith("SYNTHETIC")
    methods = {asset.method.value for asset in run.inputs.assets}
    assert methods == {
        "straight_line",
        "declining_balance",
        "annuity",
        "units_of_production",
        "not_depreciated",
    }
    buildings = run.inputs.charges.by_class["building"]
    assert buildings.past_life * 2 > buildings.assets
    assert sum(run.trimmed.left_out.values()) > 0
    assert all(found is not None for found in run.by_method().values())


def test_totals(run):
    """Pinned: what the worked example comes to. A change of these is a change of amounts."""
    assert run.total_minor == 406784017660
    assert run.capital_minor == 54975182532
    assert run.base_rate.paid_minor + run.base_rate.remainder_minor == run.total_minor
    assert (str(run.base_rate.amount), run.base_rate.remainder_minor) == ("45881327/100", 7098)
    assert len(run.inputs.charges.past_life) == 35


def test_it_does_not_write_over_anything(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("kept")
    with pytest.raises(ScheduleError, match="exists and is not empty"):
        write_example(tmp_path / "there")
