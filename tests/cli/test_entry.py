from __future__ import annotations

import pytest

from tariffcore.cli import main
from tariffcore.version import ENGINE_VERSION
from tests.cli.running import refused, run, run_process

COMMANDS = (
    (),
    ("price",),
    ("explain",),
    ("sample",),
    ("schedule",),
    *(("schedule", command) for command in ("list", "check", "show", "diff", "import")),
    ("cost",),
    *(("cost", command) for command in ("template", "example", "run", "payments")),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_that_fits(command: tuple[str, ...]) -> None:
    ran = run(*command, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: {' '.join(('tariffcore', *command))} ")
    assert max(map(len, ran.out.splitlines())) <= 80
    assert run(*command, "-h").out == ran.out


def test_the_version() -> None:
    assert run("--version").out == f"tariffcore {ENGINE_VERSION}\n"


def test_without_a_command_the_help_is_the_complaint() -> None:
    ran = run()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: tariffcore")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("pirce",), "tariffcore: No such command 'pirce'"),
        (("schedule", "chek"), "tariffcore schedule: No such command 'chek'"),
        (("price",), "tariffcore price: Missing argument 'CASES'"),
    ],
)
def test_a_mistyped_command(arguments: tuple[str, ...], says: str) -> None:
    assert refused(run(*arguments))[0].startswith(says)


def test_help_is_quick_because_nothing_heavy_is_imported_for_it() -> None:
    heavy = ("pyarrow", "numpy", "rich", "xlsxwriter", "python_calamine", "tariffcore.plan")
    before = (
        "import atexit\n"
        f"atexit.register(lambda: print('LOADED', [name for name in {heavy!r} if name in sys.modules]))"
    )
    ran = run_process("price", "--help", before=before)
    assert ran.last_line == "LOADED []"


def test_the_entry_point_is_what_the_package_names() -> None:
    assert callable(main)
    assert set(main.commands) == {
        "price",
        "group",
        "explain",
        "schedule",
        "cost",
        "settle",
        "sample",
        "serve",
        "token",
    }
