"""A small valid schedule folder as text, for tests to spoil in one place and read back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tariffcore.errors import Problem, ScheduleError
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import Schedule

NAME = "test-2026"

SCHEDULE_TOML = """\
id = "test-2026"
tariff_family = "test"
model = "case-share"
title = "A small schedule that has one of everything"
country = "KZ"
currency = "KZT"
minor_units = 2
published = 2025-12-31
effective_start_date = 2026-01-01
effective_end_date = 2027-01-01
child_age_limit = 18
day_count = "discharge_minus_admission"
base_rate = { amount = "175622.79", source = "order 1" }

[vocabulary]
care_settings = ["inpatient", "day_hospital", "home", "outpatient"]
outcomes = ["discharged", "transferred", "self_discharged", "died"]
drg_flags = ["neonatal", "infectious"]

[rounding]
mode = "half_up"
weight_places = 4
tariff_places = 2
unit_places = 2

[[share]]
unit = "case"
care_setting = "inpatient"
share = "1"
source = "rules, item 1"

[[share]]
unit = "case"
care_setting = "day_hospital"
share = "0.40"
applies_to = "weight"
max_hours = 24
source = "rules, item 71"

  [[share.exception]]
  procedures = ["13.73", "13.7301"]
  share = "0.75"
  applies_to = "weight"
  source = "rules, item 88"

  [[share.exception]]
  id = "day_hospital.arteriography"
  procedures = [
    "88.55",
    "88.56",
  ]
  share = "3/4"
  applies_to = "tariff"
  source = "rules, item 88"

[[share]]
unit = "case"
care_setting = "home"
share = "1/6"
applies_to = "tariff"
source = "rules, item 73"

[[share]]
unit = "bed_day"
care_setting = "day_hospital"
share = "0.40"
applies_to = "tariff"
source = "rules, item 72"

[[stay_rule]]
id = "interrupted"
outcomes = ["transferred", "self_discharged"]
care_settings = ["inpatient"]
max_days = 3
pay = "per_planned_day"
source = "rules, item 81"

  [[stay_rule.exemption]]
  outcomes = ["self_discharged"]
  drg_flags = ["infectious"]
  source = "rules, item 81"

[[stay_rule]]
id = "early_death"
outcomes = ["died"]
death_unavoidable = true
max_days = 3
pay = "share"
share = "1/2"
source = "rules, item 81"

  [[stay_rule.exemption]]
  drg_flags = ["neonatal"]
  source = "rules, item 81"

[[coefficient]]
name = "regional"
mode = "multiplies"
source = "order 173"

[[coefficient]]
name = "rural"
mode = "adds"
source = "order 173"
"""

GROUPS_CSV = """\
drg_code,name,relative_weight,relative_weight_child,planned_days,flags,component_profile,source
G1,Septicaemia,3.9114,3.5000,7,infectious,general,"order 1, line 1"
G2,"Newborn, small",22.0576,22.0576,,neonatal,,order 1
G3,Adults only,0.5000,,4,,general,order 1
"""

PUBLISHED_CSV = """\
drg_code,care_setting,age_class,published_weight,published_tariff,source
G1,inpatient,adult,3.9114,686930.98,order 1
G1,day_hospital,adult,1.5646,274779.42,order 1
G1,inpatient,child,3.5000,614679.77,order 1
REHAB,day_hospital,,,9727.91,order 2
V1,outpatient,,,2487.71,order 3
"""

PROVIDERS_CSV = """\
provider_id,effective_start_date,effective_end_date,regional,rural
H1,2026-01-01,2026-07-01,1.5675,1
H1,2026-07-01,,1.5675,1.1327
H2,2026-01-01,,1,1.0500
"""

COMPONENTS_CSV = """\
component_profile,care_setting,component,share,capital
general,,salaries,0.60,no
general,,buildings,0.40,yes
general,home,salaries,2/3,no
general,home,transport,1/3,no
"""

SERVICES_CSV = """\
code,name,unit,care_setting,rate,effective_start_date,effective_end_date,source
REHAB,Rehabilitation,bed_day,,24319.78,2026-01-01,,order 2
V1,Visit,service,outpatient,2487.71,2026-01-01,2026-07-01,order 3
V1,Visit,service,outpatient,2600,2026-07-01,,order 3
"""

FACTORS_CSV = """\
unit,factor_code,factor,source
service,home_visit,2,"rules, item 66"
service,remote,1/2,"rules, item 67"
"""

FILES = {
    "schedule.toml": SCHEDULE_TOML,
    "groups.csv": GROUPS_CSV,
    "published.csv": PUBLISHED_CSV,
    "providers.csv": PROVIDERS_CSV,
    "components.csv": COMPONENTS_CSV,
    "services.csv": SERVICES_CSV,
    "factors.csv": FACTORS_CSV,
}


class FolderText:
    """The files of a schedule folder, changed by text and written out."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {name: text.encode() for name, text in FILES.items()}

    def replace(self, file: str, old: str, new: str) -> FolderText:
        """Changes the one place where ``old`` stands."""
        text = self.files[file].decode()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.files[file] = text.replace(old, new).encode()
        return self

    def add(self, file: str, text: str) -> FolderText:
        """Adds to the end of a file, or a new file."""
        self.files[file] = self.files.get(file, b"") + text.encode()
        return self

    def without(self, file: str) -> FolderText:
        """Leaves a file out."""
        del self.files[file]
        return self

    def line(self, file: str, text: str) -> int:
        """The line on which a text stands for the first time."""
        before, found, _ = self.files[file].decode().partition(text)
        assert found, f"{text!r} does not stand in {file}"
        return before.count("\n") + 1

    def write(self, folder: Path) -> Path:
        """Writes the files into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder

    def read(self, parent: Path, name: str = NAME) -> Schedule:
        """Writes the folder into ``parent`` and reads it."""
        return read_schedule(self.write(parent / name))

    def problems(self, parent: Path, name: str = NAME) -> tuple[Problem, ...]:
        """Everything that is wrong with the folder; it must be wrong."""
        with pytest.raises(ScheduleError) as raised:
            self.read(parent, name)
        return raised.value.problems

    def problem(self, parent: Path, name: str = NAME) -> Problem:
        """The one thing that is wrong with the folder."""
        problems = self.problems(parent, name)
        assert len(problems) == 1, "\n".join(map(str, problems))
        return problems[0]


@dataclass(frozen=True)
class Spoiled:
    """One mistake in one file, and the one problem it must give.

    ``says`` is the problem after its place, as a user reads it (field: 'value': message; way out), with
    ``…`` for words that do not matter. ``at`` is a text on the line that the problem must name: the new
    text where it is not given.
    """

    name: str
    file: str
    old: str
    new: str
    says: str
    at: str | None = None

    def check(self, parent: Path) -> None:
        folder = FolderText().replace(self.file, self.old, self.new)
        line = folder.line(self.file, self.new.strip() if self.at is None else self.at)
        problem = folder.problem(parent)
        place, said = f"{NAME}/{self.file}:{line}: ", str(problem)
        assert said.startswith(place)
        pattern = ".*".join(re.escape(words) for words in self.says.split("…"))
        assert re.fullmatch(pattern, said.removeprefix(place)), said


def spoiled(*mistakes: Spoiled) -> pytest.MarkDecorator:
    """One test a mistake."""
    return pytest.mark.parametrize("mistake", mistakes, ids=[mistake.name for mistake in mistakes])
