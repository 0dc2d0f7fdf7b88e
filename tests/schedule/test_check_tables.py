"""The CSV files together: codes, profiles, sums, spans of dates, coefficients."""

from __future__ import annotations

from tests.schedule_folders import NAME, FolderText, Spoiled, spoiled

T, G, R, C, S = "schedule.toml", "groups.csv", "providers.csv", "components.csv", "services.csv"
F = "factors.csv"


@spoiled(
    Spoiled(
        "unknown flag",
        G,
        "neonatal",
        "neonate",
        "flags: 'neonate': is not a flag of this schedule; did you mean 'neonatal'?…",
    ),
    Spoiled(
        "fifth decimal",
        G,
        "0.5000",
        "0.50001",
        "relative_weight: '0.50001': has more decimals than weight_places = 4; …",
    ),
    Spoiled(
        "fifth decimal of a child",
        G,
        "22.0576,,",
        "22.05761,,",
        "relative_weight_child: '22.05761': has more decimals…",
    ),
    Spoiled(
        "unknown profile",
        G,
        ",4,,general",
        ",4,,generl",
        "component_profile: 'generl': is not a profile of components.csv; did you mean 'general'?…",
    ),
    Spoiled(
        "setting of a service",
        S,
        "V1,Visit,service,outpatient,2600",
        "V1,Visit,service,outpatien,2600",
        "care_setting: 'outpatien': is not a care setting of this schedule; did you mean 'outpatient'?…",
    ),
    Spoiled(
        "two units",
        S,
        "V1,Visit,service,outpatient,2600",
        "V1,Visit,call,outpatient,2600",
        "unit: 'call': 'V1' is counted in 'service' in line 3; …",
    ),
    Spoiled(
        "fine rate",
        S,
        "2600",
        "2600.005",
        "rate: '2600.005': a rate of its own care setting is paid as printed, with at most 2 decimals; …",
    ),
    Spoiled(
        "rates overlap",
        S,
        "2026-01-01,2026-07-01",
        "2026-01-01,2026-07-02",
        "effective_start_date: '2026-07-01': the rate … of 'V1' overlaps line 3, …; end one…",
        at="V1,Visit,service,outpatient,2600",
    ),
    Spoiled(
        "rate never in force",
        S,
        "2600,2026-07-01,",
        "2600,2027-01-01,",
        "effective_start_date: '2027-01-01': the rate holds 2027-01-01 .. open, never while…; …",
    ),
    Spoiled(
        "rate of the past",
        S,
        "2600,2026-07-01,",
        "2600,2025-07-01,2026-01-01",
        "effective_start_date: '2025-07-01': the rate holds 2025-07-01 .. 2026-01-01, never…",
    ),
    Spoiled(
        "priced nowhere",
        S,
        "V1,Visit,service,outpatient,2600,2026-07-01,",
        "V2,Call,call,,2600,2026-07-01,",
        "care_setting: is empty and schedule.toml has no share of unit 'call', so 'V2' is priced nowhere; …",
    ),
    Spoiled(
        "periods overlap",
        R,
        "2026-01-01,2026-07-01",
        "2026-01-01,",
        "effective_start_date: '2026-07-01': 2026-07-01 .. open of 'H1' overlaps line 2, …; …",
        at="H1,2026-07-01",
    ),
    Spoiled(
        "combined not positive",
        R,
        "1,1.0500",
        "0.1000,0.9000",
        "provider_id: 'H2': its coefficients combine to 0, which is not greater than 0; …",
        at="H2,",
    ),
    Spoiled(
        "shares under one",
        C,
        "0.40",
        "0.39",
        "share: '0.39': the shares of profile 'general' sum to 0.99, not to 1; 0.01 is missing; …line 2…",
    ),
    Spoiled(
        "shares over one",
        C,
        "1/3",
        "0.3334",
        "share: '0.3334': the shares of profile 'general' in 'home' sum to 15001/15000, not to 1; …",
    ),
    Spoiled(
        "capital here, not there",
        C,
        "home,salaries,2/3,no",
        "home,salaries,2/3,yes",
        "capital: 'yes': the component 'salaries' is not capital in line 2; …",
    ),
)
def test_a_wrong_row(tmp_path, mistake):
    mistake.check(tmp_path)


