"""Health and reflection, asked without a token."""

import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tariffcore_server.credentials import Credentials
from tariffcore_server.serving import SERVICES
from tests.server.running import failure_of, running_server, token

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def asked(service=""):
    return health_pb2.HealthCheckRequest(service=service)


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_the_server_and_each_service_are_healthy_and_nobody_needs_a_token_to_ask(service):
    credentials = Credentials(tokens=(token("a", "read"),))
    with running_server(credentials=credentials) as running, running.channel() as channel:
        assert health_pb2_grpc.HealthStub(channel).Check(asked(service)).status == SERVING


def test_a_service_that_is_not_here_is_not_found_or_unknown():
    with running_server() as running, running.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert failure_of(lambda: health.Check(asked("x"))).code is grpc.StatusCode.NOT_FOUND
        watch = health.Watch(asked("x"), timeout=30)
        assert next(watch).status == UNKNOWN
        watch.cancel()


def test_who_watches_is_told_of_the_stop_and_then_let_go():
    with running_server() as running, running.channel() as channel:
        watches = [health_pb2_grpc.HealthStub(channel).Watch(asked(), timeout=30) for _ in range(3)]
        assert [next(watch).status for watch in watches] == [SERVING] * 3
        stopping = threading.Thread(target=lambda: running.run(running.server.drain(20)))
        stopping.start()
        for watch in watches:
            assert [answer.status for answer in watch] == [NOT_SERVING]
        stopping.join(30)
        assert not stopping.is_alive()


def services_of(channel):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=30)
    return {service.name for service in answer.list_services_response.service}


def test_reflection_is_there_when_asked_for_only():
    with running_server(reflection=True) as running, running.channel() as channel:
        assert set(SERVICES) <= services_of(channel)
    with running_server() as running, running.channel() as channel:
        assert failure_of(lambda: services_of(channel)).code is grpc.StatusCode.UNIMPLEMENTED
