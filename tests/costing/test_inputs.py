"""Bad input: everything wrong is told at once, with file, line and the way out, and no schedule is
written."""

from __future__ import annotations

import shutil

import pytest

from tariffcore.costing.example import write_example
from tariffcore.costing.inputs import read_inputs
from tariffcore.costing.run import run_costing
from tariffcore.errors import CostingError
from tests.costing.small_costs import CASES, FILES, replaced, with_row, write_costs


def problems_of(folder, changes=None) -> list[str]:
    write_costs(folder / "costs", changes)
    with pytest.raises(CostingError) as raised:
        run_costing(folder / "costs")
    assert "no schedule was written" in raised.value.summary
    return [str(problem) for problem in raised.value.problems]


def test_the_small_folder_is_sound(tmp_path):
    inputs = read_inputs(write_costs(tmp_path / "costs"))
    assert inputs.providers == ("H1",)
    assert inputs.ledger["H1", "therapy"] == [400000, 70000, 0, 0]
    assert inputs.charges.by_centre["H1", "therapy"] == [0, 0, 12000, 0]
    assert [asset.asset_id for asset in inputs.charges.past_life] == ["A2"]
    assert len(inputs.digest) == 64


def test_cost_and_no_allocation_base(tmp_path):
    changes = replaced("cost_centres.csv", "Administration,overhead,staff", "Administration,overhead,")
    changes |= {"statistics.csv": FILES["statistics.csv"].replace("staff", "kilograms", 0)}
    changes["statistics.csv"] = "\n".join(
        line for line in FILES["statistics.csv"].splitlines() if ",staff," not in line
    )
    assert problems_of(tmp_path, changes) == [
        "costs/cost_centres.csv:2: allocation_base: centre 'administration' of 'H1' has cost, and no "
        "allocation "
        "base to pass it on by; write what it is passed on by (floor_area, staff, ...) and give the "
        "quantities in statistics"
    ]


def test_cost_and_nobody_who_receives_it(tmp_path):
    text = "\n".join(line for line in FILES["statistics.csv"].splitlines() if ",kilograms," not in line)
    (problem,) = problems_of(tmp_path, {"statistics.csv": text})
    assert problem == (
        "costs/cost_centres.csv:3: allocation_base: 'kilograms': centre 'laundry' of 'H1' has cost, and no "
        "other "
        "centre has any 'kilograms' in statistics; give the quantities of centres that come after it, or "
        "choose another base"
    )


def test_disposed_before_commissioned(tmp_path):
    row = "H1,A3,Scanner,equipment,surgery,900.00,2024-05-01,,,0,,,2023-12-31"
    assert problems_of(tmp_path, with_row("assets.csv", row)) == [
        "costs/assets.csv:4: disposed: '2023-12-31': is before the day it was commissioned, 2024-05-01; "
        "correct one of the two days"
    ]


def test_negative_without_the_reversal_mark(tmp_path):
    (problem,) = problems_of(tmp_path, with_row("ledger.csv", "H1,2025-07,surgery,staff_pay,-20.00,journal"))
    assert problem == (
        "costs/ledger.csv:7: amount: '-20.00': is below zero without the reversal mark; write yes in the "
        "column reversal if it takes back a booking, or correct the sign"
    )


def test_reversal_mark(tmp_path):
    text = "\n".join(
        line + (",reversal" if number == 0 else ",")
        for number, line in enumerate(FILES["ledger.csv"].splitlines())
    )
    text += "\nH1,2025-07,surgery,staff_pay,-20.00,journal,yes\n"
    inputs = read_inputs(write_costs(tmp_path / "costs", {"ledger.csv": text}))
    assert inputs.ledger["H1", "surgery"][0] == 498000
    more = text + "H1,2025-07,surgery,medicines,-5.00,journal,yes\nH1,2025-07,surgery,medicines,1.00,j,yes\n"
    found = problems_of(tmp_path / "other", {"ledger.csv": more})
    assert any("are more than its bookings" in problem for problem in found) or any(
        "is above zero and marked as a reversal" in problem for problem in found
    )


