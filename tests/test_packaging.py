"""What a release holds and says of itself; `make wheel-smoke` installs one and tries it."""

import ast
import re
import sys
import sysconfig
import tomllib
import warnings
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

import pytest
from setuptools import Distribution
from setuptools.command.build_py import build_py

from tariffcore.schedule.shipped import shipped_editions
from tariffcore.version import ENGINE_VERSION

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "tariffcore"
SERVER = CHECKOUT / "server" / "tariffcore_server"
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTED_AS = {"python-calamine": "python_calamine"}  # others are imported by their own names
OF_THE_CLIENT = {"grpc", "grpc_status", "google"}
"""What the extra "client" installs, and the only rooms that may import it."""
ROOMS_OF_THE_CLIENT = ("v1", "client", "wire")
OF_THE_SERVICE = OF_THE_CLIENT | {"grpc_health", "grpc_reflection", "prometheus_client", "opentelemetry"}
"""What the extras "service" and "telemetry" install, and only the server may import."""
START_THE_SERVICE = ("serve.py", "token.py")
"""Commands that import the server, once asked for."""
OF_THE_SETTLEMENT = {"sqlalchemy", "alembic", "holidays"}
"""What the extra "settlement" installs (the driver of PostgreSQL is imported by name), for its room only."""
BUILT = (".c", ".so", ".pyc")


@pytest.fixture(scope="module")
def packing():
    """What setuptools would pack, by pyproject.toml alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(CHECKOUT)
        project = Distribution({"script_name": "setup.py"})
        with warnings.catch_warnings(action="ignore"):  # another test says that there is a README
            project.parse_config_files()
        command = build_py(project)
        command.finalize_options()
        files = {Path(path) for _, _, path in command.find_all_modules()}
        files |= {Path(source, name) for _, source, _, names in command.data_files for name in names}
        return {"packages": set(project.packages), "files": files}


def test_one_version():
    installed = distribution("tariffcore")

    assert installed.version == PROJECT["version"] == ENGINE_VERSION
    assert re.fullmatch(r"\d+\.\d+\.\d+", PROJECT["version"])


def test_every_file_of_the_package_is_packed(packing):
    files = {
        path.relative_to(CHECKOUT)
        for package in (PACKAGE, SERVER)
        for path in package.rglob("*")
        if path.is_file() and path.suffix not in BUILT
    }

    assert packing["files"] == files


def test_what_pricing_reads_is_packed(packing):
    packed = {path.as_posix().removeprefix("tariffcore/") for path in packing["files"]}

    assert {f"schedules/{edition.folder.name}/schedule.toml" for edition in shipped_editions()} <= packed
    assert "settlements/kz-2026/settlement.toml" in packed
    assert {"labels/en.toml", "labels/ru.toml", "labels/kk.toml", "presets/ersb.toml"} <= packed
    assert {"py.typed", "_kernel.pyi"} <= packed


def test_packages_are_those_with_modules(packing):
    folders = {path.parent.relative_to(CHECKOUT) for path in PACKAGE.rglob("__init__.py")}

    assert packing["packages"] == {".".join(folder.parts) for folder in folders} | {"tariffcore_server"}


def test_licence():
    text = (CHECKOUT / "LICENSE").read_text(encoding="utf-8")

    assert PROJECT["license"] == "Apache-2.0"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text


def test_there_is_a_readme_to_show_beside_the_release():
    assert (CHECKOUT / PROJECT["readme"]).is_file()


def test_the_command_is_the_command_line():
    (command,) = distribution("tariffcore").entry_points.select(group="console_scripts")

    assert command.name == "tariffcore"
    assert callable(command.load())


def test_one_python_everywhere():
    """The oldest Python is said in four places: the metadata, the stable ABI, the wheel's name, the check."""
    setup = (CHECKOUT / "setup.py").read_text(encoding="utf-8")
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")

    assert PROJECT["requires-python"] == ">=3.11"
    assert re.findall(r'"Py_LIMITED_API", "(\w+)"', setup) == ["0x030B0000"]
    assert re.findall(r'"py_limited_api": "(\w+)"', setup) == ["cp311"]
    assert re.findall(r"sys.version_info < \((\d+, \d+)\)", makefile) == ["3, 11"]


@pytest.mark.parametrize("source", sorted(PACKAGE.glob("*.pyx")), ids=lambda source: source.stem)
def test_what_is_compiled_has_the_stable_abi_and_types(source):
    suffix = (
        sysconfig.get_config_var("EXT_SUFFIX") if sysconfig.get_config_var("Py_GIL_DISABLED") else ".abi3.so"
    )

    compiled = Path(import_module(f"tariffcore.{source.stem}").__file__)
    assert compiled == PACKAGE / f"{source.stem}{suffix}"
    assert source.with_suffix(".pyi").is_file()


def test_nothing_is_imported_that_is_not_installed_with_it():
    declared = {re.split(r"[<>=!~ ]", requirement)[0] for requirement in PROJECT["dependencies"]}
    allowed = {IMPORTED_AS.get(name, name) for name in declared} | sys.stdlib_module_names | {"tariffcore"}
    imported: dict[str, str] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            if path.relative_to(PACKAGE).parts[0] in ROOMS_OF_THE_CLIENT:
                names = [name for name in names if name.split(".")[0] not in OF_THE_CLIENT]
            if path.relative_to(PACKAGE).parts[0] == "settlement":
                names = [name for name in names if name.split(".")[0] not in OF_THE_SETTLEMENT]
            if path.parent.name == "cli" and path.name in START_THE_SERVICE:
                names = [name for name in names if name.split(".")[0] != SERVER.name]
            imported |= {name.split(".")[0]: path.name for name in names}

    assert {name: imported[name] for name in imported.keys() - allowed} == {}
    assert {IMPORTED_AS.get(name, name) for name in declared} <= imported.keys()


def test_the_server_imports_what_its_extra_installs_and_the_library():
    declared = {re.split(r"[<>=!~ ]", requirement)[0] for requirement in PROJECT["dependencies"]}
    allowed = declared | OF_THE_SERVICE | sys.stdlib_module_names | {"tariffcore", "tariffcore_server"}
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module]
            assert {name.split(".")[0] for name in names} <= allowed, path.name
