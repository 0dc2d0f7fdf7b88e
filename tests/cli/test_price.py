from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from tariffcore.batch import run_note
from tariffcore.cli.price import price
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.version import ENGINE_VERSION
from tests.cli.running import refused, run, run_process, whole_files, write_cases
from tests.schedule_folders import FolderText

PRICED = "1,,1,inpatient,2026-01-05,2026-01-12,40"
DAY_HOSPITAL = "2,,1,day_hospital,2026-02-05,2026-02-12,40"
UNKNOWN = "3,,2,inpatient,2026-01-05,2026-01-12,40"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- what it does


def test_every_row_comes_back_and_the_last_line_counts_them(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, PRICED, UNKNOWN, DAY_HOSPITAL)
    out, rejects = tmp_path / "priced.csv", tmp_path / "rejects.csv"
    ran = run("price", cases, "-s", "kz-2026", "-o", out, "--rejects", rejects)
    assert (ran.code, ran.err) == (0, "")
    assert ran.last_line == f"priced 2 + rejected 1 = 3 read; amount 961,710.40 KZT; rejects in {rejects}"
    assert [(row["case_id"], row["amount"], row["status"]) for row in rows_of(out)] == [
        ("1", "686930.98", "OK"),
        ("3", "", "UNKNOWN_DRG"),
        ("2", "274779.42", "OK"),
    ]
    (reject,) = rows_of(rejects)
    assert (reject["line"], reject["status"]) == ("3", "UNKNOWN_DRG")
    assert reject["reason"].startswith("drg_code '2' is not in kz-2026")


def test_the_summary_breaks_cases_and_money_down(tmp_path: Path) -> None:
    header = (
        "case_id,drg_code,care_setting,admission_date,discharge_date,age_years,provider_id,funding_source"
    )
    cases = write_cases(
        tmp_path,
        "1,1,inpatient,2026-01-05,2026-01-12,40,H1,insurance",
        "2,1,day_hospital,2026-02-05,2026-02-12,40,H2,guaranteed_volume",
        "3,1,day_hospital,2026-02-05,2026-02-12,40,H2,",
        "4,9,day_hospital,2026-02-05,2026-02-12,40,H2,",
        header=header,
    )
    ran = run("price", cases, "-s", "kz-2026", "-o", tmp_path / "priced.parquet")
    lines = [line.split() for line in ran.out.splitlines()]
    for expected in (
        "OK priced 3 75.0",
        "inpatient care 1 686,930.98 55.6",
        "day hospital 2 549,558.84 44.4",
        "2026-01 1 686,930.98 55.6",
        "2026-02 2 549,558.84 44.4",
        "kz-2026 3 1,236,489.82 100.0",
        "H1 1 686,930.98 55.6",
        "H2 2 549,558.84 44.4",
        "insurance (OSMS) 1 686,930.98 55.6",
        "(none) 1 274,779.42 22.2",
        "Total 3 1,236,489.82 100.0",
    ):
        assert expected.split() in lines, expected
    (unknown,) = (line for line in lines if line[:1] == ["UNKNOWN_DRG"])
    assert unknown[-2:] == ["1", "25.0"]
    assert "SYNTHETIC" not in ran.out
    assert ran.last_line.endswith("; --rejects FILE says why")


