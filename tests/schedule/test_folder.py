"""Reading a folder as a whole: its files, its digest, and everything that is wrong with it at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tariffcore.errors import ScheduleError
from tariffcore.schedule.folder import folder_digest, read_schedule
from tests.schedule_folders import FILES, NAME, FolderText

T, G, P, R = "schedule.toml", "groups.csv", "published.csv", "providers.csv"


def test_reading_twice_gives_the_same_schedule_wherever_the_folder_is(tmp_path):
    first = FolderText().read(tmp_path / "here")
    second = FolderText().read(tmp_path / "there")
    assert first == second
    assert first.folder == NAME


def test_what_was_read_cannot_be_changed(tmp_path):
    schedule = FolderText().read(tmp_path)
    with pytest.raises(TypeError):
        schedule.groups["G9"] = schedule.groups["G1"]
    with pytest.raises(AttributeError):
        schedule.title = "another"


def test_the_folder_is_named_where_it_is_read_from_inside(tmp_path, monkeypatch):
    folder = FolderText().replace(G, "3.9114", "x").write(tmp_path / NAME)
    monkeypatch.chdir(folder)
    with pytest.raises(ScheduleError, match=f"{NAME}/groups.csv:2"):
        read_schedule(type(folder)())


# --- the digest -------------------------------------------------------------------------------------


def test_the_digest_frames_names_and_contents_in_order_of_name():
    framed = b"".join(
        [
            (1).to_bytes(8, "big") + b"a" + (3).to_bytes(8, "big") + b"one",
            (2).to_bytes(8, "big") + b"bb" + (0).to_bytes(8, "big"),
        ]
    )
    assert folder_digest({"bb": b"", "a": b"one"}) == hashlib.sha256(framed).hexdigest()


def test_the_digest_of_a_folder_is_that_of_the_files_read(tmp_path):
    folder = FolderText()
    assert folder.read(tmp_path).digest == folder_digest(folder.files)
    folder.add("README.md", "notes").add(".hidden", "x")
    assert folder.read(tmp_path).digest == folder_digest(
        {name: content for name, content in folder.files.items() if name in FILES}
    )


@given(
    name=st.sampled_from(sorted(FILES)),
    place=st.floats(0, 1, exclude_max=True),
    flipped=st.integers(1, 255),
)
def test_any_changed_byte_changes_the_digest(name, place, flipped):
    files = dict(FolderText().files)
    digest = folder_digest(files)
    content = bytearray(files[name])
    content[int(place * len(content))] ^= flipped
    assert folder_digest({**files, name: bytes(content)}) != digest


@given(cut=st.integers(0, 20))
def test_bytes_do_not_move_between_files_unnoticed(cut):
    whole = b"twenty bytes of text"
    split = {"a": whole[:cut], "b": whole[cut:]}
    others = [{"a": whole[:other], "b": whole[other:]} for other in range(21) if other != cut]
    assert folder_digest(split) not in map(folder_digest, others)


# --- the files --------------------------------------------------------------------------------------


def test_only_two_files_are_needed(tmp_path):
    folder = FolderText()
    text = folder.files[T].decode()
    folder.files = {
        T: text[: text.index("[[coefficient]]")].encode(),
        G: folder.files[G].replace(b",general,", b",,"),
    }
    schedule = folder.read(tmp_path)
    assert schedule.providers is None
    assert (schedule.components, schedule.published_tariffs, schedule.factors) == ((), (), ())
    assert not schedule.services


@pytest.mark.parametrize("required", [T, G])
def test_a_missing_file_is_the_one_problem(tmp_path, required):
    folder = FolderText().without(required)
    problem = folder.problem(tmp_path)
    assert (problem.place, problem.message) == (f"{NAME}/{required}", "the file is missing")
    assert problem.way_out


def test_a_misspelt_file_is_not_taken_for_an_absent_one(tmp_path):
    folder = FolderText()
    folder.files["provider.csv"] = folder.files.pop(R)
    misspelt = folder.problems(tmp_path)[0]
    assert (misspelt.place, misspelt.message) == (
        f"{NAME}/provider.csv",
        "is not a file of a schedule folder",
    )
    assert "did you mean 'providers.csv'" in misspelt.way_out


def test_a_folder_inside_is_a_problem_and_readable_as_a_file_it_is_not(tmp_path):
    folder = FolderText().without("factors.csv").write(tmp_path / NAME)
    (folder / "old").mkdir()
    (folder / "factors.csv").mkdir()
    with pytest.raises(ScheduleError) as raised:
        read_schedule(folder)
    factors, old = raised.value.problems
    assert factors.place == f"{NAME}/factors.csv"
    assert "make it a readable file" in factors.way_out
    assert old.place == f"{NAME}/old"


@pytest.mark.parametrize("name", ["nowhere", "x" * 5000])
def test_a_folder_that_is_not_there(tmp_path, name):
    with pytest.raises(ScheduleError) as raised:
        read_schedule(tmp_path / name)
    assert "is not a readable folder" in raised.value.problems[0].message


def test_the_file_instead_of_the_folder(tmp_path):
    folder = FolderText().write(tmp_path / NAME)
    with pytest.raises(ScheduleError) as raised:
        read_schedule(folder / T)
    assert f"name the folder, {folder}" in raised.value.problems[0].way_out


def test_bytes_that_are_not_utf8_name_their_line(tmp_path):
    folder = FolderText()
    folder.files[G] = folder.files[G].replace(b"Adults only", "Взрослые".encode("cp1251"))
    problem = folder.problem(tmp_path)
    assert problem.place == f"{NAME}/{G}:4"
    assert problem.message == "byte 0xc2 is not UTF-8"
    assert "cp1251" in problem.way_out


def test_a_giant_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("tariffcore.schedule.folder.MAX_FILE_BYTES", 1000)
    problem = FolderText().replace(T, "A small", "A " + "very " * 300 + "small").problem(tmp_path)
    assert problem.place == f"{NAME}/{T}"
    assert "is larger than" in problem.message


# --- all at once ------------------------------------------------------------------------------------


def test_toml_that_is_not_toml_is_one_problem_beside_those_of_the_tables(tmp_path):
    folder = FolderText().replace(
        T, '[[coefficient]]\nname = "regional"', '[[coefficient]\nname = "regional"'
    )
    folder.replace(G, "3.9114", "3,9").replace(R, "1,1.0500", "0,1.0500")
    syntax, ragged = folder.problems(tmp_path)
    assert syntax.place == f"{NAME}/{T}:{folder.line(T, '[[coefficient]')}"
    assert (syntax.value, syntax.message.partition(":")[0]) == ("[[coefficient]", "is not TOML")
    assert ragged.place == f"{NAME}/{G}:2"


def test_a_value_that_is_not_toml_hides_nothing_else(tmp_path):
    folder = (
        FolderText()
        .replace(T, "effective_start_date = 2026-01-01", "effective_start_date = 2026-02-30")
        .replace(T, 'currency = "KZT"', 'currency = "KZT')
        .replace(T, "weight_places = 4", "weight_places = four")
        .replace(T, 'share = "1/6"', "share = 0,16")
        .replace(G, "infectious", "infectous")
        .replace(P, "G1,inpatient,child", "G1,inpatent,child")
    )
    assert [problem.place.removeprefix(f"{NAME}/") for problem in folder.problems(tmp_path)] == [
        f"{T}:{folder.line(T, 'currency')}",
        f"{T}:{folder.line(T, '2026-02-30')}",
        f"{T}:{folder.line(T, 'four')}",
        f"{T}:{folder.line(T, '0,16')}",
        f"{G}:2",
        f"{P}:4",
    ]


def test_no_mistake_of_a_row_hides_another_of_the_same_row_or_of_one_that_rests_on_it(tmp_path):
    """Each cell is judged by itself, and so is what is printed for a group that has another mistake."""
    folder = (
        FolderText()
        .replace(G, "G1,Septicaemia,3.9114,3.5000,7,infectious,general", "G1,,3.9114,3.50001,x,infect,generl")
        .replace(G, "G3,Adults only,0.5000", "G1,Adults only,0.50001")
        .replace(P, "G1,inpatient,adult,3.9114,686930.98", "G1,inpatient,adult,3.9113,686930.99")
        .replace(P, "G1,inpatient,child,3.5000,614679.77", "G9,inpatent,kid,x,614679.775")
        .replace(R, "H1,2026-07-01,,1.5675,1.1327", "H1,2026-06-01,,x,1.1327")
        .replace("components.csv", "general,home,transport,1/3,no", "general,hom,transport,x,maybe")
        .replace("services.csv", "REHAB,Rehabilitation,bed_day,,24319.78", "REHAB,,bed_day,warf,x")
        .replace(
            "services.csv",
            "V1,Visit,service,outpatient,2600,2026-07-01",
            "V1,Visit,call,outpatient,x,2026-06-01",
        )
        .replace("factors.csv", "service,remote,1/2", "servce,remote,half")
    )
    told = [(problem.place.removeprefix(f"{NAME}/"), problem.field) for problem in folder.problems(tmp_path)]
    assert sorted(told) == sorted(
        [
            (f"{G}:2", "name"),
            (f"{G}:2", "planned_days"),
            (f"{G}:2", "flags"),
            (f"{G}:2", "relative_weight_child"),
            (f"{G}:2", "component_profile"),
            (f"{G}:4", "drg_code"),
            (f"{G}:4", "relative_weight"),
            (f"{P}:2", "published_weight"),
            (f"{P}:2", "published_tariff"),
            (f"{P}:4", "drg_code"),
            (f"{P}:4", "care_setting"),
            (f"{P}:4", "age_class"),
            (f"{P}:4", "published_weight"),
            (f"{P}:4", "published_tariff"),
            (f"{R}:3", "regional"),
            (f"{R}:3", "effective_start_date"),
            ("components.csv:5", "care_setting"),
            ("components.csv:5", "share"),
            ("components.csv:5", "capital"),
            ("services.csv:2", "name"),
            ("services.csv:2", "care_setting"),
            ("services.csv:2", "rate"),
            ("services.csv:4", "unit"),
            ("services.csv:4", "rate"),
            ("services.csv:4", "effective_start_date"),
            ("factors.csv:3", "unit"),
            ("factors.csv:3", "factor"),
        ]
    )


def test_a_mistake_in_the_header_hides_no_cell(tmp_path):
    folder = FolderText().replace(G, "planned_days", "planed_days").replace(G, "3.9114", "x")
    folder.replace(G, "neonatal", "neonate")
    assert [(problem.place, problem.field) for problem in folder.problems(tmp_path)] == [
        (f"{NAME}/{G}:1", "planed_days"),
        (f"{NAME}/{G}:1", "planned_days"),
        (f"{NAME}/{G}:2", "relative_weight"),
        (f"{NAME}/{G}:3", "flags"),
    ]


def test_another_table_is_told_by_its_header_alone(tmp_path):
    folder = FolderText()
    folder.files["factors.csv"] = folder.files[G]
    assert {problem.place for problem in folder.problems(tmp_path)} == {f"{NAME}/factors.csv:1"}


def test_every_problem_of_every_file_comes_at_once(tmp_path):
    folder = (
        FolderText()
        .replace(T, "published = 2025-12-31", 'published = "31.12.2025"')
        .replace(T, 'share = "1/6"', 'share = "1/6 "\nshre = "x"')
        .replace(G, "0.5000", "0,5")
        .replace(P, "686930.98", "686930.97")
        .replace(R, "1.1327", "")
        .replace("components.csv", "0.40", "0.41")
        .replace("services.csv", "24319.78", "free")
        .replace("factors.csv", "1/2", "0,5")
        .add("notes.txt", "x")
    )
    problems = folder.problems(tmp_path)
    assert [problem.place.removeprefix(f"{NAME}/") for problem in problems] == [
        "notes.txt",
        "schedule.toml:8",
        f"schedule.toml:{folder.line(T, 'shre')}",
        "groups.csv:4",
        "published.csv:2",
        "providers.csv:3",
        "components.csv:3",
        "services.csv:2",
        "factors.csv:3",
    ]
    with pytest.raises(ScheduleError, match="cannot be used: "):
        folder.read(tmp_path)


def test_what_rests_on_something_unreadable_is_not_reported_twice(tmp_path):
    folder = FolderText().replace(T, "weight_places = 4", "weight_places = four_places_of_the_order")
    assert len(folder.problems(tmp_path, "syntax")) == 1
    folder = FolderText().replace(T, "weight_places = 4", 'weight_places = "four"')
    assert folder.problem(tmp_path, "rounding").field == "rounding.weight_places"
    folder = FolderText().replace(G, "G1,Septicaemia,3.9114", "G1,Septicaemia,")
    assert folder.problem(tmp_path, "group").place == f"group/{G}:2"
    folder = FolderText().replace(T, 'name = "rural"', 'name = "rural area"')
    assert folder.problem(tmp_path, "coefficient").field == "coefficient.name"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(FILES)),
    start=st.floats(0, 1),
    cut=st.integers(0, 30),
    put=st.one_of(
        st.text(alphabet='",;=[]{}\n\r\t #.-0123456789eé\u00a0А', max_size=12).map(str.encode),
        st.binary(max_size=6),
        st.sampled_from([b"true", b"inf", b"nan", b"-0", b"1_000", b'"""', b"'''", b"2025-02-30", b"\x00"]),
    ),
)
def test_a_folder_spoiled_anywhere_is_read_or_refused_in_words(tmp_path, name, start, cut, put):
    """Whatever stands in the files: a schedule or a ScheduleError whose problems name place and way out."""
    folder = FolderText()
    content = folder.files[name]
    position = int(start * len(content))
    folder.files[name] = content[:position] + put + content[position + cut :]
    try:
        schedule = folder.read(tmp_path)
    except ScheduleError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.place.startswith(f"{NAME}/")
            assert problem.message
            assert problem.way_out
    else:
        assert schedule.digest == folder_digest(folder.files)


def test_a_folder_of_other_things_is_one_problem(tmp_path: Path) -> None:
    """Not one for each of its files."""
    for name in ("letter.txt", "photo.jpg", "cases.csv"):
        (tmp_path / name).write_text("x", "utf-8")
    with pytest.raises(ScheduleError) as caught:
        read_schedule(tmp_path)
    (problem,) = caught.value.problems
    assert problem.message == "is not a schedule folder: nothing of a schedule is in it"
