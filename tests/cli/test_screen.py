from __future__ import annotations

import io
import sys

import pytest

from tariffcore.cli.screen import prepare_streams, progress_bar, say
from tariffcore.cli.tables import counted, show_facts


def printed(encoding: str, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    prepare_streams()
    say(text)
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", "3.9 x 2 -> 7.8; 1 000 No.5 \\u041a\\u0417\\u0413\n"),
        ("cp1251", "3.9 x 2 -> 7.8; 1\u00a0000 №5 КЗГ\n"),
        ("utf-8", "3.9 × 2 → 7.8; 1\u00a0000 №5 КЗГ\n"),
    ],
)
def test_letters_a_stream_has_no_code_for_are_spelled(
    encoding: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert printed(encoding, "3.9 × 2 → 7.8; 1\u00a0000 №5 КЗГ", monkeypatch) == expected


def test_facts_wrap_words_and_never_break_one(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/a/" + "very-long-folder-name/" * 6
    show_facts([("name", "word " * 30), ("path", path), ("digest", "f" * 64), ("nothing", "")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name            " + " ".join(["word"] * 13)
    assert lines[1].startswith(" " * 16 + "word")
    assert path in lines[-3] and len(lines[-3]) > 80
    assert lines[-2] == "digest          " + "f" * 64
    assert lines[-1] == "nothing"


def test_brackets_and_colons_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show_facts([("[red]", "[bold]x[/bold] :smile:")])
    assert capsys.readouterr().out == "[red]           [bold]x[/bold] :smile:\n"


def test_there_is_no_progress_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("pricing", total=10, in_bytes=True, wanted=True) as progress:
        assert progress is None
    assert capsys.readouterr() == ("", "")


def test_numbers_and_nouns_agree() -> None:
    assert [counted(n, "case") for n in (0, 1, 2000)] == ["0 cases", "1 case", "2,000 cases"]
