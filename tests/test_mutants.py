"""The list of seeded mistakes fits the code it spoils; `make mutants` shows that the tests find them."""

import ast
import shutil
from pathlib import Path

import pytest

from tests.mutants.__main__ import COPIED, Verdict, copy_package, main, show
from tests.mutants.seeded import MUTANTS, Mutant, MutantError, mutant

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.parametrize("seeded", MUTANTS, ids=lambda seeded: seeded.name)
def test_a_mutant_can_be_planted(seeded, tmp_path):
    original = CHECKOUT / seeded.path
    planted = tmp_path / seeded.path
    planted.parent.mkdir(parents=True)
    shutil.copy2(original, planted)

    seeded.plant(tmp_path)

    assert planted.read_text() != original.read_text()
    if planted.suffix == ".py":
        ast.parse(planted.read_text())


def test_mutants_are_told_apart_and_aimed_at_tests_there_are():
    assert len({seeded.name for seeded in MUTANTS}) == len(MUTANTS)
    assert all((CHECKOUT / test.partition("::")[0]).is_file() for seeded in MUTANTS for test in seeded.tests)


@pytest.mark.parametrize("text", ["", "limit = 1\nlimit = 1\n"])
def test_a_text_that_is_not_there_exactly_once_is_refused(text, tmp_path):
    (tmp_path / "rule.py").write_text(text)

    with pytest.raises(MutantError, match=f"has the text to replace {text.count('limit')} times, not once"):
        mutant("limit", "a limit of two", "rule.py", "limit = 1", "limit = 2").plant(tmp_path)


def test_a_copy_has_all_it_needs_and_nothing_built_or_cached(tmp_path):
    copy_package(tmp_path / "copy", CHECKOUT)

    copied = {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*")}
    assert {path.parts[0] for path in copied} <= set(COPIED)
    assert Path("tariffcore/_kernel.pyx") in copied
    assert not [path for path in copied if path.name == "__pycache__" or path.suffix == ".c"]


def test_a_survivor_catches_the_eye(capsys):
    show(Verdict(Mutant("m", "a mistake", "f.py", ()), "SURVIVED", "no test failed", 1.0))

    assert "SURVIVED  m " in capsys.readouterr().out


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["no-such-mutant"])

    assert "there is no mutant no-such-mutant" in capsys.readouterr().err
