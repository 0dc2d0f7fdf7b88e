"""AdministrationService: for administrators only, all workers or none."""

import grpc
import pytest

from tariffcore.errors import Problem
from tariffcore.v1.administration_service_pb2 import ReloadCredentialsRequest, ReloadSchedulesRequest
from tariffcore.v1.administration_service_pb2_grpc import AdministrationServiceStub
from tariffcore.version import ENGINE_VERSION
from tariffcore_server.credentials import Credentials
from tariffcore_server.failures import MOST_VIOLATIONS
from tariffcore_server.reloading import (
    Refused,
    ReloadedCredentials,
    ReloadedSchedules,
    problems_json,
    refused_from,
)
from tests.server.running import failure_of, running_server, token

ADMIN = {"metadata": (("authorization", "Bearer admin"),)}
PRICE = {"metadata": (("authorization", "Bearer price"),)}


@pytest.fixture(scope="module")
def running():
    tokens = (token("admin", "admin"), token("price", "price", "read"))
    with running_server(credentials=Credentials(tokens=tokens)) as running:
        yield running


@pytest.fixture(scope="module")
def administration(running):
    with running.channel() as channel:
        yield AdministrationServiceStub(channel)


def test_what_is_in_force_now_is_told(running, administration):
    running.reloading.schedules = ReloadedSchedules(changed=True, workers=3)
    answer = administration.ReloadSchedules(ReloadSchedulesRequest(), **ADMIN)
    assert (answer.changed, answer.workers, answer.engine_version) == (True, 3, ENGINE_VERSION)
    assert [edition.schedule_id for edition in answer.editions] == [
        "other", "small", "small-2026", "small-2026b"
    ]  # fmt: skip
    running.reloading.credentials = ReloadedCredentials(2, "2027-01-01T00:00:00+00:00", 3)
    answer = administration.ReloadCredentials(ReloadCredentialsRequest(), **ADMIN)
    assert (answer.tokens, answer.certificate_not_after) == (2, "2027-01-01T00:00:00+00:00")
    assert answer.engine_version == ENGINE_VERSION


def test_a_refusal_names_every_problem(running, administration):
    problems = tuple(Problem(f"kz/groups.csv:{n}", "name", "x", "is wrong", "fix it") for n in range(200))
    running.reloading.schedules = Refused("schedule folder kz cannot be used", problems)
    running.reloading.credentials = Refused("tokens cannot be used", problems[:1])
    said = failure_of(lambda: administration.ReloadSchedules(ReloadSchedulesRequest(), **ADMIN))
    assert (said.code, said.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RELOAD_REFUSED")
    assert said.words.startswith("schedule folder kz cannot be used; what was in force stays in force")
    assert said.preconditions[0] == str(problems[0])
    assert len(said.preconditions) <= MOST_VIOLATIONS + 1 and said.preconditions[-1].endswith("more")
    said = failure_of(lambda: administration.ReloadCredentials(ReloadCredentialsRequest(), **ADMIN))
    assert said.preconditions == [str(problems[0])]


def test_nobody_else_may(administration):
    for call, request in (
        (administration.ReloadSchedules, ReloadSchedulesRequest()),
        (administration.ReloadCredentials, ReloadCredentialsRequest()),
    ):
        said = failure_of(lambda call=call, request=request: call(request, **PRICE))
        assert (said.code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
        assert said.metadata == {"role": "admin"}


def test_without_tokens_nobody_may():
    with running_server() as running, running.channel() as channel:
        call = AdministrationServiceStub(channel).ReloadSchedules
        assert failure_of(lambda: call(ReloadSchedulesRequest())).reason == "ROLE_MISSING"


def test_a_refusal_travels_between_processes_whole():
    refused = Refused("no", (Problem("p", None, None, "m", "w"), Problem("p", "f", "v", "m", "w")))
    assert refused_from(problems_json(refused)) == refused
