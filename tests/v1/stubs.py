"""Generates the Python stubs of the contract: ``python -m tests.v1.stubs FOLDER`` (``make stubs``)."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PROTO = PROJECT / "proto"
COMMITTED = PROJECT / "tariffcore" / "v1"


def generate(folder: Path) -> None:
    """Write the stubs of every proto file into a folder, and remove stubs of protos that are gone."""
    protos = sorted(path.relative_to(PROTO).as_posix() for path in PROTO.glob("tariffcore/v1/*.proto"))
    # the plugin that writes type stubs is a program beside the interpreter
    plugin = Path(sys.executable).with_name("protoc-gen-mypy")
    with tempfile.TemporaryDirectory() as made:
        outputs = [f"--{kind}_out={made}" for kind in ("python", "grpc_python")]
        outputs += [f"--{kind}_out=quiet:{made}" for kind in ("mypy", "mypy_grpc")]
        plugins = [f"--plugin=protoc-gen-{p}={plugin}{s}" for p, s in (("mypy", ""), ("mypy_grpc", "_grpc"))]
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", *plugins, *outputs, *protos]
        subprocess.run(command, check=True)
        for old in stubs(folder):
            old.unlink()
        for stub in sorted((Path(made) / "tariffcore" / "v1").iterdir()):
            if "_pb2_grpc." in stub.name and not _has_service(stub):
                continue  # files without a service get an empty shell
            (folder / stub.name).write_bytes(stub.read_bytes())


def stubs(folder: Path) -> Iterator[Path]:
    """The generated files in a folder."""
    return folder.glob("*_pb2*.py*")


def _has_service(stub: Path) -> bool:
    proto = PROTO / "tariffcore" / "v1" / (stub.name.partition("_pb2_grpc.")[0] + ".proto")
    return "\nservice " in proto.read_text(encoding="utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
