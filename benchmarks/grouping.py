"""Cases to cost groups by 10,000 rules: ten secondary diagnoses and five procedures a case.

The rules are made up and read by the reader of grouping_rules.csv; they list codes, categories and ranges,
and ask for further diagnoses, ages, sex, birth weight, outcome, stay, setting and qualifiers as real ones do.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.report import Goal, Highlight, Section, is_installed, not_installed
from benchmarks.timing import take_turns
from benchmarks.workloads import SEED, demo_plan
from tariffcore.cases import Case
from tariffcore.column_reading import Mask, coded_text
from tariffcore.errors import Problem
from tariffcore.files.opening import DEFAULT_CHUNK_ROWS
from tariffcore.grouping.reference import reference_group
from tariffcore.grouping_encoding import EncodedDiagnoses, GroupedRows, encode_diagnoses, group_rows
from tariffcore.grouping_tables import CompiledRules
from tariffcore.reference import length_of_stay
from tariffcore.schedule.csv_reading import Unread
from tariffcore.schedule.grouping_model import Grouping, GroupingPolicy, PolicyKind, RuleKind
from tariffcore.schedule.grouping_table import RULE_COLUMNS, read_grouping_rules
from tariffcore.schedule.model import Schedule
from tariffcore.statuses import CaseStatus

RULES = 10_000
CASES = 1_000_000
SECONDARY, PROCEDURES = 10, 5
THREADS = 2
FROM_COLUMNS_A_SECOND = 10e6
FROM_STRINGS_A_SECOND = 3e6
_HELD_AGAINST_THE_TWIN = 24
_QUALIFIERS = ("blood_loss_over_1_litre", "infection_active", "extra_costs")


def _classification(random: Random) -> tuple[list[str], list[str]]:
    """12,000 diagnoses and 3,800 procedures, in order."""
    categories = [f"{letter}{number:02}" for letter in "ABCDEFGHIJKLMNOPQRSTZ" for number in range(100)]
    diagnoses = [f"{category}.{place}" for category in categories for place in range(10)]
    procedures = [f"{chapter:02}.{number:02}" for chapter in range(1, 100) for number in range(100)]
    return sorted(random.sample(diagnoses, 12_000)), sorted(random.sample(procedures, 3_800))


def _pieces(random: Random, codes: list[str], least: int, most: int) -> str:
    """Codes, categories and ranges, so many."""
    pieces = []
    for _ in range(random.randint(least, most)):
        place = random.randrange(len(codes) - 12)
        code, form = codes[place], random.random()
        if form < 0.6:
            pieces.append(code)
        elif form < 0.85:
            pieces.append(f"{code[:-2].rstrip('.')}*" if code[0].isalpha() else f"{code[:-1]}*")
        else:
            pieces.append(f"{code}-{codes[place + random.randint(1, 12)]}")
    return ";".join(dict.fromkeys(pieces))


def made_up_edition(rules: int = RULES) -> Schedule:
    """The demonstration schedule with so many rules of the heaviest group, and no list of known codes."""
    random = Random(SEED)
    diagnoses, procedures = _classification(random)
    schedule = demo_plan().editions[0]
    groups = list(schedule.groups)
    bands = ("-17", "18-", "0-14", "15-59", "60-")

    def one_in(n: float) -> bool:
        return random.random() * n < 1

    text = io.StringIO()
    writer = csv.DictWriter(text, RULE_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for number in range(rules):
        by_procedure = one_in(2.2)
        by_diagnosis = not by_procedure or one_in(4.5)
        row = {
            "rule_id": f"R-{number}",
            "drg_code": random.choice(groups),
            "priority": str(number + 1),
            "principal_diagnosis": _pieces(random, diagnoses, 1, 6) if by_diagnosis else "",
            "procedures": _pieces(random, procedures, 1, 4) if by_procedure else "",
            "secondary_diagnoses": _pieces(random, diagnoses, 5, 20) if one_in(7) else "",
            "excluded_secondary_diagnoses": _pieces(random, diagnoses, 5, 20) if one_in(10) else "",
            "age_years": random.choice(bands) if one_in(7) else "",
            "age_days": "-27" if one_in(100) else "",
            "sex": random.choice(("female", "male")) if one_in(10) else "",
            "birth_weight_grams": "-1499" if one_in(100) else "",
            "outcomes": random.choice(schedule.outcomes) if one_in(20) else "",
            "length_of_stay_days": random.choice(("-3", "4-", "8-14")) if one_in(10) else "",
            "care_settings": random.choice(schedule.care_settings) if one_in(10) else "",
            "qualifiers": random.choice(_QUALIFIERS) if one_in(50) else "",
            "source": "made up",
        }
        writer.writerow(row)
    problems: list[Problem] = []
    read = read_grouping_rules("grouping_rules.csv", text.getvalue(), problems, Unread())
    assert not problems and len(read) == rules, problems[:3]
    policy = GroupingPolicy(PolicyKind.HEAVIEST, RuleKind.DIAGNOSIS, "made up")
    return replace(schedule, grouping=Grouping(policy, read, None, None, _QUALIFIERS))


def made_up_cases(count: int, schedule: Schedule) -> pa.Table:
    """Cases as columns of strings and lists of strings, common codes more often than rare ones."""
    random = Random(SEED)
    diagnoses, procedures = _classification(random)
    random.shuffle(diagnoses)
    random.shuffle(procedures)
    rng = np.random.default_rng(SEED)

    def drawn(words: list[str], number: int) -> pa.Array:
        places = (rng.random(number) ** 2 * len(words)).astype(np.int32)
        return pa.array(words).take(pa.array(places))

    def lists(words: list[str], each: int) -> pa.Array:
        starts = pa.array(np.arange(0, count * each + 1, each, dtype=np.int32))
        return pa.ListArray.from_arrays(starts, drawn(words, count * each))

    years = rng.integers(0, 95, count)
    newborn = years == 0
    return pa.table(
        {
            "principal_diagnosis": drawn(diagnoses, count),
            "secondary_diagnoses": lists(diagnoses, SECONDARY),
            "procedure_codes": lists(procedures, PROCEDURES),
            "age_years": pa.array(years.astype(np.uint8)),
            "age_days": pa.array(rng.integers(0, 365, count), pa.int64(), mask=~newborn),
            "sex": drawn(["female", "male"], count),
            "birth_weight_grams": pa.array(rng.integers(500, 4500, count), pa.int64(), mask=~newborn),
            "outcome": drawn(list(schedule.outcomes), count),
            "care_setting": drawn(list(schedule.care_settings), count),
            "length_of_stay": pa.array(rng.integers(0, 20, count).astype(np.int64)),
        }
    )


def _encoded(table: pa.Table) -> EncodedDiagnoses:
    def none(name: str, rows: Mask) -> None:
        assert not rows.any(), f"a made-up case has no sound {name}"

    encoded, _ = encode_diagnoses(
        table,
        np.asarray(table.column("age_years").combine_chunks()),
        coded_text("outcome", table.column("outcome")),
        coded_text("care_setting", table.column("care_setting")),
        np.ones(table.num_rows, dtype=np.bool_),
        frozenset(_QUALIFIERS),
        none,
        none,
    )
    return encoded


def _grouped(encoded: EncodedDiagnoses, stay: np.ndarray, rules: CompiledRules, threads: int) -> GroupedRows:
    count = len(encoded)
    return group_rows(
        encoded, (rules,), np.zeros(count, dtype=np.int16), stay, np.ones(count, dtype=np.bool_), threads
    )


def grouped_from_strings(rows: pa.Table, rules: CompiledRules) -> GroupedRows:
    """One chunk, in one thread."""
    return _grouped(_encoded(rows), np.asarray(rows.column("length_of_stay").combine_chunks()), rules, 1)


def _from_strings(table: pa.Table, rules: CompiledRules, threads: int) -> list[GroupedRows]:
    """As files are grouped: in chunks, which the threads share out."""

    def chunk(first: int) -> GroupedRows:
        return grouped_from_strings(table.slice(first, DEFAULT_CHUNK_ROWS).combine_chunks(), rules)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(chunk, range(0, table.num_rows, DEFAULT_CHUNK_ROWS)))


def _check_against_twin(table: pa.Table, rules: CompiledRules, grouped: GroupedRows) -> None:
    for row, found in enumerate(table.slice(0, _HELD_AGAINST_THE_TWIN).to_pylist()):
        stay = found.pop("length_of_stay")
        admitted = date(2025, 1, 1)
        discharged = admitted + timedelta(days=stay)
        case = Case(case_id=str(row), admission_date=admitted, discharge_date=discharged, **found)
        twin = reference_group(case, rules.schedule, length_of_stay(case, rules.schedule))
        rule = int(grouped.rule[row])
        own = (CaseStatus(grouped.status[row]), None if rule < 0 else rules.grouping.rules[rule].rule_id)
        if own != (twin.status, twin.rule_id):
            raise SystemExit(f"case {row}: grouped {own}, the twin says {twin}")


def run(count: int = CASES) -> Section:
    """Cases a second from encoded columns and from strings, beside other groupers on their own job."""
    schedule = made_up_edition()
    began = time.process_time()
    rules = CompiledRules(schedule)
    compiling = time.process_time() - began
    table = made_up_cases(count, schedule)
    encoded, stay = _encoded(table), np.asarray(table.column("length_of_stay").combine_chunks())
    grouped = _grouped(encoded, stay, rules, 1)
    _check_against_twin(table, rules, grouped)
    chunks = _from_strings(table, rules, THREADS)
    for name in ("rule", "status"):
        if not np.array_equal(
            np.concatenate([getattr(chunk, name) for chunk in chunks]), getattr(grouped, name)
        ):
            raise SystemExit(f"{name}: from strings another than from encoded columns")
    contestants: dict[str, Callable[[], object]] = {
        f"from {what}, {threads} thread{'s' if threads > 1 else ''}": work
        for what, threads, work in (
            ("encoded columns", 1, lambda: _grouped(encoded, stay, rules, 1)),
            ("encoded columns", 2, lambda: _grouped(encoded, stay, rules, 2)),
            ("strings", 1, lambda: _from_strings(table, rules, 1)),
            ("strings", 2, lambda: _from_strings(table, rules, 2)),
        )
    }
    times = take_turns(contestants, rounds=5)
    rows: list[tuple[str, str, str]] = []
    goals, highlights = [], []
    for name in contestants:
        by_processor = times.processor_median(name)
        rows.append((name, f"{count / times.median(name) / 1e6:.2f} M", f"{by_processor / count * 1e9:,.0f}"))
        if not name.endswith(f"{THREADS} threads"):
            continue
        # where others kept the machine busy: as if the threads had had a processor each
        seconds = by_processor / THREADS if times.is_busy else times.median(name)
        least = FROM_STRINGS_A_SECOND if "strings" in name else FROM_COLUMNS_A_SECOND
        goal = Goal(
            f"million cases a second {name}, by {times.measure}", count / seconds / 1e6, at_least=least / 1e6
        )
        goals.append(goal)
        highlights.append(
            Highlight(f"group cases {name}", f"{count / seconds / 1e6:.3g} M cases/s", mark=goal)
        )
    peers, left_out = _peers()
    shares = np.bincount(grouped.status, minlength=256)
    met = ", ".join(f"{shares[status] / count:.0%} {status.name}" for status in CaseStatus if shares[status])
    return Section(
        "Cases to cost groups",
        f"{count:,} cases of {SECONDARY} secondary diagnoses and {PROCEDURES} procedures by {RULES:,} "
        f"made-up rules over 12,000 diagnoses and 3,800 procedures; {met}. Strings: Arrow columns of plain "
        f"text, in chunks that the threads share out. {_HELD_AGAINST_THE_TWIN} cases held against the twin, "
        f"and both ways against each other. The rules are compiled once, in {compiling:.1f} s.",
        ("what", "cases a second by the clock", "ns of processor a case"),
        [*rows, *peers],
        goals,
        left_out,
        [
            "msdrg and drgpy do another job, the whole of the United States' MS-DRG logic by its own rules "
            "on its own claims (a Python dict or two lists a case), so their rows say what a caller gets, "
            "not who is faster."
        ]
        if peers
        else [],
        highlights=highlights,
    )


_US_PRINCIPAL = (
    "I5020 J189 A419 N179 I2510 S72001A K5660 E1165 J440 I639 Z5111 O80 K8000 M1711 I480 J9601 L03115 N390 "
    "R079 G4733"
)
_US_SECONDARY = (
    "E1165 I10 E785 N183 J449 I4891 E119 K219 F329 D649 E876 E871 N179 J9601 R6521 I5023 L89154 G9341 D62 "
    "Z794 Z87891 Z7901 E43 I2699 B9620"
)
_US_PROCEDURES = (
    "0SR90J9 02100Z9 5A1955Z 0FT44ZZ 5A1D70Z 30233N1 02HV33Z B2111ZZ 4A023N7 027034Z 0W9G3ZZ 0BH17EZ "
    "0DTJ4ZZ 3E0G76Z 0JH60DZ"
)
_US_VERSION = 431


def _claims(count: int) -> list[tuple[int, int, list[str], list[str]]]:
    """Age, sex, diagnoses (the principal first) and procedures of claims of the United States, made up."""
    random = Random(SEED)
    return [
        (
            random.randint(18, 90),
            random.randint(0, 1),
            [random.choice(_US_PRINCIPAL.split()), *random.sample(_US_SECONDARY.split(), SECONDARY)],
            random.sample(_US_PROCEDURES.split(), PROCEDURES),
        )
        for _ in range(count)
    ]


def _peers(count: int = 5_000) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What other open groupers need for claims of their own country, in one thread."""
    claims = _claims(count)
    rows, left_out = [], []
    for package, timed in (("msdrg", _msdrg), ("drgpy", _drgpy)):
        if not is_installed(package):
            left_out.append(not_installed(package))
            continue
        clock, processor = timed(claims)
        what = f"{package}, {count:,} claims of MS-DRG {_US_VERSION / 10:g} (another job), 1 thread"
        rows.append((what, f"{count / clock / 1e6:.4f} M", f"{processor / count * 1e9:,.0f}"))
    return rows, left_out


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def _msdrg(claims: list[tuple[int, int, list[str], list[str]]]) -> tuple[float, float]:
    import msdrg

    given: list[Any] = [
        {
            "version": _US_VERSION,
            "age": age,
            "sex": sex,
            "discharge_status": 1,
            "pdx": {"code": diagnoses[0]},
            "sdx": [{"code": code} for code in diagnoses[1:]],
            "procedures": [{"code": code} for code in procedures],
        }
        for age, sex, diagnoses, procedures in claims
    ]
    with msdrg.MsdrgGrouper() as grouper:
        grouper.group(given[0])
        return _timed(lambda: [grouper.group(claim) for claim in given])


def _drgpy(claims: list[tuple[int, int, list[str], list[str]]]) -> tuple[float, float]:
    from drgpy.msdrg import DRGEngine

    engine = DRGEngine()
    engine.get_drg(claims[0][2], claims[0][3])
    return _timed(lambda: [engine.get_drg(diagnoses, procedures) for _, _, diagnoses, procedures in claims])


if __name__ == "__main__":
    print(run().markdown())