def test_every_decimal_is_right_where_weights_are_not_rounded(tmp_path):
    folder = FolderText().replace(T, "weight_places = 4", 'weight_places = "exact"').without("published.csv")
    assert folder.replace(G, "0.5000", "0.500012345").read(tmp_path).groups["G3"].relative_weight > 0.5


def test_a_code_is_a_group_or_a_service_not_both(tmp_path):
    folder = FolderText().add(S, "G3,Visit,service,outpatient,1,,,x\n")
    problem = folder.problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{S}:5", "code", "G3")
    assert "is a group too (groups.csv, line 4)" in problem.message


def test_a_component_in_an_unknown_setting(tmp_path):
    folder = FolderText().add(C, "general,ward,salaries,1,no\n")
    problem = folder.problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{C}:6", "care_setting", "ward")


def test_a_profile_no_group_has(tmp_path):
    folder = FolderText().add(C, "surgical,,salaries,1,no\n")
    problem = folder.problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{C}:6", "component_profile", "surgical")
    assert problem.message == "no group has this profile"


def test_profiles_without_components(tmp_path):
    first, second = FolderText().without(C).problems(tmp_path)
    assert (first.place, second.place) == (f"{NAME}/{G}:2", f"{NAME}/{G}:4")
    assert "leave the cell empty" in first.way_out


def test_coefficients_without_providers(tmp_path):
    folder = FolderText().without(R)
    problem = folder.problem(tmp_path)
    assert problem.place == f"{NAME}/{T}:{folder.line(T, '[[coefficient]]')}"
    assert problem.value == "regional"
    assert "no providers.csv" in problem.message


def test_a_providers_file_without_providers(tmp_path):
    folder = FolderText()
    folder.files[R] = folder.files[R].splitlines(keepends=True)[0]
    problem = folder.problem(tmp_path)
    assert problem.place == f"{NAME}/{R}:1"
    assert "without it the coefficient is 1" in problem.way_out


def test_providers_without_coefficients_are_a_closed_list(tmp_path):
    folder = FolderText()
    folder.files[T] = folder.files[T][: folder.files[T].index(b"[[coefficient]]")]
    folder.files[R] = b"provider_id,effective_start_date,effective_end_date\nH1,2026-01-01,\n"
    schedule = folder.read(tmp_path)
    assert schedule.providers is not None
    assert schedule.providers["H1"][0].coefficients == ()


def test_periods_of_one_provider_may_leave_a_gap_and_touch(tmp_path):
    folder = FolderText().add(R, "H3,2026-03-01,2026-04-01,1,1\nH3,2026-01-01,2026-02-01,1,1\n")
    folder.add(R, "H3,2026-04-01,2026-05-01,1,1\n")
    schedule = folder.read(tmp_path)
    assert schedule.providers is not None
    assert len(schedule.providers["H3"]) == 3


def test_a_long_period_overlaps_every_later_one(tmp_path):
    folder = FolderText().add(
        R, "H3,2026-01-01,2026-12-01,1,1\nH3,2026-02-01,2026-03-01,1,1\nH3,2026-05-01,2026-06-01,1,1\n"
    )
    places = [problem.place for problem in folder.problems(tmp_path)]
    assert places == [f"{NAME}/{R}:6", f"{NAME}/{R}:7"]


def test_groups_without_a_share_of_a_case(tmp_path):
    folder = FolderText().without("published.csv")
    text = folder.files[T].decode()
    start = text.index('[[share]]\nunit = "case"')
    folder.files[T] = (text[:start] + text[text.index('[[share]]\nunit = "bed_day"') :]).encode()
    problem = folder.problem(tmp_path)
    assert problem.field == "share"
    assert "no care setting pays a case" in problem.message


def test_neither_groups_nor_services(tmp_path):
    folder = FolderText().without("published.csv").without(S).without(C)
    folder.files[G] = folder.files[G].splitlines(keepends=True)[0]
    problem = folder.problem(tmp_path)
    assert problem.place == f"{NAME}/{G}:1"
    assert "neither a group nor a service" in problem.message