def test_tables_fit_80_columns_and_carry_no_colours_when_piped(tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    assert run("sample", "-n", 5000, "-o", cases, "--quiet").code == 0
    ran = run("price", cases, "-s", "kz-demo", "-o", tmp_path / "priced.csv", "--components")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    tables = ran.out.partition("By status")[2].splitlines()[:-1]
    assert max(len(line) for line in tables) <= 80
    assert "…" not in ran.out  # nothing was cut off to make it fit
    assert not any(line != line.rstrip() for line in tables)


def test_components_and_what_has_none_add_up_to_the_amount(tmp_path: Path) -> None:
    folder = FolderText().write(tmp_path / "schedule")
    header = "case_id,provider_id,drg_code,service_code,care_setting,admission_date,discharge_date,age_years"
    cases = write_cases(
        tmp_path,
        "1,H2,G3,,inpatient,2026-01-05,2026-01-12,40",
        "2,H2,,V1,outpatient,2026-01-05,2026-01-05,40",
        header=header,
    )
    ran = run("price", cases, "-s", folder, "-o", tmp_path / "priced.csv", "--components")
    table = ran.out.partition("Component\n")[2].split()
    # 0.5 x 175,622.79 x 1.05 = 92,201.97 (60 and 40 %) and 2,487.71 x 1.05 = 2,612.10
    for words in (
        "salaries 55,321.18 58.3",
        "buildings (capital) 36,880.79 38.9",
        "(none) 2,612.10 2.8",
        "Total 94,814.07 100.0",
    ):
        assert words in " ".join(table)
    assert [row["component_buildings"] for row in rows_of(tmp_path / "priced.csv")] == ["36880.79", ""]


def test_claims_are_compared_with_prices(tmp_path: Path) -> None:
    header = "case_id,drg_code,care_setting,admission_date,discharge_date,age_years,claimed_amount"
    case = "1,inpatient,2026-01-05,2026-01-12,40"
    cases = write_cases(
        tmp_path,
        f"1,{case},686930.99",
        f"2,{case},700000",
        f"3,{case},686930.98",
        f"4,{case},600000.00",
        f"5,{case},",
        header=header,
    )
    ran = run("price", cases, "-s", "kz", "-o", tmp_path / "priced.csv")
    words = " ".join(ran.out.partition("Claimed\n")[2].split())
    assert "Claimed too much 2 +13,069.03" in words
    assert "Claimed too little 1 -86,930.98" in words
    assert "Claimed exactly 1 0.00" in words


def test_the_schedule_is_kz_where_none_is_named_and_the_screen_says_so(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, PRICED)
    ran = run("price", cases, "-o", tmp_path / "priced.csv")
    assert "Edition         kz-2025: " in ran.out
    assert "kz-2026: " in ran.out


def test_the_summary_names_editions_digests_and_engine(tmp_path: Path) -> None:
    """A CSV has no place for them."""
    ran = run("price", write_cases(tmp_path, PRICED), "-o", tmp_path / "priced.csv")
    metadata = tmp_path / "priced.parquet"
    run("price", tmp_path / "cases.csv", "-o", metadata)
    kept = pq.read_schema(metadata).metadata
    for edition in ("kz-2025", "kz-2026"):
        assert f"  {edition}  {kept[f'tariffcore.schedule.{edition}'.encode()].decode()}\n" in ran.out
    assert f"Engine          tariffcore {kept[b'tariffcore.engine_version'].decode()}\n" in ran.out


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", None), ("utf-8-sig", None), ("cp1251", "cp1251"), ("utf-16", "utf-16-le")],
)
def test_the_summary_names_an_encoding_that_is_not_utf_8(
    tmp_path: Path, encoding: str, shown: str | None
) -> None:
    cases = tmp_path / "cases.csv"
    text = write_cases(tmp_path, PRICED, PRICED.replace("1,,", "2,Больница,", 1)).read_text("utf-8")
    cases.write_bytes(text.encode(encoding))
    ran = run("price", cases, "-o", tmp_path / "priced.csv")
    read = " ".join(ran.out.split()).partition("Read ")[2].partition(" Priced")[0]
    assert read == (f"{cases} ({shown})" if shown else str(cases))


@pytest.mark.parametrize(
    ("as_of", "amount"), [("2025-12-30", None), ("2025-12-31", "686930.98")], ids=["before", "published"]
)
def test_as_of_uses_what_was_known_then(tmp_path: Path, as_of: str, amount: str | None) -> None:
    cases = write_cases(tmp_path, PRICED)
    ran = run("price", cases, "-o", tmp_path / "priced.csv", "--as-of", as_of)
    (row,) = rows_of(tmp_path / "priced.csv")
    assert row["amount"] == (amount or "")
    assert f"As known on     {as_of}" in ran.out


def test_the_admission_may_decide(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, "1,,1,inpatient,2025-12-30,2026-01-12,40")
    out = tmp_path / "priced.csv"
    assert run("price", cases, "-o", out).last_line.startswith("priced 1 +")
    assert run("price", cases, "-o", out, "--deciding-date", "admission").last_line.startswith("priced 0 +")
    assert rows_of(out)[0]["status"] == "UNKNOWN_DRG"  # group 1 is of 2026, and the stay began in 2025


