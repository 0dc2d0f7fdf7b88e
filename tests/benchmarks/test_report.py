"""What benchmarks say: tables, marks, what was left out, and whether the machine was busy."""

import pytest

from benchmarks import __main__ as bench
from benchmarks import page, readme, records
from benchmarks.report import Goal, Highlight, Plot, Section, said_of
from benchmarks.timing import Times
from benchmarks.year import Model, duration, fitted


def section(title: str = "Of something", **others: object) -> Section:
    return Section(
        title,
        "About `it`.",
        ("contestant", "ns/case"),
        [("ours", "1.5"), ("theirs <b>", "2,000")],
        [Goal("theirs / ours", 2.0, at_least=1.5), Goal("ours / copy", 3.0, at_most=2)],
        plots=[Plot("Speed", "cases", "ns", {"ours": [(1_000, 1.0), (1_000_000, 2.0)]})],
        highlights=[Highlight("ours", "1.5 ns", "2 x", Goal("theirs / ours", 2.0, at_least=1.5))],
        circumstances="2026-01-01, a machine.",
        **others,
    )


def test_goals_are_met_or_not():
    assert "| theirs / ours | at least 1.5 | 2 | met |" in section().markdown()
    assert "| ours / copy | at most 2 | 3 | **not met** |" in section().markdown()


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (0.02, "took 2%"),
        (0.6, "**The machine was busy**: other processes took 60%"),
        (None, "could not be found"),
    ],
)
def test_a_busy_machine_is_said(others, words):
    assert words in said_of(others)


def test_a_section_is_kept_as_it_was(tmp_path):
    kept = section(left_out=["numba is not installed"], notes=["a note"])

    records.store("one", kept, tmp_path)
    found, missing = records.load_all(["one", "two"], tmp_path)

    assert missing == ["two"]
    assert found["one"].markdown() == kept.markdown()
    assert found["one"].plots == kept.plots
    assert found["one"].highlights == kept.highlights


def test_the_readme_changes_between_its_markers_only():
    text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"

    made = readme.with_table(text, readme.readme_table({"one": section(left_out=["numba"])}, ["year"]))

    assert made.startswith("before\n") and made.endswith("\nafter\n")
    assert "old" not in made
    assert "| ours | 1.5 ns | 2 x | 2, at least 1.5: met |" in made
    assert "2026-01-01, a machine." in made
    assert "Not measured: year." in made
    assert "Left out: numba" in made


@pytest.mark.parametrize("text", ["", readme.BEGIN, f"{readme.END} {readme.BEGIN}"])
def test_a_readme_without_markers_is_refused(text):
    with pytest.raises(ValueError, match="benchmark table: begin"):
        readme.with_table(text, "made")


def test_the_committed_tables_are_what_was_measured():
    """Whoever edits README or RESULTS.md by hand is found out: `python -m benchmarks --tables-only`."""
    from benchmarks.sections import SECTIONS

    sections, missing = records.load_all(list(SECTIONS))
    text = readme.README.read_text(encoding="utf-8")

    assert readme.with_table(text, readme.readme_table(sections, missing)) == text
    assert readme.RESULTS.read_text(encoding="utf-8") == readme.results(sections, missing)


def test_a_page_has_everything_and_fetches_nothing(monkeypatch):
    monkeypatch.setattr(page.drawing, "can_draw", lambda: False)

    text = page.page({"one": section(left_out=["numba is not installed"])}, ["year"])

    assert page.NO_PLOTS in text
    assert "Not measured: year." in text
    assert "theirs &lt;b&gt;" in text
    assert "numba is not installed" in text
    assert '<td class="missed"><strong>not met</strong></td>' in text
    assert "<script" not in text and "http" not in text and "url(" not in text


def test_plots_take_the_pages_colours():
    if page.drawing.can_draw():
        drawn = page.drawing.svg(section().plots[0], "one")
        assert "var(--s0)" in drawn and "var(--ink)" in drawn
        assert "#0a0b00" not in drawn and "#010203" not in drawn


def run_main(tmp_path, monkeypatch, arguments, sections):
    written = []
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    monkeypatch.setattr(bench.records, "store", lambda name, section: written.append((name, section)))
    monkeypatch.setattr(bench.records, "load_all", lambda names: ({}, list(names)))
    monkeypatch.setattr(bench.readme, "write", lambda *_: None)
    monkeypatch.setattr(bench, "write_page", lambda *_: None)
    return bench.main(arguments, sections), written


def test_unequal_results_leave_no_number_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    def unequal() -> Section:
        raise SystemExit("not compared, for the results differ: NumPy differs in 3 rows")

    code, written = run_main(tmp_path, monkeypatch, [], {"first": unequal, "second": section})

    assert code == 1
    assert [name for name, _ in written] == ["second"]
    assert "first: not compared, for the results differ" in capsys.readouterr().err


def test_sizes_are_handed_on(tmp_path, monkeypatch):
    asked = []

    def sizes(numbers: list[int] | None = None) -> Section:
        asked.append(numbers)
        return section()

    code, _ = run_main(tmp_path, monkeypatch, ["sizes", "--sizes", "1e3,1000000 1e9"], {"sizes": sizes})

    assert code == 0
    assert asked == [[1_000, 1_000_000, 1_000_000_000]]


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["--sizes", "many"], ["--sizes", "0"], ["--sizes", "1.5"]]
)
def test_a_wrong_choice_is_said(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        bench.main(arguments, {"kernel": section})

    assert left.value.code == 2
    assert "kernel" in capsys.readouterr().err or arguments[0] == "--sizes"


def test_the_model_finds_what_it_is_made_of():
    true = Model(fixed=0.5, a_case=2e-7, contention=0.25, bytes_a_case=100)

    found = fitted(
        (100_000, true.processor(100_000)),
        (2_000_000, true.processor(2_000_000)),
        true.processor(2_000_000, threads=2),
        100,
    )

    assert found.processor(1e9) == pytest.approx(true.processor(1e9))
    assert found.processor(1e9, 2) == pytest.approx(true.processor(1e9, 2))
    assert found.clock(1e9, 2, bandwidth=1e12) == pytest.approx(0.5 + 125)
    assert found.clock(1e9, 2, bandwidth=1e8) == pytest.approx(0.5 + 1000)  # the memory is what is slow


def test_durations_are_read_by_people():
    assert [duration(12.34), duration(600), duration(9000)] == ["12.3 s", "10 min", "2.5 h"]


def test_a_busy_machine_is_judged_by_processor_time():
    seconds = {"ours": [9.0, 1.0, 8.0], "copy": [1.0, 1.0, 1.0]}
    processor = {"ours": [2.0, 2.0, 2.0], "copy": [1.0, 1.0, 1.0]}

    assert Times(seconds, processor).fair_ratio("ours", "copy", threads=2) == 8.0
    assert Times(seconds, processor, is_busy=True).fair_ratio("ours", "copy", threads=2) == 1.0


def test_a_share_of_the_usual_cases():
    asked = []

    def run(cases: int = 10_000_000) -> Section:
        asked.append(cases)
        return section()

    def without() -> Section:
        asked.append(0)
        return section()

    def of_two_files(
        parquet_cases: int = 100_000_000, csv_cases: int = 20_000_000, rounds: int = 7
    ) -> Section:
        asked.extend((parquet_cases, csv_cases, rounds))
        return section()

    for one in (run, without):
        bench.scaled(one, 0.1)()
        bench.scaled(one, 1)()
    bench.scaled(of_two_files, 0.01)()

    assert asked == [1_000_000, 10_000_000, 0, 0, 1_000_000, 200_000, 7]
