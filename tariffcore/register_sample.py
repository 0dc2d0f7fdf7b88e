"""A made-up export of the inpatient register (ЭРСБ), in the register's own headers.

Each row is built to meet one grouping rule of a schedule, then spelled as people spell: Cyrillic letters in
codes, commas, names of diagnoses beside their codes.  Most claims are what the schedule pays; some are not,
and a few rows have something that the rules cannot group.  The same arguments give the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

from tariffcore.cases import Case, table_from_cases
from tariffcore.codes import diagnosis_with_point, procedure_with_point
from tariffcore.errors import CasesError, Problem
from tariffcore.money import format_minor
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.grouping_model import Band, CodeRange, GroupingRule
from tariffcore.schedule.model import Schedule

HEADERS = (
    "Ф.И.О.",
    "Дата рождения",
    "rpnID",
    "Дата/время поступления",
    "Дата/время выписки",
    "Проведено койко-дней",
    "Исход пребывания",
    "Исход лечения",
    "Код МКБ-10",
    "Диагноз заключительный",
    "Осложнение",
    "Операция, дата операции",
    "Планово / Экстренно",
    "Предъявленная сумма к оплате",
    "Источник финансирования",
    "Село/Город",
    "Льгота",
    "Наименование стационара выписки",
    "Отделение",
    "Врач",
    "Вид медицинской помощи",
    "ID пролеченного случая",
    "Пол",
    "Вес при рождении, г",
)
"""Those of the export, and the last two, which it has not and some groups depend on."""

MAX_ROWS = 100_000

_OUTCOMES = {
    "discharged": ("Выписан", "Выздоровление"),
    "transferred": ("Переведен в другой стационар", "Без перемен"),
    "self_discharged": ("Самовольный уход", "Без перемен"),
    "died": ("Умер", "Смерть"),
}
_SETTINGS = {
    "inpatient": "Круглосуточный стационар",
    "day_hospital": "Дневной стационар",
    "home": "Стационар на дому",
}
_CYRILLIC = str.maketrans("ABCEHKMOPTXI", "АВСЕНКМОРТХІ")
_SYNTHETIC_NAME = "СИНТЕТИЧЕСКИЙ ПАЦИЕНТ"


@dataclass(frozen=True, slots=True)
class _Row:
    case: Case
    born: date


def write_register(path: Path, schedule: Schedule, count: int, seed: int) -> int:
    """Writes so many rows as an XLSX workbook; returns how many of them the schedule prices.

    Raises CasesError where the schedule has no grouping rules to build cases from, or for another suffix.
    """
    _require(path, schedule, count)
    rows = [_row(schedule, number, Random(f"{seed}/{number}")) for number in range(1, count + 1)]  # noqa: S311
    priced = price_cases(table_from_cases([row.case for row in rows]), Plan(Catalog.of([schedule])))
    import xlsxwriter

    unfinished = path.with_name(f".{path.name}.part")
    try:
        with xlsxwriter.Workbook(unfinished, {"constant_memory": True}) as workbook:
            sheet = workbook.add_worksheet("ЭРСБ")
            sheet.set_column(0, len(HEADERS) - 1, 20)
            bold = workbook.add_format({"bold": True})
            sheet.write_row(0, 0, HEADERS, bold)
            for number, row in enumerate(rows):
                random = Random(f"{seed}/claim/{number}")  # noqa: S311
                due = int(priced.amount_minor[number]) if priced.ok[number] else None
                sheet.write_row(number + 1, 0, _cells(row, number + 1, due, schedule, random))
    except (OSError, xlsxwriter.exceptions.XlsxWriterException) as error:
        problem = Problem(str(path), None, None, f"cannot be written ({error})", "choose another place")
        raise CasesError(f"{path} was not written", [problem]) from None
    unfinished.replace(path)
    return int(priced.ok.sum())


def _require(path: Path, schedule: Schedule, count: int) -> None:
    problems = []
    if schedule.grouping is None or schedule.grouping.diagnoses is None:
        message = "has no grouping rules with a list of codes (grouping_codes.csv) to make cases from"
        problems.append(Problem(schedule.id, None, None, message, "use kz-demo"))
    if path.suffix.lower() != ".xlsx":
        problems.append(Problem(str(path), None, None, "the register is exported as XLSX", "name it .xlsx"))
    if not 1 <= count <= MAX_ROWS:
        problems.append(
            Problem(
                "-n", None, str(count), "is out of range", f"ask for 1 to {MAX_ROWS:,} rows of a register"
            )
        )
    if problems:
        raise CasesError(f"{path} was not written", problems)


def _row(schedule: Schedule, number: int, random: Random) -> _Row:
    """A case that meets some rule, or has one thing wrong."""
    grouping = schedule.grouping
    assert grouping is not None and grouping.diagnoses is not None
    rule = random.choice(grouping.rules)
    diagnoses, procedures = list(grouping.diagnoses), list(grouping.procedures or ())
    secondary = [_code(rule.secondary_diagnoses, diagnoses, random)] if rule.secondary_diagnoses else []
    operated = [_code(rule.procedures, procedures, random)] if rule.procedures else []
    principal = _code(rule.principal_diagnoses, diagnoses, random) if rule.principal_diagnoses else "P07.1"
    if rule.procedures and not rule.principal_diagnoses and rule.age_days is None:
        principal = diagnosis_with_point(random.choice(diagnoses))
    stay = _within(rule.length_of_stay_days, 1, 24, random)
    discharge = schedule.effective_start_date + timedelta(days=40 + random.randrange(300))
    admission = discharge - timedelta(days=stay)
    born = _birth(rule, admission, random)
    outcome = random.choice(sorted(rule.outcomes)) if rule.outcomes else _usual_outcome(random)
    setting = (
        random.choice(sorted(rule.care_settings)) if rule.care_settings else _usual_setting(rule, random)
    )
    sex = rule.sex.value if rule.sex else random.choice(("female", "male"))
    weight = None
    if rule.birth_weight_grams is not None:
        weight = _within(rule.birth_weight_grams, 400, 4200, random)
    case = Case(
        case_id=f"{480_000_000 + number * 7}",
        provider_id=random.choice(sorted(schedule.providers)) if schedule.providers else "H001",
        care_setting=setting,
        admission_date=datetime.combine(admission, time(8 + random.randrange(9), random.randrange(60))),
        discharge_date=datetime.combine(discharge, time(10 + random.randrange(6), random.randrange(60))),
        outcome=outcome,
        age_years=_years(born, admission),
        age_days=(admission - born).days,
        principal_diagnosis=principal,
        secondary_diagnoses=tuple(secondary),
        procedure_codes=tuple(operated),
        sex=sex,
        birth_weight_grams=weight,
        qualifiers=(),
    )
    return _Row(_spoiled(case, random), born)


def _spoiled(case: Case, random: Random) -> Case:
    """One row in thirty has something that no rule takes."""
    roll = random.randrange(150)
    if roll == 0:
        return replace(case, principal_diagnosis=None)
    if roll == 1:
        return replace(case, principal_diagnosis="R51")
    if roll == 2:
        return replace(case, principal_diagnosis=f"A4O.{random.randrange(10)}")
    if roll == 3 and case.birth_weight_grams is not None:
        return replace(case, birth_weight_grams=9_100)
    if roll == 4:
        return replace(case, sex={"female": "male", "male": "female"}[case.sex or "female"])
    return case


def _code(ranges: Sequence[CodeRange], codes: Sequence[str], random: Random) -> str:
    of_rule = [code for code in codes if any(own.holds(code) for own in ranges)]
    code = random.choice([code for code in of_rule if len(code) > 3] or of_rule)
    return diagnosis_with_point(code) if code[0].isalpha() else procedure_with_point(code)


def _within(band: Band | None, low: int, high: int, random: Random) -> int:
    if band is not None:
        low = low if band.low is None else band.low
        high = high if band.high is None else band.high
    return random.randint(min(low, high), max(low, high))


def _birth(rule: GroupingRule, admission: date, random: Random) -> date:
    if rule.age_days is not None:
        return admission - timedelta(days=_within(rule.age_days, 0, 27, random))
    low, high = (12, 44) if rule.drg_code.startswith("O") else (1, 90)
    years = _within(rule.age_years, low, high, random) if rule.age_years else random.randint(low, high)
    return admission - timedelta(days=min(years, 95) * 365 + years // 4 + random.randrange(1, 360))


def _years(born: date, admission: date) -> int:
    return admission.year - born.year - ((admission.month, admission.day) < (born.month, born.day))


def _usual_outcome(random: Random) -> str:
    return random.choices(("discharged", "transferred", "self_discharged", "died"), (92, 3, 3, 2))[0]


def _usual_setting(rule: GroupingRule, random: Random) -> str:
    if rule.age_days is not None or rule.drg_code.startswith("O"):
        return "inpatient"
    return random.choices(("inpatient", "day_hospital", "home"), (80, 17, 3))[0]


def _cells(row: _Row, number: int, due: int | None, schedule: Schedule, random: Random) -> list[str | float]:
    """A row as the register prints it."""
    case = row.case
    outcome, result = _OUTCOMES[case.outcome or "discharged"]
    admission, discharge = case.admission_date, case.discharge_date
    assert isinstance(admission, datetime) and isinstance(discharge, datetime)
    principal = _spelled(case.principal_diagnosis or "", random)
    listed = (schedule.grouping.diagnoses if schedule.grouping else None) or {}
    name = listed.get((case.principal_diagnosis or "")[:3])
    complication = "; ".join(f"{code} осложнение" for code in case.secondary_diagnoses)
    operation = "; ".join(f"{code}, {admission:%d.%m.%Y}" for code in case.procedure_codes)
    return [
        f"{_SYNTHETIC_NAME} {number:05}",
        f"{row.born:%d.%m.%Y}",
        f"{9_000_000 + number}",
        f"{admission:%d.%m.%Y %H:%M}",
        f"{discharge:%d.%m.%Y %H:%M}",
        f"{max(1, (discharge.date() - admission.date()).days)}",
        outcome,
        result,
        principal,
        name or "",
        complication,
        operation,
        random.choice(("0/1", "1/0")),
        _claim(due, schedule.minor_units, random),
        random.choice(("ГОБМП", "ОСМС")),
        random.choice(("Город", "Село")),
        "",
        case.provider_id or "",
        "Отделение",
        "СИНТЕТИЧЕСКИЙ ВРАЧ",
        _SETTINGS[case.care_setting or "inpatient"],
        str(case.case_id),
        {"female": "Женский", "male": "Мужской"}.get(case.sex or "", ""),
        "" if case.birth_weight_grams is None else str(case.birth_weight_grams),
    ]


def _spelled(code: str, random: Random) -> str:
    """The code as people type it."""
    spellings: tuple[Callable[[str], str], ...] = (
        lambda text: text.translate(_CYRILLIC),
        lambda text: text.replace(".", ","),
        lambda text: f" {text.lower()}",
        lambda text: text.replace(".", ""),
    )
    return random.choice(spellings)(code) if random.randrange(8) == 0 else code


def _claim(due: int | None, minor_units: int, random: Random) -> str:
    if due is None:
        return format_minor(random.randrange(5_000_000, 90_000_000), minor_units)
    roll = random.randrange(100)
    if roll < 6:
        due += random.choice((1, due // 10, due // 2, 10_000))
    elif roll < 10:
        due -= random.choice((1, due // 10, due // 5))
    return format_minor(due, minor_units)
