"""Places are taken and given back, and the limits are the settings."""

import pytest

from tariffcore_server.failures import Reason, RequestError
from tariffcore_server.limits import MOST_CASES, Limits, Places, require_rows, require_size
from tariffcore_server.serving import limits_of
from tariffcore_server.settings import Settings


def test_the_limits_are_the_settings():
    found = limits_of(Settings(max_message_bytes=1, max_cases=2, max_calls=3, max_streams=4))
    assert found == Limits(message_bytes=1, cases=2, calls=3, streams=4)
    assert limits_of(Settings()) == Limits() and Limits().cases == MOST_CASES


def test_a_place_is_given_back_however_its_block_ends():
    places = Places(2, Reason.TOO_MANY_CALLS)
    with places, places:
        with pytest.raises(RequestError) as caught, places:
            raise AssertionError("there was no place")
        assert caught.value.metadata == {"limit": "2"} and places.taken == 2
    with pytest.raises(KeyError), places:
        raise KeyError
    assert places.taken == 0


def test_exactly_the_limit_is_within_it():
    limits = Limits(message_bytes=10)
    require_size(bytes(10), limits)
    require_rows(5, 5)
    with pytest.raises(RequestError):
        require_size(bytes(11), limits)
    with pytest.raises(RequestError):
        require_rows(6, 5)
