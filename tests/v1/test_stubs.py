"""The committed stubs are those of the contract, and the contract's numbers are the library's."""

import subprocess
import sys

import pytest

from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_pb2
from tests.v1.stubs import COMMITTED, PROTO, generate, stubs


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("v1")
    generate(folder)
    return {stub.name: stub.read_bytes() for stub in stubs(folder)}


def test_committed_stubs_equal_regenerated_ones(regenerated):
    committed = {stub.name: stub.read_bytes() for stub in stubs(COMMITTED)}
    assert sorted(committed) == sorted(regenerated), "run make stubs"
    for name, text in regenerated.items():
        assert committed[name] == text, f"{name} is not what the contract says: run make stubs"


def test_every_proto_has_its_stubs(regenerated):
    for proto in PROTO.glob("tariffcore/v1/*.proto"):
        assert f"{proto.stem}_pb2.py" in regenerated
        assert f"{proto.stem}_pb2.pyi" in regenerated


def test_statuses_are_the_librarys():
    contract = {name.removeprefix("CASE_STATUS_"): number for name, number in case_pb2.CaseStatus.items()}
    assert contract == {status.name: int(status) for status in CaseStatus}


def test_the_library_is_imported_without_grpc():
    """Whoever prices locally needs neither grpc nor protobuf."""
    blocked = "import sys; sys.modules['grpc'] = sys.modules['google.protobuf'] = None; import tariffcore.cli"
    subprocess.run([sys.executable, "-c", blocked], check=True)