def test_more_taken_back_than_booked(tmp_path):
    text = "\n".join(
        line + (",reversal" if number == 0 else ",")
        for number, line in enumerate(FILES["ledger.csv"].splitlines())
    )
    text += "\nH1,2025-07,surgery,medicines,-5.00,journal,yes\n"
    assert problems_of(tmp_path, {"ledger.csv": text}) == [
        "costs/ledger.csv:6: amount: '-5.00': the reversals of 'medicines' in 'surgery' of 'H1' are more "
        "than its bookings; add the bookings they take back, or book the reversal where those are"
    ]


def test_circular_order(tmp_path):
    changes = replaced("cost_centres.csv", "staff,,\n", "staff,,laundry\n")
    changes["cost_centres.csv"] = changes["cost_centres.csv"].replace(
        "kilograms,,\n", "kilograms,,administration\n"
    )
    assert problems_of(tmp_path, changes) == [
        "costs/cost_centres.csv:2: after: 'laundry': the order of 'H1' is circular: 'administration' after "
        "'laundry' after 'administration'; overhead is passed on before ancillary, and a centre after those "
        "in its cell; clear one of the cells"
    ]


def test_overhead_declared_after_ancillary_is_circular(tmp_path):
    changes = replaced("cost_centres.csv", "staff,,\n", "staff,,laundry\n")
    changes["cost_centres.csv"] = changes["cost_centres.csv"].replace("Laundry,overhead", "Laundry,ancillary")
    (problem,) = problems_of(tmp_path, changes)
    assert "is circular: 'administration' after 'laundry' after 'administration'" in problem


def test_group_with_cost_and_no_cases(tmp_path):
    row = "H1,surgery,2,day_hospital,0,4"
    assert problems_of(tmp_path, with_row("treated.csv", row)) == [
        "costs/treated.csv:5: cases: '0': group '2' has cost at 'H1' (day_hospital) and no cases; give its "
        "discharges in the row of the centre they left from, or remove its bed-days and units"
    ]


def test_agreed_shares_that_do_not_sum_to_one(tmp_path):
    changes = replaced("cost_centres.csv", "overhead,kilograms", "overhead,shares")
    changes["statistics.csv"] = "\n".join(
        line for line in FILES["statistics.csv"].splitlines() if ",kilograms," not in line
    )
    changes["shares.csv"] = (
        "provider_id,cost_centre,to_cost_centre,share\nH1,laundry,therapy,0.5\nH1,laundry,surgery,1/3\n"
    )
    assert problems_of(tmp_path, changes) == [
        "costs/shares.csv:3: share: '1/3': the shares of 'laundry' of 'H1' sum to 5/6, not to 1; 1/6 is "
        "missing (thirds are written 1/3)"
    ]
    changes["shares.csv"] = changes["shares.csv"].replace("1/3", "1/2")
    read_inputs(write_costs(tmp_path / "right", changes))


def test_two_currencies(tmp_path):
    text = "\n".join(
        f"{line},{word}"
        for line, word in zip(
            FILES["ledger.csv"].splitlines(), ["currency", "KZT", "", "USD", "KZT", "KZT"], strict=True
        )
    )
    assert problems_of(tmp_path, {"ledger.csv": text}) == [
        "costs/ledger.csv:4: currency: 'USD': the run is in KZT, and amounts of two currencies cannot be "
        "added; convert the amount to KZT at the rate of its day and say so in source"
    ]