def test_services_alone_make_a_schedule(tmp_path):
    folder = (
        FolderText().without(C).replace("published.csv", "G1,inpatient,adult,3.9114,686930.98,order 1\n", "")
    )
    folder.replace("published.csv", "G1,day_hospital,adult,1.5646,274779.42,order 1\n", "")
    folder.replace("published.csv", "G1,inpatient,child,3.5000,614679.77,order 1\n", "")
    folder.files[G] = folder.files[G].splitlines(keepends=True)[0]
    assert not folder.read(tmp_path).groups


def with_columns(file, columns, *rows):
    """The folder with these columns more in one file, empty in its rows, and these rows of cells more."""
    folder = FolderText()
    lines = folder.files[file].decode().splitlines()
    lines = [lines[0] + "," + columns] + [line + "," * (columns.count(",") + 1) for line in lines[1:]]
    folder.files[file] = ("\n".join((*lines, *rows)) + "\n").encode()
    return folder


def average_case(*rows):
    """Rows of a case at an average cost: care setting, start, end, planned days."""
    cells = (
        f"TB,Tuberculosis,average_case,{setting},800000.00,{start},{end},x,,{days}"
        for setting, start, end, days in rows
    )
    return with_columns(S, "method,planned_days", *cells)


def test_one_average_case_is_planned_for_as_many_days_everywhere(tmp_path):
    folder = average_case(("inpatient", "", "", 30), ("home", "", "", 20))
    assert str(folder.problem(tmp_path)) == (
        f"{NAME}/{S}:6: planned_days: '20': 'TB' is planned for 30 days in line 5; "
        "write the same days in all rows of the service that hold at the same time"
    )


def test_planned_days_of_some_rows_only(tmp_path):
    problem = average_case(("inpatient", "", "", 30), ("home", "", "", "")).problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{S}:6", "planned_days", None)
    assert problem.message == "'TB' is planned for 30 days in line 5"
    problem = average_case(("inpatient", "", "", ""), ("home", "", "", 30)).problem(tmp_path)
    assert (problem.place, problem.value) == (f"{NAME}/{S}:6", "30")
    assert problem.message == "'TB' is planned for no days in line 5"


def test_planned_days_may_change_with_the_rate(tmp_path):
    rows = ("inpatient", "", "2026-07-01", 30), ("home", "2026-07-01", "", 20)
    schedule = average_case(*rows).read(tmp_path)
    assert [row.planned_days for row in schedule.services["TB"]] == [30, 20]
    problem = average_case(("inpatient", "", "2026-07-02", 30), rows[1]).problem(tmp_path)  # a day together
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{S}:6", "planned_days", "20")


def consultations(*rows):
    """Services that are consultations in the reception ward: code, care setting, rate, start, end."""
    cells = (
        f"{code},Consultation,service,{setting},{rate},{start},{end},x,reception_consultation"
        for code, setting, rate, start, end in rows
    )
    return with_columns(S, "method", *cells)


def test_consultations_in_the_reception_ward_have_one_average_tariff(tmp_path):
    """Founding document, section 1: one average tariff for wide consultation."""
    folder = consultations(("R1", "inpatient", "100.00", "", ""), ("R2", "inpatient", "150.00", "", ""))
    assert str(folder.problem(tmp_path)) == (
        f"{NAME}/{S}:6: rate: '150': consultations in the reception ward are paid at one average tariff, "
        "and on the same days line 5 has 100; keep one rate, end one where the next begins, or correct the "
        "method of this service"
    )
    problem = consultations(("R1", "inpatient", "100.00", "", ""), ("R1", "home", "90.00", "", "")).problem(
        tmp_path
    )
    assert (problem.place, problem.field) == (f"{NAME}/{S}:6", "rate")