def test_a_synthetic_schedule_is_called_so_on_the_screen_and_in_every_format(tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    run("sample", "-n", 50, "-o", cases)
    for name in ("priced.csv", "priced.parquet", "priced.arrow", "priced.xlsx"):
        ran = run("price", cases, "-s", "kz-demo", "-o", tmp_path / name)
        assert ran.out.startswith("SYNTHETIC SCHEDULE: the numbers of kz-demo, kz-demo-2026 are made up")
    assert all(row["synthetic"] in ("true", "false") for row in rows_of(tmp_path / "priced.csv"))
    for schema in (
        pq.read_schema(tmp_path / "priced.parquet"),
        pa.ipc.open_file(tmp_path / "priced.arrow").schema,
    ):
        assert schema.metadata[b"tariffcore.synthetic"].startswith(b"SYNTHETIC")
    with zipfile.ZipFile(tmp_path / "priced.xlsx") as book:
        assert b"SYNTHETIC" in book.read("docProps/core.xml")


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_the_summary_and_the_reasons_speak_the_language_asked_for(tmp_path: Path, language: str) -> None:
    cases = write_cases(tmp_path, PRICED, UNKNOWN)
    rejects = tmp_path / "rejects.csv"
    ran = run("price", cases, "-o", tmp_path / "p.csv", "--rejects", rejects, "--language", language)
    assert ran.code == 0
    words = {"ru": ("По статусам", "Рассчитано"), "kk": ("Мәртебелер бойынша", "Есептелді")}[language]
    assert all(word in ran.out for word in words)
    assert "686\u00a0930,98 KZT" in ran.last_line
    assert any("\u0400" <= letter <= "\u04ff" for letter in rows_of(rejects)[0]["reason"])


def test_components_and_funding_are_named_in_the_language_asked_for(tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    run("sample", "-n", 300, "-o", cases, "--quiet")
    options = ("-s", "kz-demo", "-o", tmp_path / "priced.csv", "--components")
    for language, words in (
        ("en", ("staff_pay", "guaranteed volume (GOBMP)")),
        ("ru", ("оплата труда", "гарантированный объём (ГОБМП)")),
        ("kk", ("еңбекақы", "кепілдік берілген көлем (ТМККК)")),
    ):
        ran = run("price", cases, *options, "--language", language)
        assert all(f"\n{word} " in ran.out for word in words)


def test_quiet_prints_the_last_line_only(tmp_path: Path) -> None:
    ran = run("price", write_cases(tmp_path, PRICED), "-o", tmp_path / "priced.parquet", "--quiet")
    assert ran.out == "priced 1 + rejected 0 = 1 read; amount 686,930.98 KZT\n"


def test_quiet_still_names_what_priced_a_csv_which_cannot_say_so_itself(tmp_path: Path) -> None:
    ran = run("price", write_cases(tmp_path, PRICED), "-o", tmp_path / "priced.csv", "--quiet")
    editions = run_note(read_catalog(resolve(["kz"])))
    assert ran.last_line == "priced 1 + rejected 0 = 1 read; amount 686,930.98 KZT"
    assert len(ran.out.splitlines()) == 5
    assert ENGINE_VERSION in ran.out
    for edition in ("kz-2025", "kz-2026"):
        assert f"{edition}  {editions[f'tariffcore.schedule.{edition}']}" in ran.out


def test_strict_leaves_with_1_where_a_row_was_rejected_and_writes_all_the_same(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, PRICED, UNKNOWN)
    assert run("price", cases, "-o", tmp_path / "a.csv", "--strict").code == 1
    assert len(rows_of(tmp_path / "a.csv")) == 2
    assert run("price", write_cases(tmp_path, PRICED), "-o", tmp_path / "b.csv", "--strict").code == 0


def test_one_thread_and_several_give_the_same_file(tmp_path: Path) -> None:
    cases = tmp_path / "cases.parquet"
    run("sample", "-n", 3000, "-o", cases)
    for threads in (1, 3):
        run("price", cases, "-s", "kz-demo", "-o", tmp_path / f"{threads}.csv", "--threads", threads)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()


def test_a_terminal_sees_a_progress_bar_on_stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    cases = write_cases(tmp_path, PRICED)
    shown = run("price", cases, "-o", tmp_path / "a.csv", env={"TERM": "xterm", "COLUMNS": "80"})
    assert "pricing" in shown.err
    quiet = run("price", cases, "-o", tmp_path / "a.csv", "--quiet", env={"TERM": "xterm"})
    assert quiet.err == ""


# --- the register export, end to end

REGISTER = {
    "Ф.И.О.": "Иванов Иван Иванович",
    "Дата рождения": "05.03.1980",
    "rpnID": "987654321",
    "Дата/время поступления": "05.01.2025 10:30",
    "Дата/время выписки": "12.01.2025 11:00",
    "Проведено койко-дней": "7",
    "Исход пребывания": "Выписан",
    "Исход лечения": "Выздоровление",
    "Код МКБ-10": "A40.0",
    "Диагноз заключительный": "Сепсис",
    "Осложнение": "",
    "Операция, дата операции": "13.73 Операция 06.01.2025",
    "Планово / Экстренно": "1",
    "Предъявленная сумма к оплате": "191723,14",
    "Источник финансирования": "ОСМС",
    "Село/Город": "Город",
    "Льгота": "",
    "Наименование стационара выписки": "Городская больница №1",
    "Отделение": "Терапия",
    "Врач": "Петрова Анна Сергеевна",
    "Вид медицинской помощи": "Круглосуточный стационар",
    "ID пролеченного случая": "1001",
    "Код КЗГ": "T1",
}


def write_register(path: Path, *changes: dict[str, object]) -> Path:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Выписка")
    sheet.merge_range(0, 0, 0, len(REGISTER) - 1, "Электронный регистр стационарных больных")
    sheet.write_row(1, 0, list(REGISTER))
    for number, change in enumerate(changes):
        sheet.write_row(2 + number, 0, list({**REGISTER, **change}.values()))
    book.close()
    return path


def test_the_register_export_is_priced_and_no_name_leaves_it(tmp_path: Path) -> None:
    folder = tmp_path / "kz-2025"
    schedule = FolderText()
    schedule.replace("schedule.toml", 'amount = "175622.79"', 'amount = "174722.63"')
    schedule.replace(
        "schedule.toml", "effective_start_date = 2026-01-01", "effective_start_date = 2025-01-01"
    )
    schedule.replace("schedule.toml", "published = 2025-12-31", "published = 2024-12-26")
    schedule.add("groups.csv", "T1,Made for the claimed amount,1.0973,1.0973,7,,,register export\n")
    for file in ("published.csv", "providers.csv"):
        schedule.without(file)
    schedule.files["schedule.toml"] = schedule.files["schedule.toml"].partition(b"[[coefficient]]")[0]
    schedule.write(folder)
    register = write_register(
        tmp_path / "register.xlsx",
        {},
        {"ID пролеченного случая": 1002, "Предъявленная сумма к оплате": 200000},
        {"ID пролеченного случая": 1003, "Код КЗГ": "нет"},
        {"ID пролеченного случая": 1004, "Дата/время выписки": "30.02.2025"},
    )
    priced, rejects, book = tmp_path / "priced.csv", tmp_path / "rejects.csv", tmp_path / "priced.xlsx"
    arguments = ["price", register, "-s", folder, "--mapping", "ersb", "--rejects", rejects]
    ran = run(*arguments, "-o", priced)
    assert ran.last_line.startswith("priced 2 + rejected 2 = 4 read; amount 383,446.28 KZT")
    assert [(row["amount"], row["claimed_difference"], row["status"]) for row in rows_of(priced)] == [
        ("191723.14", "0.00", "OK"),
        ("191723.14", "8276.86", "OK"),
        ("", "", "UNKNOWN_DRG"),
        ("", "", "INVALID_FIELD"),
    ]
    assert [row["line"] for row in rows_of(rejects)] == ["5", "6"]
    assert "Claimed too much" in ran.out and "+8,276.86" in ran.out
    explained = [
        run("explain", register, "-s", folder, "--mapping", "ersb", "--line", line, *more)
        for line in (3, 5, 6)
        for more in ((), ("--json",))
    ]
    assert explained[0].last_line == "Amount: 191,723.14 KZT"
    assert run(*arguments, "-o", book).code == 0
    with zipfile.ZipFile(book) as archive:
        sheets = b"".join(archive.read(name) for name in archive.namelist()).decode(errors="replace")
    everything = [ran.out, ran.err, priced.read_text(), rejects.read_text(), sheets]
    everything += [each.out + each.err for each in explained]
    for personal in ("Иванов", "Петрова", "987654321", "Сепсис", "1980"):
        assert not any(personal in text for text in everything), personal


# --- bad input: a sentence, exit code 2, nothing written


def nothing_priced(tmp_path: Path, *arguments: object) -> list[str]:
    """The complaint of a run that must not write."""
    folder = tmp_path / "out"
    folder.mkdir(exist_ok=True)
    lines = refused(
        run("price", *arguments, "-o", folder / "priced.csv", "--rejects", folder / "rejects.csv")
    )
    assert whole_files(folder) == []
    return lines


def test_a_wrong_schedule_tells_all_its_errors_at_once(tmp_path: Path) -> None:
    folder = FolderText()
    folder.replace(
        "schedule.toml", 'share = "0.40"\napplies_to = "weight"', 'share = "40%"\napplies_to = "weight"'
    )
    folder.replace("groups.csv", "G1,Septicaemia,3.9114", "G1,Septicaemia,")
    folder.replace("components.csv", "general,,buildings,0.40,yes", "general,,buildings,0.30,yes")
    folder.write(tmp_path / "wrong")
    places = [
        f"schedule.toml:{folder.line('schedule.toml', '40%')}: share",
        f"groups.csv:{folder.line('groups.csv', 'Septicaemia')}: relative_weight",
        "components.csv",
    ]
    lines = nothing_priced(tmp_path, write_cases(tmp_path, PRICED), "-s", tmp_path / "wrong")
    assert lines[0].startswith(f"tariffcore: schedule folder {tmp_path / 'wrong'} cannot be used: ")
    for place in places:
        assert any(line.startswith(f"  wrong/{place}") for line in lines[1:]), (place, lines)


def test_an_empty_file(tmp_path: Path) -> None:
    cases = tmp_path / "empty.csv"
    cases.write_bytes(b"")
    assert nothing_priced(tmp_path, cases) == [
        f"tariffcore: {cases} cannot be read",
        f"  {cases}: the file is empty; give a file with a header and cases",
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no such file" in nothing_priced(tmp_path, tmp_path / "none.csv")[1]


def test_a_truncated_file(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    run("sample", "-n", 300, "-o", whole)
    cases = tmp_path / "cut.parquet"
    cases.write_bytes(whole.read_bytes()[:-100])
    assert "this is not a whole Parquet file" in nothing_priced(tmp_path, cases)[1]


def test_a_foreign_file(tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_bytes(b"%PDF-1.7\n" + bytes(range(256)))
    assert "it seems to be a PDF document" in nothing_priced(tmp_path, cases)[1]


def test_missing_columns_are_named_together(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, "1,2", header="case_id,drg_code")
    lines = nothing_priced(tmp_path, cases)
    assert lines[0].endswith("these are not the columns of a file of cases")
    (line,) = lines[1:]
    assert f"{cases}: care_setting, discharge_date, admission_date: these columns are missing" in line
    assert line.count("the file has the columns case_id, drg_code;") == 1


def test_a_file_with_the_headers_of_a_preset_is_sent_to_it(tmp_path: Path) -> None:
    header = (
        "ID пролеченного случая,Наименование стационара выписки,Вид медицинской помощи,"
        "Дата/время поступления,Дата/время выписки,Исход пребывания,Дата рождения"
    )
    lines = nothing_priced(tmp_path, write_cases(tmp_path, "1,2,3,4,5,6,7", header=header))
    assert lines[1].endswith("these look like the headers of the preset ersb: use --mapping ersb")


def test_an_unknown_preset(tmp_path: Path) -> None:
    lines = nothing_priced(tmp_path, write_cases(tmp_path, PRICED), "--mapping", "esrb")
    assert "did you mean 'ersb'?" in lines[1]


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--as-of", "2026-02-30", "'2026-02-30' is not a day of the calendar"),
        ("--as-of", "soon", "'soon' is not a date"),
        ("--threads", "0", "0 is not in the range"),
        ("--threads", "many", "'many' is not a valid"),
        ("--language", "fr", "'fr' is not one of 'en', 'ru', 'kk'"),
        ("--deciding-date", "birth", "'birth' is not one of"),
        ("--color", "yes", "No such option"),
    ],
)
def test_an_unusable_option_value(tmp_path: Path, option: str, value: str, says: str) -> None:
    lines = nothing_priced(tmp_path, write_cases(tmp_path, PRICED), option, value)
    assert says in lines[0]
    assert lines[1] == "  'tariffcore price --help' shows how it is used"


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["kz_2026"], "did you mean 'kz-2026'?"),
        (["kz", "kz-demo"], "price with the editions of one family"),
        (["kz-2026", "kz-2026/"], None),
    ],
)
def test_schedules_that_cannot_be_used(tmp_path: Path, names: list[str], says: str | None) -> None:
    arguments = [word for name in names for word in ("-s", name)]
    lines = nothing_priced(tmp_path, write_cases(tmp_path, PRICED), *arguments)
    assert says is None or any(says in line for line in lines)


