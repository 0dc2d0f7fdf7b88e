"""Chunks of cases drawn around a catalog, and what they mean by the contract, worked out the plain way.

The plain way: the protobuf library reads the message, every number becomes the cell of a table that says the
same, and `tariffcore.pricing` prices that table.  Nothing of `tariffcore.wire` takes part.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pyarrow as pa

from tariffcore.cases import Case
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, price_cases
from tariffcore.v1 import case_columns_pb2, pricing_service_pb2
from tests.strategies import random_cases

NO_DAY = -(2**31)
NOT_GIVEN = 2**32 - 1
NO_AMOUNT = -1
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
EPOCH = date(1970, 1, 1)
WORDS = {
    "provider": ("new_provider_ids", "provider_id"),
    "drg": ("new_drg_codes", "drg_code"),
    "service": ("new_service_codes", "service_code"),
    "care_setting": ("new_care_settings", "care_setting"),
    "outcome": ("new_outcomes", "outcome"),
    "factor": ("new_factor_codes", "factor_code"),
    "addon_kind": ("new_addon_kinds", "addon_kind"),
    "procedure": ("new_procedure_codes", "procedure_codes"),
}
"""Columns of places: the field that appends to their table, and the column of a table of cases."""
LISTS = {
    "procedure": ("procedure", "new_procedure_codes", "procedure_codes"),
    "secondary_diagnosis": ("diagnosis", "new_diagnoses", "secondary_diagnoses"),
    "qualifier": ("qualifier", "new_qualifiers", "qualifiers"),
}
"""Columns of places row after row: their table, the field that appends to it, and the column of a table."""
NEW_WORDS = {
    **{kind: new for kind, (new, _) in WORDS.items()},
    **{kind: new for kind, new, _ in LISTS.values()},
}
SEXES = (None, "female", "male")
ODD_WORDS = ("", " ", "\u00a0", "unheard of", "ü\U0001f600", "x" * 300)
ODD_NUMBERS = {
    "admission_day": (NO_DAY, FIRST_DAY, FIRST_DAY - 1, LAST_DAY, LAST_DAY + 1, 0, 2**31 - 1, 20_089, 20_514),
    "discharge_day": (NO_DAY, FIRST_DAY, FIRST_DAY - 1, LAST_DAY, LAST_DAY + 1, 0, 2**31 - 1, 20_089, 20_514),
    "admission_second": (0, 1, 86_400, 86_401, NOT_GIVEN, 2**31, 40_000),
    "discharge_second": (0, 1, 86_400, 86_401, NOT_GIVEN, 2**31, 40_000),
    "age_years": (NOT_GIVEN, 0, 17, 18, 126, 127, 128, 130, 131, 255, 256, NOT_GIVEN - 1),
    "quantity": (NOT_GIVEN, 0, 1, 2, 2**31 - 1, 2**31, NOT_GIVEN - 1),
    "length_of_stay_days": (NOT_GIVEN, 0, 1, 2, 32_767, 32_768, NOT_GIVEN - 1),
    "death_unavoidable": (0, 1, 2, 3, 255),
    "row_problem": (0, 0, 0, 1, 2, 3),
    "age_days": (NOT_GIVEN, 0, 27, 364, 365, 366, 730, 47_945, 47_946, NOT_GIVEN - 1),
    "birth_weight_grams": (NOT_GIVEN, 0, 99, 100, 750, 8_000, 8_001, 65_536 + 750, NOT_GIVEN - 1),
    "sex": (0, 1, 2, 3, 255),
    "addon_amount_minor": (NO_AMOUNT, 0, 1, 10**18 - 1, 10**18, -2, -(2**63), 2**63 - 1),
}


_GROUPING_NUMBERS = frozenset({"age_days", "birth_weight_grams", "sex"})


def drawn_chunks(
    plan: Plan, seed: int, chunks: int, rows: int, *, odd: float = 0.05, drawn: Iterator[Case] | None = None
) -> list[pricing_service_pb2.PriceCaseColumnsRequest]:
    """Requests of one stream: aimed cases of the catalog, some with odd numbers, some columns left out.

    ``drawn`` are other cases, at least as many as all chunks have rows.
    """
    draw = random.Random(seed)
    places: dict[str, dict[str, int]] = {kind: {} for kind in NEW_WORDS}
    cases = iter(random_cases(plan.catalog, chunks * rows, seed)) if drawn is None else drawn
    requests = []
    for _ in range(chunks):
        count = draw.choice([1, 2, rows // 2, rows, rows])
        request = pricing_service_pb2.PriceCaseColumnsRequest()
        minor_units = plan.editions[0].minor_units
        _fill(request.chunk, [next(cases) for _ in range(count)], places, draw, odd, minor_units)
        requests.append(request)
    return requests


def _fill(
    chunk: case_columns_pb2.CaseColumns,
    cases: list[Case],
    places: dict[str, dict[str, int]],
    draw: random.Random,
    odd: float,
    minor_units: int,
) -> None:
    chunk.rows = len(cases)
    columns = (*WORDS, *LISTS, *ODD_NUMBERS, "principal_diagnosis")
    left_out = {name for name in columns if draw.random() < odd}
    if not any(case.principal_diagnosis for case in cases):
        left_out |= {"principal_diagnosis", "secondary_diagnosis", "qualifier", *_GROUPING_NUMBERS}

    def place(kind: str, word: str | None) -> int:
        if draw.random() < odd / 4:
            word = draw.choice(ODD_WORDS)
        if word is None:
            return 0
        known = places[kind]
        if word not in known:
            known[word] = len(known) + 1
            getattr(chunk, NEW_WORDS[kind]).append(word)
        return known[word]

    for kind, (_, name) in WORDS.items():
        if kind in left_out or kind == "procedure":
            continue
        getattr(chunk, kind).extend(place(kind, getattr(case, name)) for case in cases)
    if "principal_diagnosis" not in left_out:
        chunk.principal_diagnosis.extend(place("diagnosis", case.principal_diagnosis) for case in cases)
    for column, (kind, _, name) in LISTS.items():
        if column not in left_out:
            for case in cases:
                getattr(chunk, column).extend(place(kind, code) for code in getattr(case, name))
                getattr(chunk, f"{column}_end").append(len(getattr(chunk, column)))
    for name, odd_numbers in ODD_NUMBERS.items():
        if name in left_out:
            continue
        numbers = [
            draw.choice(odd_numbers) if draw.random() < odd / 4 else _number(case, name, minor_units)
            for case in cases
        ]
        if name in ("death_unavoidable", "row_problem", "sex"):
            setattr(chunk, name, bytes(numbers))
        else:
            getattr(chunk, name).extend(numbers)


def _number(case: Case, name: str, minor_units: int) -> int:
    if name == "row_problem":
        return 2 if case.case_id is None or not str(case.case_id).strip() else 0
    if name == "addon_amount_minor":
        if case.addon_amount is None or not case.addon_amount.is_finite():
            return NO_AMOUNT
        minor = case.addon_amount.scaleb(minor_units)
        return int(minor) if minor == int(minor) and abs(minor) < 2**63 else -2
    if name == "sex":
        return SEXES.index(case.sex) if case.sex in SEXES else 3
    if name == "death_unavoidable":
        return {None: 0, False: 1, True: 2}[case.death_unavoidable]
    if name.endswith("_day"):
        day = getattr(case, name.replace("_day", "_date"))
        return NO_DAY if day is None else day.toordinal() - EPOCH.toordinal()
    if name.endswith("_second"):
        moment = getattr(case, name.replace("_second", "_date"))
        if not hasattr(moment, "hour"):
            return 0
        return 1 + moment.hour * 3600 + moment.minute * 60 + moment.second
    value = getattr(case, name)
    return NOT_GIVEN if value is None else value if 0 <= value < NOT_GIVEN else NOT_GIVEN - 1


class PlainStream:
    """A stream priced the plain way."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tables: dict[str, list[str | None]] = {kind: [None] for kind in NEW_WORDS}

    def price(self, request: bytes) -> PricedCases:
        """The prices of a chunk that has nothing wrong as a message."""
        chunk = pricing_service_pb2.PriceCaseColumnsRequest.FromString(request).chunk
        for kind, new in NEW_WORDS.items():
            self._tables[kind] += getattr(chunk, new)
        rows = range(chunk.rows)
        problems = list(chunk.row_problem or bytes(chunk.rows))
        for name in ("admission", "discharge"):
            for row, day in enumerate(getattr(chunk, f"{name}_day")):
                # no text says an hour that is none and leaves the day readable
                if _is_day(day) and [*getattr(chunk, f"{name}_second"), *bytes(chunk.rows)][row] > 86_400:
                    problems[row] = problems[row] if problems[row] == 3 else 1
        columns = {
            "case_id": pa.array(["" if problem == 2 else "case" for problem in problems]),
            # what is no amount makes its row unreadable
            "claimed_amount": pa.array(["much" if problem == 1 else None for problem in problems]),
        }
        for kind, (_, name) in WORDS.items():
            codes = getattr(chunk, kind)
            if codes and kind != "procedure":
                columns[name] = pa.array([self._tables[kind][code] for code in codes], pa.string())
        for name in ("admission", "discharge"):
            days = getattr(chunk, f"{name}_day")
            if days:
                seconds = getattr(chunk, f"{name}_second") or [0] * chunk.rows
                cells = [_moment(day, second) for day, second in zip(days, seconds, strict=True)]
                columns[f"{name}_date"] = pa.array(cells, pa.string())
        for name in ("age_years", "quantity", "length_of_stay_days", "age_days", "birth_weight_grams"):
            numbers = getattr(chunk, name)
            if numbers:
                cells = [None if number == NOT_GIVEN else str(number) for number in numbers]
                columns[name] = pa.array(cells, pa.string())
        if chunk.addon_amount_minor:
            units = self._plan.editions[0].minor_units
            cells = [
                None if minor == NO_AMOUNT else f"{Decimal(minor).scaleb(-units):f}"
                for minor in chunk.addon_amount_minor
            ]
            columns["addon_amount"] = pa.array(cells, pa.string())
        if chunk.death_unavoidable:
            words = [(None, "no", "yes", "perhaps")[min(answer, 3)] for answer in chunk.death_unavoidable]
            columns["death_unavoidable"] = pa.array(words, pa.string())
        if chunk.principal_diagnosis:
            codes = [self._tables["diagnosis"][code] for code in chunk.principal_diagnosis]
            columns["principal_diagnosis"] = pa.array(codes, pa.string())
        if chunk.sex:
            words = [(*SEXES, "neither")[min(number, 3)] for number in chunk.sex]
            columns["sex"] = pa.array(words, pa.string())
        for column, (kind, _, name) in LISTS.items():
            if getattr(chunk, f"{column}_end"):
                spans = pairwise([0, *getattr(chunk, f"{column}_end")])
                places = getattr(chunk, column)
                lists = [[self._tables[kind][code] for code in places[a:b]] for a, b in spans]
                columns[name] = pa.array(lists, pa.list_(pa.string()))
        malformed = pa.array([row for row in rows if problems[row] == 3], pa.int64()).to_numpy()
        return price_cases(pa.table(columns), self._plan, components=True, threads=1, malformed=malformed)


def _is_day(day: int) -> bool:
    return FIRST_DAY <= day <= LAST_DAY


def _moment(day: int, second: int) -> str | None:
    if day == NO_DAY:
        return None
    if not _is_day(day):
        return "no day"
    text = (EPOCH + timedelta(days=day)).isoformat()
    if not 1 <= second <= 86_400:
        return text
    minutes, seconds = divmod(second - 1, 60)
    return f"{text} {minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