def test_the_average_tariff_may_change_and_stand_in_several_rows(tmp_path):
    rows = (
        ("R1", "inpatient", "100.00", "", "2026-07-01"),
        ("R2", "inpatient", "100.00", "", "2026-07-01"),
        ("R1", "inpatient", "120.00", "2026-07-01", ""),
    )
    assert len(consultations(*rows).read(tmp_path).services["R1"]) == 2
    # two rates of one service on one day are told once
    twice = consultations(("R1", "inpatient", "100.00", "", ""), ("R1", "inpatient", "120.00", "", ""))
    assert twice.problem(tmp_path).field == "effective_start_date"


def test_only_a_case_has_planned_days(tmp_path):
    folder = with_columns(S, "planned_days", "V2,Call,call,home,10.00,,,x,3")
    assert str(folder.problem(tmp_path)) == (
        f"{NAME}/{S}:5: planned_days: '3': a call has no stay, so no days are planned for it; "
        "leave the cell empty; it is for unit 'average_case'"
    )


def test_an_item_has_no_rate(tmp_path):
    folder = FolderText().add(S, "IMPLANT,Implant,item,inpatient,5.00,,,x\n")
    assert str(folder.problem(tmp_path)) == (
        f"{NAME}/{S}:5: rate: '5.00': an item is paid at what it has cost, which its line says; "
        "leave the cell empty, or count it in another unit than 'item'"
    )


def test_a_service_has_one_method(tmp_path):
    rows = "D,Dialysis,service,home,9.00,,,x,hemodialysis", "D,Dialysis,service,inpatient,9.00,,,x,"
    assert str(with_columns(S, "method", *rows).problem(tmp_path)) == (
        f"{NAME}/{S}:6: method: 'service': 'D' is paid as 'hemodialysis' in line 5; "
        "a service has one payment method; write the same in all its rows"
    )


def test_a_method_that_does_not_pay_the_unit(tmp_path):
    problem = with_columns(S, "method", "D,Dialysis,call,home,9.00,,,x,hemodialysis").problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{S}:5", "method", "hemodialysis")
    assert "known are: call" in problem.way_out


def test_a_method_that_there_is_not(tmp_path):
    problem = with_columns(S, "method", "D,Dialysis,service,home,9.00,,,x,hemodialisis").problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{S}:5", "method", "hemodialisis")
    assert "did you mean 'hemodialysis'?" in problem.way_out


DATES = "effective_start_date,effective_end_date"


def dated(*spans):
    """factors.csv with a factor of each of these spans."""
    return with_columns(F, DATES, *(f"service,december,0.8,x,{start},{end}" for start, end in spans))


def test_two_factors_of_one_name_share_a_day(tmp_path):
    folder = dated(("2026-02-01", "2026-03-02"), ("2026-03-01", "2026-04-01"))
    assert str(folder.problem(tmp_path)) == (
        f"{NAME}/{F}:5: effective_start_date: '2026-03-01': the factor 'december' overlaps that of line 4, "
        "2026-02-01 .. 2026-03-02; end one where the next begins "
        "(the end is the first day no longer in force)"
    )


def test_a_factor_of_always_overlaps_one_of_a_month(tmp_path):
    problem = dated(("", ""), ("2026-12-01", "2027-01-01")).problem(tmp_path)
    assert (problem.place, problem.value) == (f"{NAME}/{F}:5", "2026-12-01")


def test_the_same_factor_on_the_same_days_is_told_once(tmp_path):
    problem = dated(("2026-12-01", ""), ("2026-12-01", "")).problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{F}:5", "factor_code", "december")
    assert "line 4" in problem.message


def test_factors_may_touch_leave_a_gap_and_be_of_other_units(tmp_path):
    folder = dated(("2026-03-01", "2026-04-01"), ("2026-02-01", "2026-03-01"), ("2026-12-01", ""))
    folder.add(F, "call,december,0.8,x,2026-02-01,\n")
    assert len(folder.read(tmp_path).factors) == 6


def test_a_factor_that_ends_before_it_starts(tmp_path):
    problem = dated(("2026-12-01", "2026-12-01")).problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (
        f"{NAME}/{F}:4",
        "effective_end_date",
        "2026-12-01",
    )
    assert "is not after the start 2026-12-01" in problem.message