def test_all_at_once(tmp_path):
    """One mistake of each kind, in seven files."""
    changes = (
        with_row("assets.csv", "H1,A3,Scanner,equipment,surgery,900.00,2024-05-01,,,0,,,2023-12-31")
        | with_row(
            "ledger.csv", "H1,2025-07,surgery,staff_pay,-20.00,journal", "H1,2024-07,surgry,stafpay,1.005,"
        )
        | with_row("treated.csv", "H1,surgery,2,day_hospital,0,4", "H1,therapy,3,inpatient,1,x")
        | with_row("statistics.csv", "H1,theatre,staff,4", "H2,therapy,staff,-4")
        | with_row("groups.csv", "1,Twice,,", "5,,many,unknown_flag")
        | replaced("cost_centres.csv", "staff,,\n", "staff,bed_days,\n")
    )
    found = problems_of(tmp_path, changes)
    places = [problem.split(": ")[0].removeprefix("costs/") for problem in found]
    assert set(places) == {
        "assets.csv:4",
        "ledger.csv:7",
        "ledger.csv:8",
        "treated.csv:6",
        "statistics.csv:8",
        "groups.csv:4",
        "groups.csv:5",
        "cost_centres.csv:2",
    }
    assert sum(place == "ledger.csv:8" for place in places) == 4  # period, component, amount, source
    assert all("; " in problem for problem in found), "every problem has its way out"


def test_a_wrong_choice_hides_no_wrong_table(tmp_path):
    changes = (
        with_row("statistics.csv", "H1,theatre,staff,-4")
        | with_row("groups.csv", "1,Twice,,")
        | replaced("costing.toml", '"step_down"', '"stepdown"')
    )
    found = problems_of(tmp_path, changes)
    places = {problem.split(":")[0].removeprefix("costs/") for problem in found}
    assert places == {"costing.toml", "statistics.csv", "groups.csv"}


def test_a_missing_table_hides_no_wrong_one(tmp_path):
    folder = write_costs(
        tmp_path / "costs", with_row("ledger.csv", "H1,2025-07,surgery,stafpay,1.00,journal")
    )
    (folder / "statistics.csv").unlink()
    with pytest.raises(CostingError) as raised:
        read_inputs(folder)
    places = {str(problem).split(":")[0].removeprefix("costs/") for problem in raised.value.problems}
    assert places == {"ledger.csv", "statistics.csv"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ledger.csv": None}, "costs/ledger.csv: the file is missing; it holds what was spent"),
        (
            {"asset.csv": "a,b\n"},
            "costs/asset.csv: is not a table of a costing run; did you mean 'assets.csv'?",
        ),
        ({"cases.csv": CASES}, "costs/treated.csv: there is cases.csv too, and both say what was treated"),
        ({"treated.csv": None}, "costs/cases.csv: there is neither cases nor treated"),
        (replaced("costing.toml", '"step_down"', '"stepdown"'), "did you mean 'step_down'?"),
        (replaced("costing.toml", 'like = "kz-2026"', 'like = "kz-2062"'), "costing.toml: like: 'kz-2062'"),
        (replaced("costing.toml", 'currency = "KZT"', 'currency = "USD"'), "has currency KZT, the run USD"),
        (
            replaced("costing.toml", "start = 2025-01-01", "start = 2025-01-15"),
            "is not the first day of a month",
        ),
        (replaced("costing.toml", "places = 4", "places = 6"), "is more than the 4 decimals of weights"),
        (
            replaced("costing.toml", "minor_units = 2", "minor_units = 2\nfoo = 1"),
            "is not a key of this table",
        ),
        (replaced("ledger.csv", "1000.00", '"1,000"'), "could be 1 or 1000; write one of the two"),
        (replaced("ledger.csv", "1000.00", "1.250"), "could be 1.25 or 1250; write one of the two"),
        (replaced("ledger.csv", "1000.00", '"1.000,005"'), "has more than 2 decimals"),
        (replaced("ledger.csv", "1000.00", '"1000,00 x"'), "is not a decimal number"),
        (replaced("ledger.csv", "2025-05", "2025-05-02"), "is neither a month nor a year"),
        (replaced("assets.csv", "2020-03-05", "31.02.2020"), "is not a day of the calendar"),
        (replaced("treated.csv", "20,160", "20,160.5"), "is not a whole number"),
        (replaced("ledger.csv", "1000.00", ""), "costs/ledger.csv:2: amount: is empty"),
        (replaced("ledger.csv", "provider_id,", "provider,"), "did you mean 'provider_id'?"),
        (replaced("ledger.csv", "1000.00,journal", "1000.00"), "the row has 5 cells, the header 6"),
        (replaced("ledger.csv", "2025-05", "2024-05"), "is not within the run's period"),
        (replaced("ledger.csv", "laundry", "landry"), "did you mean 'laundry'?"),
        (
            replaced("ledger.csv", "medicines", "depreciation"),
            "is charged from the assets (class 'equipment')",
        ),
        (replaced("assets.csv", ",A2,", ",A1,"), "stands in line 2 already"),
        (
            replaced("assets.csv", "1200.00,2020-03-05,,,0,", "1200.00,2020-03-05,,,1300,"),
            "is more than the asset",
        ),
        (replaced("assets.csv", "2020-03-05,,,0,,", "2020-03-05,,,0,annuity,"), None),
        (
            replaced("assets.csv", "2020-03-05,,,0,,", "2020-03-05,2.5,,0,annuity,"),
            "an annuity has whole years",
        ),
        (
            replaced("assets.csv", "2020-03-05,,,0,,", "2020-03-05,,,0,units_of_production,"),
            "is needed by units",
        ),
        (replaced("assets.csv", "2020-03-05,,", "2020-03-05,5,0.3"), "contradict each other"),
        (replaced("assets.csv", "equipment,therapy", "equipment,therpy"), "did you mean 'therapy'?"),
        (replaced("treated.csv", "therapy", "laundry"), "serves other centres and treats nobody"),
        (replaced("treated.csv", "inpatient,20", "outpatient,20"), "outpatient"),
        (
            replaced("treated.csv", "H1,surgery,2,inpatient", "H1,surgery,2,day_hospital"),
            "has no case in 'inpatient'",
        ),
        (replaced("statistics.csv", "staff,2", "staf,2"), "no cost centre of 'H1' is passed on by this base"),
        (
            replaced(
                "costing.toml",
                'rule = "none"',
                'rule = "mean_ratio"\nlow = "1/3"\nhigh = "3"\nleast = 2\nof = "cases"\nby = "cost"',
            ),
            "single cases are to be trimmed, and treated holds sums of cases",
        ),
    ],
)
def test_one_mistake(tmp_path, changes, expected):
    if expected is None:
        run_costing(write_costs(tmp_path / "costs", changes))
        return
    found = problems_of(tmp_path, changes)
    assert any(expected in problem for problem in found), found
    assert all("; " in problem for problem in found)


