"""The log: one JSON object a line, whatever is logged by whom, and no text of an exception."""

import io
import json
import logging
import sys

import pytest

from tariffcore_server import logs


@pytest.fixture
def written():
    root, own = logging.getLogger(), logs.LOGGER
    before = root.handlers[:], root.level, own.level
    stream = io.StringIO()
    logs.write_logs("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level, own.level = before


def test_a_line_has_time_level_event_and_facts(written):
    logs.info("serving", address="127.0.0.1:1", editions=["kz\n2026", "ы"], workers=2)
    logs.log(logging.DEBUG, "unheard")
    (line,) = written()
    assert line["event"] == "serving" and line["level"] == "info" and line["workers"] == 2
    assert line["editions"] == ["kz\n2026", "ы"] and line["time"].endswith("+00:00") and line["pid"] > 0


def test_what_other_libraries_log_loses_its_values(written):
    logging.getLogger("grpc").warning("call of %s failed", "SECRET")
    logging.getLogger("asyncio").error("SECRET in the text itself")
    templated, plain = written()
    assert templated["event"] == "library_message" and templated["template"] == "call of %s failed"
    assert plain["at"].startswith("test_logs.py:") and plain["logger"] == "asyncio"
    assert "SECRET" not in json.dumps([templated, plain])


def test_an_exception_is_its_kind_and_places(written):
    try:
        raise ValueError("SECRET")
    except ValueError:
        logging.getLogger("grpc").error("failed", exc_info=sys.exc_info())
    (line,) = written()
    assert line["exception"] == "ValueError" and line["places"][0].startswith("test_logs.py:")
    assert "SECRET" not in json.dumps(line)
