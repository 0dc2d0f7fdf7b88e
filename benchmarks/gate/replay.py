"""Recorded calls of compiled functions, made again: ``python replay.py CALLS.pickle FOLDER``.

Stands alone and imports as little as it can, for under callgrind everything takes fifty times as long. FOLDER
holds the compiled modules; those of the baseline and those of a seeded copy are loaded beside the library's.

A file of calls is a pickled dictionary:

    calls    [(module, function, arguments)]
    objects  [(module, type, arguments by name)]   what has to be made of compiled types before

An argument is what it is, or one of

    Made(number)           one of the objects
    Cells(fields, arrays)  an object with these fields, where a field (array, offset) is an address in memory
    Answers(by_argument)   a function of Python's that answers so
"""

import importlib.util
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple


class Made(NamedTuple):
    """An object of a compiled type, by its number."""

    number: int


class Cells(NamedTuple):
    """An object whose fields are numbers, or addresses: (number of an array, bytes from its beginning)."""

    fields: dict[str, Any]
    arrays: list[Any]


class Answers(NamedTuple):
    """A function by its answers."""

    by_argument: dict[Any, Any]


SHARED = ("_kernel", "_binding")
"""What other compiled modules call, in an order in which they load."""


def load(folder: Path, modules: list[str]) -> dict[str, ModuleType]:
    """Compiled modules of a folder, beside any others of their names. Raises FileNotFoundError.

    A module that calls another one asks for it by its full name: meanwhile that is the folder's.
    """
    before = {name: sys.modules.get(name) for name in (f"tariffcore.{module}" for module in SHARED)}
    loaded: dict[str, ModuleType] = {}
    try:
        for module in dict.fromkeys([*SHARED, *modules]):
            binary = next(iter(sorted(folder.glob(f"{module}.*so"))), None)
            if binary is not None:
                spec = importlib.util.spec_from_file_location(f"replayed.{module}", binary)
                assert spec is not None and spec.loader is not None
                loaded[module] = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(loaded[module])
                if module in SHARED:
                    sys.modules[f"tariffcore.{module}"] = loaded[module]
            elif module in modules:
                raise FileNotFoundError(f"{folder} has no compiled {module}")
    finally:
        for name, was in before.items():
            if was is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = was
    return loaded


def prepared(recorded: dict[str, Any], modules: dict[str, Any]) -> list[Callable[[], object]]:
    """The calls, ready to be made. Whoever prepares them twice has both work on the same arrays.

    Raises AttributeError or TypeError where the modules have no such function or take other arguments.
    """
    objects: list[Any] = []

    def argument(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, Made):
            return objects[value.number]
        if isinstance(value, Cells):
            places = {
                name: value.arrays[place[0]].ctypes.data + place[1] if isinstance(place, tuple) else place
                for name, place in value.fields.items()
            }
            return SimpleNamespace(**places)
        if isinstance(value, Answers):
            return value.by_argument.__getitem__
        if isinstance(value, list | tuple):
            return type(value)(argument(element) for element in value)
        return value

    for module, kind, arguments in recorded["objects"]:
        made = getattr(modules[module], kind)
        objects.append(made(**{name: argument(value) for name, value in arguments.items()}))

    def call(function: Callable[..., object], arguments: list[Any]) -> Callable[[], object]:
        return lambda: function(*arguments)

    return [
        call(getattr(modules[module], function), [argument(value) for value in arguments])
        for module, function, arguments in recorded["calls"]
    ]


def modules_of(recorded: dict[str, Any]) -> list[str]:
    return sorted({entry[0] for entry in (*recorded["calls"], *recorded["objects"])})


def main(file: str, folder: str) -> None:
    sys.modules["benchmarks.gate.replay"] = sys.modules[
        "__main__"
    ]  # where the pickle looks for Made and Cells
    for package in ("benchmarks", "benchmarks.gate"):
        sys.modules.setdefault(package, ModuleType(package))
    recorded = pickle.loads(Path(file).read_bytes())
    calls = prepared(recorded, load(Path(folder), modules_of(recorded)))
    for call in calls:
        call()


if __name__ == "__main__":
    main(*sys.argv[1:])
