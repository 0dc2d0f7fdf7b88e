"""What the report says of an edition in force, and where none was named."""

from __future__ import annotations

from tariffcore.costing.report import render_report
from tariffcore.costing.run import run_costing
from tariffcore.money import format_exact
from tests.costing.small_costs import replaced, write_costs


def test_a_report_without_an_edition_to_compare_with(tmp_path):
    run = run_costing(write_costs(tmp_path / "costs"))
    page = render_report(run, run.schedule)
    assert "No edition in force was named" in page
    assert "1 hospital, 2 groups" in page
    group = run.schedule.groups["1"]
    assert f'<td>1</td><td>Infection</td><td class="n">{format_exact(group.relative_weight)}</td>' in page
    assert "paid under" not in page


def test_weights_in_force_stand_beside_the_new_ones(tmp_path):
    changes = replaced("costing.toml", 'like = "kz-2026"', 'like = "kz-2026"\ncurrent = "kz-2026"')
    run = run_costing(write_costs(tmp_path / "costs", changes))
    page = render_report(run, run.schedule)
    shared = [code for code in run.weights if code in run.inputs.current.groups]
    assert f"All {len(shared)} groups of both editions" in page
    for code in shared:
        now = format_exact(run.inputs.current.groups[code].relative_weight)
        assert f'<td class="n">{now}</td><td class="n">{format_exact(run.weights[code])}</td>' in page
    assert "paid under kz-2026" in page
