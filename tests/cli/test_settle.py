"""``tariffcore settle`` as a newcomer uses it: the example from its first line to the fund's report."""

from __future__ import annotations

import csv
import json
import re
import shlex
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from tariffcore.labelling import LANGUAGES, labels_in
from tests.cli.running import Ran, refused, run


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, settled by the commands that it prints."""
    folder = tmp_path_factory.mktemp("settle")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        told = run("settle", "example", "ex")
        assert told.code == 0, told.err
        commands = [line for line in told.out.splitlines() if line.startswith("  tariffcore settle ")]
        assert len(commands) == 4
        for command in commands:
            done = run(*shlex.split(command)[1:])
            assert done.code == 0, done.err
            assert "Traceback" not in done.out
        (folder / "last.txt").write_text(command + "\n" + done.out, encoding="utf-8")
    return folder


def settled(folder: Path, *arguments: object) -> Ran:
    return run("settle", *arguments, "--book", folder / "book.db", "--rules", folder / "ex" / "rules")


def test_the_last_line_says_what_is_paid_and_the_steps_sum_to_it(example: Path) -> None:
    out = (example / "last.txt").read_text(encoding="utf-8")
    assert "SYNTHETIC" in out
    paid = re.search(
        r"2026-02 settled: 5 providers, ([0-9,]+) lines, 4 set aside; payable ([0-9,.]+) KZT", out
    )
    assert paid is not None
    amounts = [
        int(found[1].replace(",", "").replace(".", ""))
        for found in re.finditer(r"^[a-zA-Z ]+?  +(-?[0-9,]+\.[0-9]{2})$", out, re.MULTILINE)
    ]
    assert sum(amounts[:-1]) == amounts[-1] == int(paid[2].replace(",", "").replace(".", ""))


def test_the_same_command_again_shows_what_was_settled(
    example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, _, out = (example / "last.txt").read_text(encoding="utf-8").partition("\n")
    monkeypatch.chdir(example)
    again = run(*shlex.split(command)[1:])
    assert again.code == 0
    assert again.last_line == out.rstrip("\n").rpartition("\n")[2].replace("settled:", "was settled already:")
    other = run(*shlex.split(command)[1:], "--provider", "H001-R12")
    assert other.code == 2
    assert "the month is settled, with other inputs" in other.err


def test_no_output_replaces_what_is_read(example: Path, tmp_path: Path) -> None:
    month = example / "ex" / "2026-01"
    cases, defects = tmp_path / "cases.csv", tmp_path / "defects.csv"
    cases.write_bytes((month / "cases.csv").read_bytes())
    defects.write_bytes((month / "defects.csv").read_bytes())
    before = {path: path.read_bytes() for path in (cases, defects)}
    for name, path in (("the cases", cases), ("--defects", defects), ("the book", example / "book.db")):
        given = ("month", cases, "--month", "2026-01", "-s", "kz-demo", "--defects", defects)
        assert f"this would overwrite {name}" in refused(settled(example, *given, "--set-aside", path))[1]
    assert {path: path.read_bytes() for path in before} == before
    for command in ("report", "statement"):
        ran = settled(example, command, "--month", "2026-01", "-o", example / "book.db")
        assert "this would overwrite the book" in refused(ran)[1]


def test_statements_say_the_same_in_every_format(example: Path, tmp_path: Path) -> None:
    for suffix in ("json", "csv", "xlsx", "parquet"):
        assert settled(example, "statement", "--month", "2026-01", "-o", tmp_path / f"s.{suffix}").code == 0
    found = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert [one["provider_id"] for one in found] == [
        "H001-R12",
        "H002-R20",
        "H003-R14",
        "H004-R01",
        "H005-R07",
    ]
    with (tmp_path / "s.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = []
    for one in found:
        expected += [(one["provider_id"], step["step"], step["amount"]) for step in one["steps"]]
        expected.append((one["provider_id"], "total", one["payable"]))
    whole = f"{sum(Decimal(one['payable']) for one in found)}"
    expected.append(("", "total", whole))
    assert [(row["provider_id"], row["step"], row["amount"]) for row in rows] == expected
    sheet = CalamineWorkbook.from_path(str(tmp_path / "s.xlsx")).get_sheet_by_index(0).to_python()
    assert sheet[0] == list(rows[0])
    assert sheet[-1][7:10] == ["Total payable", "", float(whole)]
    table = pq.read_table(tmp_path / "s.parquet")  # of programs, which sum themselves
    assert table.column_names == list(rows[0])
    assert table["step"].to_pylist() == [step for _, step, _ in expected if step != "total"]
    for one in found:
        totals = {name: int(amount.replace(".", "")) for name, amount in one["totals"].items()}
        payable = totals.pop("payable")
        assert sum(totals.values()) == payable
        entering = [int(s["amount"].replace(".", "")) for s in one["steps"] if s["kind"] == "enters"]
        assert sum(entering) == payable


def test_every_line_is_listed_on_request_and_its_sums_are_the_statements(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (example / "last.txt").read_text(encoding="utf-8").partition("\n")[0]
    monkeypatch.chdir(example)
    told = run(*shlex.split(command)[1:], "--list-lines", tmp_path / "lines.csv")
    assert told.code == 0, told.err
    assert "each line of the month in" in told.out
    asked = ("statement", "--month", "2026-02", "-o", tmp_path / "s.json")
    listed = settled(example, *asked, "--list-lines", tmp_path / "again.csv")
    assert (listed.code, listed.last_line) == (
        0,
        f"wrote 777 lines of 2026-02 to {tmp_path / 'again.csv'}",
    )
    text = (tmp_path / "lines.csv").read_text(encoding="utf-8")
    assert text == (tmp_path / "again.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    found = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    for name in ("claimed", "overclaimed", "deducted", "held"):
        total = sum(int(row[f"{name}_amount"].replace(".", "")) for row in rows)
        steps = sum(int(one["totals"][name].replace(".", "")) for one in found)
        assert total == abs(steps) > 0
    assert sum(len(one["lost_lines"]) for one in found) == sum(
        row["claimed_amount"] != row["accepted_amount"] or row["defect_codes"] != "" for row in rows
    )


def test_a_list_that_cannot_be_written_is_refused_before_the_month_is_closed(
    example: Path, tmp_path: Path
) -> None:
    book = tmp_path / "book.db"
    options = ("--book", book, "--rules", example / "ex" / "rules")
    assert run("settle", "contracts", example / "ex" / "contracts.csv", *options).code == 0
    month = (example / "ex" / "2026-01" / "cases.csv", "--month", "01.2026", "-s", "kz-demo", *options)
    for option in ("--list-lines", "--set-aside"):
        for wrong, words in (
            (tmp_path / "lines.txt", "results are not written to .txt files"),
            (tmp_path / "no" / "lines.csv", "there is no folder"),
        ):
            assert words in refused(run("settle", "month", *month, option, wrong))[1]
    assert (
        "the month is not settled"
        in refused(settled_in(book, example, "report", "--month", "2026-01", "-o", tmp_path / "r.html"))[1]
    )


def settled_in(book: Path, example: Path, *arguments: object) -> Ran:
    return run("settle", *arguments, "--book", book, "--rules", example / "ex" / "rules")


def test_a_statement_of_a_book_alone_says_where_its_lines_belong(example: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.db"
    book.write_bytes((example / "book.db").read_bytes())
    asked = ("statement", "--month", "2026-01", "--provider", "H001-R12", "-o", tmp_path / "s.html")
    missing = refused(settled_in(book, example, *asked))
    assert "the lines of the statement are not here" in missing[0]
    assert "name the folder that has it (--lines), or write the statement without lines" in missing[1]
    assert settled_in(book, example, *asked, "--lines", example / "book.db-lines").code == 0
    with_lines = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "unconfirmed case" in with_lines
    assert settled_in(book, example, *asked, "--without-lines").code == 0
    assert "unconfirmed case" not in (tmp_path / "s.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("language", "funding", "line", "label"),
    [
        ("en", "insurance (OSMS)", "inpatient care", "Payable"),
        ("ru", "страхование (ОСМС)", "стационарная помощь", "К оплате"),
        ("kk", "сақтандыру (МӘМС)", "стационарлық көмек", "Төленуге тиіс"),
    ],
)
def test_codes_stay_codes_and_are_named_in_each_language(
    example: Path, tmp_path: Path, language: str, funding: str, line: str, label: str
) -> None:
    for suffix in ("json", "csv", "html"):
        asked = ("statement", "--month", "2026-01", "--provider", "H002-R20", "--language", language)
        assert settled(example, *asked, "-o", tmp_path / f"s.{suffix}").code == 0
    (found,) = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    names = {word: name for name, word in labels_in(language).sections["statement_column"].items()}
    with (tmp_path / "s.csv").open(encoding="utf-8") as file:
        rows = [{names[word]: cell for word, cell in row.items()} for row in csv.DictReader(file)]
    total = rows.pop()
    assert (total["step"], total["provider_id"], total["amount"]) == ("total", "H002-R20", found["payable"])
    for steps in (found["steps"], rows):
        of_line = next(
            one
            for one in steps
            if (one["funding_source"], one["contract_line"]) == ("insurance", "inpatient")
        )
        assert (of_line["funding_source_name"], of_line["contract_line_name"]) == (funding, line)
        assert steps[-1]["step"] in ("payable", "outstanding")
        assert label in [one["label"] for one in steps if one["step"] == "payable"]
    assert funding in (tmp_path / "s.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_statement_is_a_page_to_print_in_each_language(
    example: Path, tmp_path: Path, language: str
) -> None:
    page = tmp_path / "s.html"
    asked = ("statement", "--month", "2026-02", "--provider", "H002-R20", "-o", page, "--language", language)
    assert settled(example, *asked).code == 0
    text = page.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in text
    assert ("payment rules" in text) is (language == "en")
    ends = {"en": "0 % to 5 %", "ru": "от 0 % до 5 % сверх плана, оплата 50 %", "kk": "0 %-дан 5 %-ға дейін"}
    assert ends[language] in text
    assert labels_in(language).word("settlement", "payment_not_moved") in text  # 12 April 2026 is a Sunday
    assert {"en": "Payable", "ru": "К оплате", "kk": "Төленуге тиіс"}[language] in text
    assert "<script" not in text
    assert "http" not in text


def test_the_funds_view_and_its_checks(example: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    told = settled(
        example, "report", "--month", "2026-02", "-o", page, "--contributions", "100000000",
        "--reserve", "3000000", "--balance", "49999999999.99",
    )  # fmt: skip
    assert told.code == 0
    assert "NOT kept: balance" in told.out
    assert "NOT kept: reserve" not in told.out
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text
    assert "By payment method" in text
    alone = settled(example, "report", "--month", "2026-02", "-o", page, "--reserve", "5")
    assert alone.code == 2
    assert "give --contributions as well" in alone.err
    told = settled(example, "report", "--month", "2026-02", "-o", page, "--contributions", "100000000")
    assert told.code == 0
    assert "3,000,000.00" in page.read_text(encoding="utf-8")
    pdf = settled(example, "report", "--month", "2026-02", "-o", tmp_path / "report.pdf")
    assert (
        "'.pdf': is not a format of the report, which is a page; name a file that ends in .html"
        in (refused(pdf)[1])
    )
    assert not (tmp_path / "report.pdf").exists()
    assert refused(settled(example, "report", "--month", "2026-07", "-o", page))[1:] == [
        "  the book: '2026-07': the month is not settled; settle it first"
    ]


def test_an_edition_with_effect_backwards_is_listed_and_corrected_once(example: Path, tmp_path: Path) -> None:
    # as known in January there was only the first edition
    book = tmp_path / "book.db"
    month = example / "ex" / "2026-01"
    options = ("--book", book, "--rules", example / "ex" / "rules")
    assert run("settle", "contracts", example / "ex" / "contracts.csv", *options).code == 0
    claims = (month / "cases.csv", "--month", "01.2026", "-s", "kz-demo", "--as-of", "2026-01-31", "--quiet")
    assert run("settle", "month", *claims, *options).code == 0
    listed = tmp_path / "lines.csv"
    first = run("settle", "backdated", "-s", "kz-demo", "-o", listed, "--correct", *options)
    assert first.code == 0, first.err
    assert "recorded 10 corrections" in first.last_line
    with listed.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["new_schedule_id"] for row in rows} == {"kz-demo-2026"}
    assert first.last_line.startswith(f"{len(rows):,} lines of 10 settled months priced otherwise")
    assert (
        "recorded 0 corrections"
        in run("settle", "backdated", "-s", "kz-demo", "--correct", *options).last_line
    )
    february = example / "ex" / "2026-02" / "cases.csv"
    assert (
        run("settle", "month", february, "--month", "2026-02", "-s", "kz-demo", "--quiet", *options).code == 0
    )
    statement = tmp_path / "s.csv"
    assert run("settle", "statement", "--month", "2026-02", "-o", statement, *options).code == 0
    with statement.open(encoding="utf-8") as file:
        corrections = [row for row in csv.DictReader(file) if row["step"] == "correction"]
    assert len(corrections) == 10


def test_what_is_wrong_is_said_in_words(tmp_path: Path, example: Path) -> None:
    contracts = tmp_path / "contracts.csv"
    header = "provider_id,funding_source,contract_line,year," + ",".join(
        f"month_{n:02}" for n in range(1, 13)
    )
    contracts.write_text(
        f"{header},source\nH1,insurance,inpatent,2026,{'1.00,' * 11}x,act\n", encoding="utf-8"
    )
    wrong = refused(run("settle", "contracts", contracts, "--book", tmp_path / "b.db"))
    assert wrong[0].endswith("cannot be used: 2 problems; no contract was recorded")
    assert (
        "contracts.csv:2: contract_line: 'inpatent': is not known here; did you mean 'inpatient'?" in wrong[1]
    )
    assert "contracts.csv:2: month_12: 'x': is not a decimal number" in wrong[2]
    assert not (tmp_path / "b.db").exists()
    missing = (
        "settle",
        "statement",
        "--month",
        "2026-01",
        "-o",
        tmp_path / "s.html",
        "--book",
        tmp_path / "no.db",
    )
    assert "there is no such book" in refused(run(*missing))[1]
    assert "is not a month" in run("settle", "deadlines", "--month", "May").err
    unknown = settled(example, "statement", "--month", "2026-01", "-o", tmp_path / "s.docx")
    assert "is not a format of statements" in refused(unknown)[1]


def test_deadlines_are_days_of_the_calendar() -> None:
    told = run("settle", "deadlines", "--month", "2026-02", "--protocol", "2026-03-19")
    assert "claims until    Thursday 2026-03-26" in told.out
    assert (
        "objections      Friday 2026-03-27" in told.out
    )  # Nauryz, 21 to 23 March, moved to the 24th and 25th


@pytest.mark.parametrize(
    ("days", "refusal"),
    [
        (
            ("--protocol", "2026-05-06", "--act", "2026-05-01"),
            "2026-05-01 is before the protocol of 2026-05-06",
        ),
        (("--protocol", "2026-04-29"), "2026-04-29 is before the end of 2026-04, 2026-04-30"),
        (("--act", "2026-04-29"), "2026-04-29 is before the end of 2026-04, 2026-04-30"),
    ],
)
def test_what_is_signed_in_the_wrong_order_has_no_deadlines(days: tuple[str, ...], refusal: str) -> None:
    told = run("settle", "deadlines", "--month", "2026-04", *days)
    assert told.code == 2
    assert refusal in " ".join(told.err.split())
    assert (
        run(
            "settle", "deadlines", "--month", "2026-04", "--protocol", "2026-05-06", "--act", "2026-05-06"
        ).code
        == 0
    )


def test_limits_of_advances_are_said_in_money(example: Path, tmp_path: Path) -> None:
    header = "advance_id,provider_id,funding_source,kind,paid_on,amount,recover_from,recover_until,source"
    table = tmp_path / "advances.csv"
    row = "A9,H001-R12,insurance,signing,2026-03-01,900000000.00,2026-03,2026-11,act"
    table.write_text(f"{header}\n{row}\n", encoding="utf-8")
    (problem,) = refused(settled(example, "advances", table))[1:]
    assert re.search(
        r"'900000000\.00': makes advances of 900000000\.00, more than 30 % of [0-9]+\.[0-9]{2};", problem
    )
