"""``tariffcore token``: a new token for the service, and the lines of the tokens file that accept it."""

from __future__ import annotations

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.screen import complain, say


@click.command(short_help="Make a token for the service.")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    type=click.Choice(["read", "price", "admin"]),
    multiple=True,
    required=True,
    help="What it may do: read schedules, price cases, administer. Repeatable.",
)
@click.option(
    "--provider",
    "providers",
    metavar="ID",
    multiple=True,
    help="A provider it may price for and see months of. Repeatable.  [default: all]",
)
def token(name: str, roles: tuple[str, ...], providers: tuple[str, ...]) -> int:
    """Make a token for whoever NAME is.

    The token goes to stderr, once: nobody can find it out again. The lines for the tokens file of
    'tariffcore serve --tokens', which hold only its hash, go to stdout: append them.
    """
    from tariffcore_server.tokens import Role, new_token, token_entry

    if not name.strip():
        raise click.UsageError("NAME is empty; say whose token it is")
    if not all(provider.strip() for provider in providers):
        raise click.UsageError("--provider is empty; name a provider, or leave it out for all")
    made = new_token()
    kept = [Role(role) for role in dict.fromkeys(roles)]
    say(token_entry(name.strip(), made, kept, list(dict.fromkeys(providers)) or None))
    complain(f"the token, shown this once: {made}")
    return DONE
