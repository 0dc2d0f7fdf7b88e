"""The tokens file: read as a whole, every problem told, no secret shown."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore_server.tokens import (
    TOKEN_PREFIX,
    Caller,
    CredentialsError,
    Role,
    Token,
    hash_of,
    new_token,
    read_tokens,
    token_entry,
)

words = st.text(min_size=1, max_size=20).filter(lambda text: text.strip() == text and text.isprintable())


@given(
    words, st.lists(st.sampled_from(Role), min_size=1, unique=True), st.none() | st.lists(words, min_size=1)
)
def test_what_is_written_for_a_new_token_is_read_as_that_token(name, roles, providers):
    made = new_token()
    (read,) = read_tokens(token_entry(name, made, roles, providers).encode(), "tokens.toml")
    expected = None if providers is None else frozenset(providers)
    assert read == Token(hash_of(made), Caller(name, frozenset(roles), expected))


def test_a_token_is_long_random_and_known_by_its_beginning():
    first, second = new_token(), new_token()
    assert first != second and first.startswith(TOKEN_PREFIX)
    assert len(first) == len(TOKEN_PREFIX) + 43  # 256 bits


def test_a_name_cannot_break_out_of_its_quotes():
    entry = token_entry('a"\\\nroles = ["admin"]', "x", [Role.READ], ['"]\n[[token]]'])
    (parsed,) = tomllib.loads(entry)["token"]
    assert parsed["name"] == 'a"\\\nroles = ["admin"]' and parsed["roles"] == ["read"]
    assert parsed["providers"] == ['"]\n[[token]]']


def problems_of(content: str):
    with pytest.raises(CredentialsError) as caught:
        read_tokens(content.encode(), "tokens.toml")
    return [f"{problem.place}|{problem.field}|{problem.message}" for problem in caught.value.problems]


def test_every_problem_is_told_at_once():
    found = problems_of(
        'other = 1\n[[token]]\nnmae = "a"\nsha256 = "abc"\nroles = ["prize", "read"]\nproviders = []\n'
        '[[token]]\nname = "b"\nsha256 = "%s"\nroles = []\n' % ("0" * 64)
    )
    assert found == [
        "tokens.toml|other|is not known here",
        "tokens.toml: token 1|nmae|is not known here",
        "tokens.toml: token 1|name|is missing",
        "tokens.toml: token 1|sha256|is not a SHA-256",
        "tokens.toml: token 1|roles|is no role",
        "tokens.toml: token 1|providers|is not a list of provider ids",
        "tokens.toml: token 2|roles|is missing",
    ]


def test_the_same_name_or_hash_twice_is_a_problem():
    entry = token_entry("a", "x", [Role.READ], None)
    assert problems_of(f"{entry}\n{entry}") == [
        "tokens.toml: token 2|name|occurs twice",
        "tokens.toml: token 2|sha256|occurs twice",
    ]


def test_a_file_without_a_token_locks_everybody_out_and_is_refused():
    assert problems_of("") == ["tokens.toml|None|has no token"]


@pytest.mark.parametrize("content", ['token = "tariffcore_secret"', "[[token]\nsecret", "secret = \xff"])
def test_what_is_no_tokens_file_is_refused_without_showing_what_is_in_it(content):
    with pytest.raises(CredentialsError) as caught:
        read_tokens(content.encode("latin-1"), "tokens.toml")
    assert "secret" not in str(caught.value).replace("tokens.toml: secret: is not known", "")