def test_outputs_never_replace_the_cases_or_each_other(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, PRICED)
    before = cases.read_bytes()
    (tmp_path / "link.csv").symlink_to(cases)
    assert "this would overwrite the cases" in refused(run("price", cases, "-o", cases))[1]
    assert "this would overwrite the cases" in refused(run("price", cases, "-o", tmp_path / "link.csv"))[1]
    out = tmp_path / "priced.csv"
    assert "--output" in refused(run("price", cases, "-o", out, "--rejects", out))[1]
    assert "the cases" in refused(run("price", cases, "-o", out, "--rejects", cases))[1]
    assert cases.read_bytes() == before
    assert whole_files(tmp_path) == ["cases.csv", "link.csv"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("priced.doc", "choose one of .csv, .parquet"),
        ("none/priced.csv", "there is no folder"),
        ("", "not written to files without a suffix; choose"),
    ],
)
def test_an_output_that_cannot_be_written(tmp_path: Path, name: str, says: str) -> None:
    cases = write_cases(tmp_path, PRICED)
    assert says in refused(run("price", cases, "-o", tmp_path / "x" / ".." / name))[1] if name else True
    if not name:
        assert says in refused(run("price", cases, "-o", tmp_path / "priced"))[1]
    assert whole_files(tmp_path) == ["cases.csv"]


