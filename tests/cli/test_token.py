"""``tariffcore token``: the token on stderr once, what the server keeps on stdout."""

import pytest

from tariffcore_server.tokens import TOKEN_PREFIX, Role, hash_of, read_tokens
from tests.cli.running import run


def test_the_lines_accept_the_token_and_do_not_hold_it():
    done = run("token", "clinic 17", "--role", "price", "--role", "read", "--provider", "H17")
    assert done.code == 0
    made = done.err.split()[-1]
    assert made.startswith(TOKEN_PREFIX) and made not in done.out
    (token,) = read_tokens(done.out.encode(), "tokens.toml")
    assert token.sha256 == hash_of(made)
    assert (token.caller.name, token.caller.providers) == ("clinic 17", frozenset({"H17"}))
    assert token.caller.roles == {Role.PRICE, Role.READ}


def test_without_providers_it_is_for_all():
    (token,) = read_tokens(run("token", "fund", "--role", "admin").out.encode(), "tokens.toml")
    assert token.caller.providers is None


@pytest.mark.parametrize(
    "arguments",
    [["a"], ["a", "--role", "root"], ["a", "--role", "price", "--provider", " "], [" ", "--role", "read"]],
)
def test_a_token_has_a_name_and_a_role(arguments):
    done = run("token", *arguments)
    assert done.code == 2 and TOKEN_PREFIX not in done.err + done.out
