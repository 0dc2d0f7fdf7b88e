"""``tariffcore``: the group of all commands, and the one place where errors become sentences."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from tariffcore.cli.cost import cost
from tariffcore.cli.explain import explain
from tariffcore.cli.failures import stopping_in_order, tell
from tariffcore.cli.group import group
from tariffcore.cli.price import price
from tariffcore.cli.sample import sample
from tariffcore.cli.schedule import schedule
from tariffcore.cli.screen import prepare_streams, say
from tariffcore.cli.serve import serve
from tariffcore.cli.settle import settle
from tariffcore.cli.token import token

PROGRAM = "tariffcore"


class CommandLine(click.Group):
    """A group whose commands return their exit code (None: 0) and whose errors are told in words."""

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,  # noqa: ANN401
    ) -> NoReturn:
        """Runs one command and leaves with its exit code; the program has one name however it is called."""
        prepare_streams()
        extra["standalone_mode"] = False
        with stopping_in_order():
            try:
                code = super().main(args, PROGRAM, **extra)
            except (Exception, KeyboardInterrupt) as error:
                code = tell(error)
        sys.exit(code)


def _version(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked:
        from tariffcore.version import ENGINE_VERSION

        say(f"tariffcore {ENGINE_VERSION}")
        context.exit()


@click.group(
    PROGRAM,
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 rows without an amount (price --strict, explain); 2 unusable input.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
def main() -> None:
    """Price treated hospital cases exactly, from dated tariff schedules, explained to the last tiyn."""


for command in (price, group, explain, schedule, cost, settle, sample, serve, token):
    main.add_command(command)