# --- wrong rows: their status and reason, and every other row priced

BAD_ROWS = {
    "a day that is not": ("9,,1,inpatient,2026-01-05,2026-02-30,40", "INVALID_FIELD", "2026-02-30"),
    "40 digits": (f"9,,1,inpatient,2026-01-05,2026-01-12,{'4' * 40}", "INVALID_FIELD", "4" * 40),
    "a word for a number": ("9,,1,inpatient,2026-01-05,2026-01-12,forty", "INVALID_FIELD", "forty"),
    "a cut line": ("9,,1,inpatient", "MALFORMED_ROW", "the line has 4 cells and the header 7"),
    "nothing": (",,,,,,", "MISSING_FIELD", "case_id"),
}


@pytest.mark.parametrize("row", BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_wrong_row_is_rejected_and_every_other_priced(tmp_path: Path, row: tuple[str, str, str]) -> None:
    line, status, says = row
    cases = write_cases(tmp_path, PRICED, line, DAY_HOSPITAL)
    rejects = tmp_path / "rejects.csv"
    ran = run("price", cases, "-s", "kz-2026", "-o", tmp_path / "priced.csv", "--rejects", rejects)
    assert ran.code == 0
    assert ran.last_line.startswith("priced 2 + rejected 1 = 3 read; amount 961,710.40 KZT")
    (reject,) = rows_of(rejects)
    assert (reject["line"], reject["status"]) == ("3", status)
    assert says in reject["reason"]


def test_an_undecodable_byte_spoils_its_row_and_no_other(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, PRICED, "9,Больница ?,1,inpatient,2026-01-05,2026-01-12,40", DAY_HOSPITAL)
    cases.write_bytes(b"\xef\xbb\xbf" + cases.read_bytes().replace(b"?", b"\xff"))
    rejects = tmp_path / "rejects.csv"
    ran = run("price", cases, "-s", "kz-2026", "-o", tmp_path / "priced.csv", "--rejects", rejects)
    assert ran.last_line.startswith("priced 2 + rejected 1 = 3 read;")
    (reject,) = rows_of(rejects)
    assert (reject["line"], reject["status"]) == ("3", "MALFORMED_ROW")
    assert reject["reason"] == "byte 20 of the line, 0xFF, is not UTF-8: save the whole file in one encoding"
    assert reject["line_text"] == r"9,Больница \xff,1,inpatient,2026-01-05,2026-01-12,40"


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "the line has 2 cells and the header 7: give it as many as the header"),
        ("ru", "ячеек в строке: 2, а в заголовке: 7; их должно быть поровну"),
        ("kk", "жолдағы ұяшықтар: 2, тақырыптағы ұяшықтар: 7; олар тең болуы керек"),
    ],
)
def test_a_line_that_is_no_row_is_told_in_every_language_and_shown(
    tmp_path: Path, language: str, reason: str
) -> None:
    cases = write_cases(tmp_path, PRICED, "2,H1")
    rejects = tmp_path / "rejects.csv"
    run("price", cases, "-o", tmp_path / "out.csv", "--rejects", rejects, "--language", language)
    (row,) = rows_of(rejects)
    assert (row["line"], row["line_text"], row["status"]) == ("3", "2,H1", "MALFORMED_ROW")
    assert row["reason"] == reason


