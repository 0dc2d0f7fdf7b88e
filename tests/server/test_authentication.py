"""Who calls, by the metadata of a call."""

import pytest

from tariffcore_server.authentication import Authentication, require_role
from tariffcore_server.failures import Reason, RequestError
from tariffcore_server.tokens import ANYBODY, Role
from tests.server.running import token

DOOR = Authentication([token("alpha", "price", providers={"H1"}), token("beta", "read", "admin")])


def test_a_known_token_is_its_caller():
    caller = DOOR.caller([("user-agent", "x"), ("authorization", "Bearer alpha")])
    assert (caller.name, caller.providers) == ("alpha", frozenset({"H1"}))
    assert DOOR.caller([("authorization", "bearer  beta ")]).roles == {Role.READ, Role.ADMIN}
    assert len(DOOR) == 2


@pytest.mark.parametrize("metadata", [None, (), [("user-agent", "x")]])
def test_no_token_is_said_to_be_missing(metadata):
    with pytest.raises(RequestError) as caught:
        DOOR.caller(metadata)
    assert caught.value.reason is Reason.TOKEN_MISSING


@pytest.mark.parametrize(
    "values",
    [["Bearer gamma"], ["Bearer"], ["Basic alpha"], ["alpha"], [b"Bearer alpha"], ["Bearer alpha"] * 2],
)
def test_anything_but_one_known_bearer_token_is_refused_without_being_repeated(values):
    with pytest.raises(RequestError) as caught:
        DOOR.caller([("authorization", value) for value in values])
    assert caught.value.reason is Reason.TOKEN_UNKNOWN
    assert "alpha" not in caught.value.words() and "gamma" not in caught.value.words()


def test_without_tokens_anybody_may_read_and_price_but_not_administer():
    caller = Authentication(None).caller(())
    assert caller is ANYBODY and caller.providers is None
    require_role(caller, Role.READ)
    require_role(caller, Role.PRICE)
    with pytest.raises(RequestError) as caught:
        require_role(caller, Role.ADMIN)
    assert caught.value.reason is Reason.ROLE_MISSING and caught.value.metadata == {"role": "admin"}


def test_no_tokens_at_all_and_an_empty_list_of_tokens_are_different_things():
    with pytest.raises(RequestError):
        Authentication([]).caller(())
