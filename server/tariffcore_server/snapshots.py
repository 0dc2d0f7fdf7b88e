"""Copies of schedule folders as they were at one moment.

All workers read the same copy, so that none can see a folder half changed; and a worker that is started
later reads what is in force, whatever the folders say by then.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tariffcore.errors import CatalogError, Problem, ProblemsError
from tariffcore.schedule.reading import SCHEDULE_TOML

_SETTLEMENT_TOML = "settlement.toml"  # as settlement.rules_reading has it, which needs an extra
_MOST_FILE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Folders of a copy, and the operator's own folders that they are copies of."""

    folders: tuple[str, ...]
    originals: tuple[str, ...]
    home: str
    """Where the copies are; empty: there are none, the originals are meant."""
    rules: str = ""
    """The folder of settlement rules, copied like the others and the last of them; empty: there is none."""

    @staticmethod
    def of(folders: Sequence[Path], rules: Path | None = None) -> Snapshot:
        """Copies the folders. What is no folder of its kind is not copied; reading it says what it lacks."""
        home = Path(tempfile.mkdtemp(prefix="tariffcore-"))
        copies: list[str] = []
        problems: list[Problem] = []
        wanted = [(folder, SCHEDULE_TOML) for folder in folders]
        if rules is not None:
            wanted.append((rules, _SETTLEMENT_TOML))
        for number, (folder, main_file) in enumerate(wanted):
            if not (folder / main_file).is_file():
                copies.append(str(folder.resolve()))
                continue
            copy = home / str(number) / folder.resolve().name
            copy.mkdir(parents=True)
            copies.append(str(copy))
            try:
                for entry in sorted(folder.iterdir()):
                    if entry.is_dir():
                        (copy / entry.name).mkdir()  # reading says that it does not belong there
                    elif entry.stat().st_size <= _MOST_FILE_BYTES:
                        shutil.copyfile(entry, copy / entry.name)
            except OSError as error:
                problems.append(
                    Problem(
                        str(error.filename or folder),
                        None,
                        None,
                        f"cannot be read ({error.strerror})",
                        "see its rights",
                    )
                )
        if problems:
            shutil.rmtree(home, ignore_errors=True)
            raise CatalogError("the schedules cannot be read", problems)
        rules_copy = "" if rules is None else copies[-1]
        return Snapshot(tuple(copies), tuple(str(folder) for folder, _ in wanted), str(home), rules_copy)

    @property
    def schedules(self) -> list[Path]:
        """The schedule folders of the copy."""
        return [Path(folder) for folder in self.folders if folder != self.rules]

    def remove(self) -> None:
        """Nobody needs the copies any more."""
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)

    def in_own_words(self, error: ProblemsError) -> CatalogError:
        """The error as it would name the operator's own folders."""

        def own(text: str) -> str:
            for copy, original in zip(self.folders, self.originals, strict=True):
                text = text.replace(copy, original)
            return text

        problems = [
            Problem(own(p.place), p.field, p.value, own(p.message), own(p.way_out)) for p in error.problems
        ]
        return CatalogError(own(error.summary), problems)

    def to_json(self) -> dict[str, object]:
        """For the way to a worker process."""
        return {
            "folders": list(self.folders),
            "originals": list(self.originals),
            "home": self.home,
            "rules": self.rules,
        }

    @staticmethod
    def from_json(packed: object) -> Snapshot:
        """The reverse of `to_json`."""
        assert isinstance(packed, dict)
        return Snapshot(tuple(packed["folders"]), tuple(packed["originals"]), packed["home"], packed["rules"])
