"""The wheel job: ``python -m tests.wheel dist/tariffcore-*.whl``.

Looks at the wheel's name and contents, installs it into fresh environments of every suitable CPython there
is, and runs `tests/wheel/smoke.py` in each, in a temporary folder with no way to the source tree.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
STABLE_ABI = "cp311-abi3"
OTHER_VERSIONS = ("3.12", "3.13", "3.14")
NOT_SHIPPED = (".c", ".so", ".pyc")


class WheelError(Exception):
    """What is wrong with the wheel, in words."""


def check_name(wheel: Path) -> str:
    """The version in the wheel's name, which must promise one binary for every CPython since 3.11."""
    parts = wheel.stem.split("-")
    if len(parts) != 5 or parts[0] != "tariffcore" or "-".join(parts[2:4]) != STABLE_ABI:
        raise WheelError(f"{wheel.name} is not tariffcore-VERSION-{STABLE_ABI}-PLATFORM.whl")
    return parts[1]


def check_contents(wheel: Path) -> None:
    """Every file of library and server is in the wheel, the binaries too, and nothing else."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    package = CHECKOUT / "tariffcore"
    files = {
        path.relative_to(root).as_posix()
        for root, home in (
            (CHECKOUT, package),
            (CHECKOUT / "server", CHECKOUT / "server" / "tariffcore_server"),
        )
        for path in home.rglob("*")
        if path.is_file() and path.suffix not in NOT_SHIPPED
    }
    if missing := sorted(files - packed):
        raise WheelError(f"{wheel.name} lacks {', '.join(missing)}")
    foreign = {name for name in packed - files if ".dist-info/" not in name}
    binaries = {f"tariffcore/{source.stem}.abi3.so" for source in package.glob("*.pyx")}
    if missing := sorted(binaries - foreign):
        raise WheelError(f"{wheel.name} lacks {', '.join(missing)}")
    if too_much := sorted(foreign - binaries):
        raise WheelError(f"{wheel.name} also holds {', '.join(too_much)}")
    if not any(name.endswith("/licenses/LICENSE") for name in packed):
        raise WheelError(f"{wheel.name} holds no LICENSE")


def find_python(version: str) -> Path | None:
    """A CPython of this version that runs: on the path, or where pyenv keeps them."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{version}")
    for python in [
        *([Path(on_path)] if on_path else []),
        *sorted(pyenv.glob(f"versions/{version}.*/bin/python")),
    ]:
        asked = "import ensurepip, sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
        run = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
        if run.stdout.split() == ["cpython", version]:
            return python
    return None


def smoke(python: Path, wheel: Path, version: str) -> None:
    """Install the wheel into a fresh environment and try it there. Raises CalledProcessError."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    with tempfile.TemporaryDirectory(prefix="tariffcore-wheel-") as temporary:
        folder = Path(temporary)
        there = folder / "environment" / "bin" / "python"

        def run(*command: str | Path) -> None:
            subprocess.run(command, cwd=folder, env=clean, stdin=subprocess.DEVNULL, check=True)

        shutil.copy2(wheel, folder)
        shutil.copy2(Path(__file__).with_name("smoke.py"), folder)
        run(python, "-m", "venv", folder / "environment")
        run(
            there,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--quiet",
            "--disable-pip-version-check",
            folder / wheel.name,
        )
        run(there, "-I", "smoke.py", "--version", version, "--checkout", CHECKOUT)


def main(arguments: list[str] | None = None) -> int:
    """Check the wheel and try it on every CPython there is; 1 where it fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.wheel", description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args(arguments).wheel.resolve()
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        version = check_name(wheel)
        check_contents(wheel)
        print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, complete", flush=True)
        for wanted in sorted({own, *OTHER_VERSIONS}):
            python = Path(sys.executable) if wanted == own else find_python(wanted)
            if python is None:
                print(f"CPython {wanted}: not on this machine, so not tried there", flush=True)
            else:
                print(f"CPython {wanted}, in a folder of its own:", flush=True)
                smoke(python, wheel, version)
    except (WheelError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