def test_a_header_without_rows_is_priced_to_a_header(tmp_path: Path) -> None:
    ran = run("price", write_cases(tmp_path), "-o", tmp_path / "priced.csv")
    assert (ran.code, ran.last_line) == (0, "priced 0 + rejected 0 = 0 read; amount 0.00 KZT")
    assert rows_of(tmp_path / "priced.csv") == []


# --- runs that end early

DIES = """
import os, signal
from contextlib import contextmanager
import tariffcore.cli.price as module

# whoever runs the tests may ignore signals (nohup, a job in the background), and children inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

@contextmanager
def bar(*_, **__):
    yield lambda *_: os.kill(os.getpid(), signal.{signal})

sys.modules["tariffcore.cli.price"].progress_bar = bar
"""


def run_until(name: str, *arguments: object):
    """The command in a process that sends itself a signal when the first rows are written."""
    return run_process(*arguments, before=DIES.format(signal=name))


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_stopped_run_leaves_what_was_there_before(tmp_path: Path, name: str, code: int) -> None:
    cases = write_cases(tmp_path, PRICED)
    out, rejects = tmp_path / "priced.csv", tmp_path / "rejects.csv"
    out.write_text("yesterday's\n")
    ran = run_until(name, "price", cases, "-o", out, "--rejects", rejects)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err == f"tariffcore: stopped; nothing was written under {out} or {rejects}\n"
    assert whole_files(tmp_path) == ["cases.csv", "priced.csv"]
    assert out.read_text() == "yesterday's\n"