def test_a_flood_is_counted(tmp_path):
    found = problems_of(tmp_path, with_row("ledger.csv", *["H1,2025,surgery,staff_pay,x,j"] * 1000))
    assert len(found) == 201
    assert "there are 800 more problems in this file" in found[-1]


def test_revaluations(tmp_path):
    header = "provider_id,asset_id,date,revalued_amount,remaining_life_years,residual_value,source\n"
    rows = "H1,A1,2024-12-10,1000.00,,,appraisal\n"
    inputs = read_inputs(write_costs(tmp_path / "costs", {"revaluations.csv": header + rows}))
    # 10 years from April 2020: 63 months are left in January 2025; 12 of them are charged
    assert inputs.charges.by_centre["H1", "therapy"][2] == 19048  # 190.476...
    for row, expected in (
        ("H1,A9,2024-12-10,1000.00,,,appraisal\n", "is not in the asset register"),
        ("H1,A1,2019-12-10,1000.00,,,appraisal\n", "is not within the life"),
        ("H1,A2,2024-12-10,1000.00,,,appraisal\n", "nothing is left of the asset's life"),
        ("H1,A1,2024-12-10,10.00,,20.00,appraisal\n", "is less than the residual value"),
    ):
        found = problems_of(tmp_path / row[:5] / row[-15:-11], {"revaluations.csv": header + row})
        assert any(expected in problem for problem in found), (row, found)


