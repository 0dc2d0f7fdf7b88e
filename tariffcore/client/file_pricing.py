"""Files priced by the service: the same outputs, rejects and summary as `tariffcore.batch` makes here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore.batch import CasePricer, RunSources
from tariffcore.cases import Case
from tariffcore.client.calling import Client, ColumnStream
from tariffcore.client.case_columns import read_case_columns
from tariffcore.client.case_messages import MAX_CASES, EditionChoice, case_message
from tariffcore.client.column_answers import StreamNames, no_rows
from tariffcore.client.column_stream import sent_word, unusable_answer
from tariffcore.client.connection import Connection
from tariffcore.client.prices import priced_cases
from tariffcore.explain import reason_of_own_fields
from tariffcore.pricing import PricedCases
from tariffcore.rejects import KnownReasons, RejectedCase
from tariffcore.summary import TableSummarist

_MOST_LIST_BYTES = 3 << 20
_MOST_CASE_BYTES = 1 << 20
_LIST_SECONDS = 120.0
_MOST_PROCEDURES = 1_000


class ServicePricer(CasePricer):
    """Prices the chunks of a run over the wire; use it as a context manager.

    ``streams`` are open from the beginning, each over a connection of its own, so that all chunks are priced
    by the editions in force at the beginning, whatever the service reloads meanwhile.
    """

    def __init__(
        self, connection: Connection, edition: EditionChoice, *, components: bool, streams: int
    ) -> None:
        self._edition = edition
        self._lock = Lock()
        self._idle: list[ColumnStream] = []
        self._stack = ExitStack()
        with ExitStack() as opening:
            self._client = opening.enter_context(Client(connection))
            names: StreamNames | None = None
            for number in range(streams):
                client = self._client if number == 0 else opening.enter_context(Client(connection))
                stream = client.column_stream(edition, components=components, names=names)
                self._idle.append(opening.enter_context(stream))
                names = stream.names
            assert names is not None, "at least one stream"
            self._stack = opening.pop_all()
        self._names = names
        self.sources = RunSources(
            names.engine_version,
            names.tariff_family,
            names.deciding_date,
            names.as_of,
            names.editions,
            names.capital_components,
        )
        self.summarist = TableSummarist(names.deciding_date)
        self.groups_cases = names.groups_cases

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def price(self, cases: pa.Table, malformed: NDArray[np.intp]) -> PricedCases:
        minor_units = self._names.editions[0].minor_units
        read = read_case_columns(cases, minor_units, malformed, groups=self._names.groups_cases)
        if not len(read):
            return priced_cases(self._names, read, no_rows(self._names))
        with self._lock:
            stream = self._idle.pop()
        # a stream that failed is not put back: what it was asked before would be answered first
        (rows,) = stream.price_columns([read.columns])
        with self._lock:
            self._idle.append(stream)
        return priced_cases(self._names, read, rows)

    def reasons(self, language: str) -> KnownReasons:
        return ServiceReasons(self._client, self._edition, self._names, language)


class ServiceReasons(KnownReasons):
    """Reasons that the service puts into words, as far as they need its editions."""

    def __init__(self, client: Client, edition: EditionChoice, names: StreamNames, language: str) -> None:
        super().__init__(language)
        self._client = client
        self._edition = edition
        self._names = names

    def _asked(self, cases: Sequence[RejectedCase]) -> list[str]:
        words: list[str] = []
        open_places: list[int] = []
        for place, rejected in enumerate(cases):
            own = reason_of_own_fields(rejected.case, self._names.deciding_date, self._language)
            words.append(own or "")
            if own is None:
                open_places.append(place)
        for places in self._lists([(place, _without_person(cases[place].case)) for place in open_places]):
            self._ask(places, cases, words)
        return words

    def _lists(self, asked: list[tuple[int, Case]]) -> list[list[tuple[int, Case]]]:
        """The cases in lists that one call takes."""
        lists: list[list[tuple[int, Case]]] = []
        size = 0
        for place, case in asked:
            length = case_message(case).ByteSize() + 8
            if not lists or len(lists[-1]) >= MAX_CASES or size + length > _MOST_LIST_BYTES:
                lists.append([])
                size = 0
            lists[-1].append((place, case))
            size += length
        return lists

    def _ask(
        self, asked: Sequence[tuple[int, Case]], cases: Sequence[RejectedCase], words: list[str]
    ) -> None:
        answer = self._client.price_cases(
            [case for _, case in asked],
            self._edition,
            reasons=True,
            language=self._language,
            deadline_seconds=_LIST_SECONDS,
        )
        digests = {edition.id: edition.digest for edition in self._names.editions}
        changed = [e.schedule_id for e in answer.editions if digests.get(e.schedule_id) != e.digest]
        for (place, _), price in zip(asked, answer.prices, strict=True):
            rejected = cases[place]
            if changed or price.status is not rejected.status or price.schedule_id != rejected.schedule_id:
                raise unusable_answer(
                    self._client.connection.target,
                    "its schedules were changed before all rejected rows had their reasons",
                    way_out="begin again: then all cases are priced by what is in force now",
                )
            words[place] = price.reason or ""


def _without_person(case: Case) -> Case:
    """As much of a case as its reason can depend on."""
    case = replace(case, case_id="1", patient_id=None, funding_source=None, claimed_amount=None)
    if case_message(case).ByteSize() <= _MOST_CASE_BYTES:
        return case

    def short(text: str | None) -> str | None:
        return None if text is None else sent_word(text)

    return replace(
        case,
        provider_id=short(case.provider_id),
        drg_code=short(case.drg_code),
        service_code=short(case.service_code),
        care_setting=short(case.care_setting),
        outcome=short(case.outcome),
        factor_code=short(case.factor_code),
        procedure_codes=tuple(sent_word(code) for code in case.procedure_codes[:_MOST_PROCEDURES]),
        principal_diagnosis=short(case.principal_diagnosis),
        secondary_diagnoses=tuple(sent_word(code) for code in case.secondary_diagnoses[:_MOST_PROCEDURES]),
        qualifiers=tuple(sent_word(word) for word in case.qualifiers[:_MOST_PROCEDURES]),
    )