def test_a_killed_run_leaves_nothing_under_the_final_names(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, PRICED)
    ran = run_until(
        "SIGKILL", "price", cases, "-o", tmp_path / "priced.csv", "--rejects", tmp_path / "rejects.csv"
    )
    assert ran.code == -signal.SIGKILL
    assert not (tmp_path / "priced.csv").exists()
    assert not (tmp_path / "rejects.csv").exists()
    leftovers = [name for name in whole_files(tmp_path) if name != "cases.csv"]
    assert leftovers  # the rows were being written when it died
    assert all(name.startswith(".") and name.endswith(".part") for name in leftovers)


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, PRICED)
    out = tmp_path / "priced.csv"
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "tariffcore.cli", "price", str(cases), "-o", str(out)],
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(rows_of(out)) == 1


def test_terminals_without_the_letters_are_no_failure(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, PRICED, UNKNOWN, name="случаи.csv")
    arguments = ["price", cases, "-o", tmp_path / "priced.csv", "--language", "kk"]
    plain = run_process(*arguments, env={"PYTHONIOENCODING": "ascii"})
    assert plain.code == 0
    assert "686 930,98 KZT" in plain.last_line
    assert "\\u0441\\u043b\\u0443\\u0447\\u0430\\u0438.csv" in plain.out
    assert "-----" in plain.out
    missing = run_process(
        "price", tmp_path / "нет.csv", "-o", tmp_path / "p.csv", env={"PYTHONIOENCODING": "ascii"}
    )
    assert missing.code == 2
    assert "there is no such file" in missing.err


def test_the_options_of_price_are_those_promised() -> None:
    promised = (
        "-s -o --components --rejects --as-of --deciding-date --threads --strict --mapping --sheet --language"
    )
    options = {option for parameter in price.params for option in parameter.opts}
    assert set(promised.split()) | {"--quiet"} <= options
