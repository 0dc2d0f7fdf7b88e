"""The schedules that ship with tariffcore, by name."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tariffcore.errors import CatalogError, Problem
from tariffcore.schedule.reading import SCHEDULE_TOML
from tariffcore.schedule.values import closest

SHIPPED_FOLDER = Path(__file__).resolve().parent.parent / "schedules"


@dataclass(frozen=True, slots=True)
class ShippedEdition:
    """One shipped folder, as its schedule.toml names itself; nothing else of it is read."""

    id: str
    tariff_family: str
    title: str
    folder: Path


def shipped_editions() -> tuple[ShippedEdition, ...]:
    """Every edition that ships with the package, sorted by family and id."""
    editions: list[ShippedEdition] = []
    for toml_file in SHIPPED_FOLDER.glob(f"*/{SCHEDULE_TOML}"):
        values = tomllib.loads(toml_file.read_text(encoding="utf-8"))
        editions.append(
            ShippedEdition(values["id"], values["tariff_family"], values["title"], toml_file.parent)
        )
    return tuple(sorted(editions, key=lambda edition: (edition.tariff_family, edition.id)))


def resolve(names_or_paths: Sequence[str]) -> tuple[Path, ...]:
    """The folders these arguments mean, each once, in the order given.

    An argument is, in this order: the path of a folder with a schedule.toml in it; the name of a shipped
    tariff family (all its editions); the id of a shipped edition; the path of any other folder (reading
    it will say what it lacks). Raises CatalogError with every argument that is none of these.
    """
    shipped = shipped_editions()
    folders: list[Path] = []
    problems: list[Problem] = []
    for argument in names_or_paths:
        path = Path(argument)
        of_family = [edition.folder for edition in shipped if edition.tariff_family == argument]
        of_id = [edition.folder for edition in shipped if edition.id == argument]
        if _is_folder(argument) and (path / SCHEDULE_TOML).is_file():
            folders.append(path)
        elif of_family or of_id:
            folders.extend(of_family or of_id)
        elif _is_folder(argument):
            folders.append(path)
        else:
            problems.append(_unknown(argument, shipped))
    if problems:
        raise CatalogError("no such schedule", problems)
    each_once: dict[Path, Path] = {}
    for folder in folders:
        each_once.setdefault(folder.resolve(), folder)
    return tuple(each_once.values())


def _is_folder(argument: str) -> bool:
    """Whether the argument is the path of a folder; one too long to be a path is not."""
    try:
        return bool(argument) and Path(argument).is_dir()
    except OSError:
        return False


def _is_file(argument: str) -> bool:
    try:
        return bool(argument) and Path(argument).is_file()
    except OSError:
        return False


def _unknown(argument: str, shipped: Sequence[ShippedEdition]) -> Problem:
    families = dict.fromkeys(edition.tariff_family for edition in shipped)
    listed = "; ".join(
        f"{family} ({', '.join(edition.id for edition in shipped if edition.tariff_family == family)})"
        for family in families
    )
    meant = closest(argument, [*families, *(edition.id for edition in shipped)])
    hint = f"did you mean {meant!r}? " if meant is not None else ""
    message = (
        "is a file, not a folder"
        if _is_file(argument)
        else "is neither a folder nor the name of a shipped schedule"
    )
    return Problem(
        "schedule", None, argument, message, f"{hint}name a folder, or one of those shipped: {listed}"
    )