def test_xlsx_says_the_same_as_csv(tmp_path):
    import csv

    import xlsxwriter

    folder = write_costs(tmp_path / "costs")
    before = run_costing(folder)
    for name in list(FILES):
        if not name.endswith(".csv"):
            continue
        with (
            (folder / name).open(encoding="utf-8", newline="") as text,
            xlsxwriter.Workbook(str(folder / name.replace(".csv", ".xlsx"))) as book,
        ):
            sheet = book.add_worksheet()
            for line, row in enumerate(csv.reader(text)):
                for column, cell in enumerate(row):
                    if cell.replace(".", "", 1).isdigit():
                        sheet.write_number(line, column, float(cell))
                    elif cell:
                        sheet.write_string(line, column, cell)
        (folder / name).unlink()
    after = run_costing(folder)
    assert after.weights == before.weights
    assert after.base_rate == before.base_rate


RUSSIAN = {
    "ledger.csv": """\
provider_id;period;cost_centre;component;amount;source
H1;2025;administration;staff_pay;1 000,00;журнал
H1;05.2025;laundry;staff_pay;300;журнал
H1;01.06.2025;therapy;staff_pay;4\u00a0000,0;журнал
H1;2025-06-01;therapy;medicines;700,00;журнал
H1;2025-06;surgery;staff_pay;5.000,00;журнал
""",
    "assets.csv": """\
provider_id;asset_id;name;asset_class;cost_centre;acquisition_cost;commissioned;useful_life_years;rate;residual_value;method;life_units;disposed
H1;A1;Кровать;equipment;therapy;1 200,00;05.03.2020;10,0;;0,00;;;
H1;A2;Лампа;equipment;surgery;500;1.1.2001 0:00:00;;0,1;0;;;
""",
    "statistics.csv": """\
provider_id;cost_centre;base;quantity
H1;laundry;staff;2
H1;therapy;staff;10,0
H1;surgery;staff;8
H1;therapy;kilograms;60
H1;surgery;kilograms;90,5
""",
    "treated.csv": """\
provider_id;cost_centre;drg_code;care_setting;cases;bed_days
H1;therapy;1;inpatient;40;300,0
H1;surgery;2;inpatient;20;160
H1;surgery;1;inpatient;1;5
""",
    "groups.csv": """\
drg_code;name;planned_days;flags
1;Infection;7;infectious
2;Fracture;;
""",
}
"""The small folder as accountants write it where the comma is the decimal mark."""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_as_accountants_write_it(tmp_path, encoding):
    before = run_costing(write_costs(tmp_path / "costs"))
    folder = write_costs(tmp_path / "russian")
    for name, text in RUSSIAN.items():
        (folder / name).write_bytes(text.replace("\n", "\r\n").encode(encoding))
    after = run_costing(folder)
    assert after.total_by_component == before.total_by_component
    assert after.weights == before.weights
    assert after.base_rate == before.base_rate
    assert [asset.name for asset in after.inputs.assets] == ["Кровать", "Лампа"]


def test_bytes_of_no_encoding(tmp_path):
    folder = write_costs(tmp_path / "costs")
    text = FILES["ledger.csv"].replace("laundry,staff_pay,300.00,journal", "laundry,staff_pay,300.00,журнал")
    (folder / "ledger.csv").write_bytes(text.encode("cp1251") + b"\x98")
    with pytest.raises(CostingError, match=r"costs/ledger\.csv:7: is not cp1251 text; save"):
        run_costing(folder)


def test_the_error_of_a_formula_is_no_empty_cell(tmp_path):
    """An empty driver is none; the error of a formula is a number that nobody knows."""
    import xlsxwriter

    folder = write_costs(tmp_path / "costs", {"groups.csv": None})
    with xlsxwriter.Workbook(str(folder / "groups.xlsx")) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate(FILES["groups.csv"].splitlines()):
            sheet.write_row(line, 0, row.split(","))
        last = len(FILES["groups.csv"].splitlines()[0].split(",")) - 1
        sheet.write_formula(1, last, "=1/0", None, "#DIV/0!")
    with pytest.raises(CostingError, match=r"costs/groups\.xlsx:2: .*'#DIV/0!'"):
        run_costing(folder)


def test_a_stray_cell_far_below_the_table(tmp_path):
    """A workbook is not taken into memory with the millions of empty cells before it."""
    import xlsxwriter

    folder = write_costs(tmp_path / "costs", {"groups.csv": None})
    with xlsxwriter.Workbook(str(folder / "groups.xlsx")) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate(FILES["groups.csv"].splitlines()):
            sheet.write_row(line, 0, row.split(","))
        sheet.write(1_048_575, 16_383, "x")
    with pytest.raises(CostingError) as raised:
        run_costing(folder)
    assert [str(problem) for problem in raised.value.problems] == [
        "costs/groups.xlsx: has a sheet that spans 1,048,576 rows and 16,384 columns; delete what stands far "
        "outside the table"
    ]


def test_cost_and_no_base_is_told_beside_a_circular_order_and_wrong_statistics(tmp_path):
    """What keeps the rest from being judged does not hide it."""
    changes = replaced(
        "cost_centres.csv",
        ",administration,Administration,overhead,staff,,\n,laundry,Laundry,overhead,kilograms,,",
        ",administration,Administration,overhead,,,laundry\n,laundry,Laundry,overhead,kilograms,,administration",
    )
    found = problems_of(tmp_path / "circular", changes)
    assert sum("has cost, and no allocation base to pass it on by" in problem for problem in found) == 1
    assert sum("is circular" in problem for problem in found) == 1
    changes = replaced("cost_centres.csv", "overhead,staff,", "overhead,,") | with_row(
        "statistics.csv", "H1,therapy,meals,x"
    )
    found = problems_of(tmp_path / "statistics", changes)
    assert sum("has cost, and no allocation base to pass it on by" in problem for problem in found) == 1


def test_keys_of_another_rule_may_stay(tmp_path):
    left = 'rule = "none"\nof = "cases"\nby = "bed_days"\nfactor = "1.5"\nleast = 20'
    folder = write_costs(tmp_path / "costs", replaced("costing.toml", 'rule = "none"', left))
    run_costing(folder)
    (problem,) = problems_of(
        tmp_path / "other", replaced("costing.toml", 'rule = "none"', 'rule = "none"\nfactr = "1.5"')
    )
    assert "'factr': is not a key of this table; did you mean 'factor'?" in problem


def test_sums_of_a_spreadsheet(tmp_path):
    """Formulas leave binary dust after the fifteenth digit; what has more decimals before it is refused."""
    import xlsxwriter

    def inputs_with(amount: float, name: str):
        folder = write_costs(tmp_path / name, {"ledger.csv": None})
        with xlsxwriter.Workbook(str(folder / "ledger.xlsx")) as book:
            sheet = book.add_worksheet()
            for line, row in enumerate(FILES["ledger.csv"].splitlines()):
                sheet.write_row(line, 0, row.split(","))
            for line, row in enumerate(FILES["ledger.csv"].splitlines()[1:], start=1):
                sheet.write_number(line, 4, float(row.split(",")[4]))
            sheet.write_formula(1, 4, "=700000.1+0.2-0.29", None, amount)
        return read_inputs(folder)

    dusty = 700000.1 + 0.2 - 0.29
    assert repr(dusty) == "700000.0099999999"
    assert inputs_with(dusty, "dust").ledger["H1", "administration"][0] == 700000_01
    with pytest.raises(CostingError) as raised:
        inputs_with(1000 / 3, "third")
    assert "'333.333333333333': has more than 2 decimals" in str(raised.value.problems[0])


def test_a_centre_twice(tmp_path):
    assert problems_of(tmp_path, with_row("cost_centres.csv", ",laundry,Again,overhead,staff,,")) == [
        "costs/cost_centres.csv:6: cost_centre: 'laundry': stands in line 3 already; keep one of the two rows"
    ]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CostingError, match="is not a readable folder"):
        read_inputs(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CostingError, match="a costing run begins with it"):
        read_inputs(tmp_path / "empty")


def test_the_example_is_sound(tmp_path):
    write_example(tmp_path / "example")
    inputs = read_inputs(tmp_path / "example")
    assert len(inputs.providers) == 3
    assert len(inputs.groups) == 60
    shutil.rmtree(tmp_path / "example")
