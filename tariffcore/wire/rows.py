"""Lists of row messages, priced as columns: from the bytes of a PriceCasesRequest to those of its answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tariffcore import _rows
from tariffcore.binding import FIELDS, CaseColumns, Workspace, price_columns
from tariffcore.known_words import KnownWords, Places, place_of
from tariffcore.plan import Plan
from tariffcore.v1 import case_pb2
from tariffcore.wire.editions import PAYMENT_METHODS

_WORDS = (11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 26)
"""Fields of CaseColumns in the order of `_rows.read`: each of four bytes a row, then two of one byte."""
_OCTETS = (24, 27)


@dataclass(frozen=True, slots=True)
class FoundCases:
    """Where the cases of a request lie, and the request without them."""

    message: bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    rest: bytes

    def __len__(self) -> int:
        return len(self.starts)

    def octets(self, row: int) -> bytes:
        """The Case of a row."""
        start = int(self.starts[row])
        return self.message[start : start + int(self.lengths[row])]


def find_cases(message: bytes, most: int) -> FoundCases | None:
    """The cases of a PriceCasesRequest, 1 to ``most``; None where the library must read it."""
    starts, lengths = np.empty((2, most), dtype=np.int64)
    found = _rows.find_cases(message, starts, lengths) if message else None
    if found is None or not found[0]:
        return None
    count, rest = found
    return FoundCases(message, starts[:count], lengths[:count], rest)


class PricedRows:
    """The prices of a list. ``others`` are the rows that take a closer look: theirs mean nothing."""

    def __init__(self, cases: FoundCases, space: Workspace) -> None:
        count = len(cases)
        self.cases = cases
        self.space = space
        self.others: list[int] = []
        self.ids = np.empty(count, dtype=np.int64)
        self.id_lengths = np.empty(count, dtype=np.uint16)
        self.claims = np.empty(count, dtype=np.int64)
        self.has_claim = np.empty(count, dtype=np.uint8)


class RowPricer:
    """What pricing lists needs of a plan."""

    _of_plan: ClassVar[WeakKeyDictionary[Plan, RowPricer]] = WeakKeyDictionary()

    @classmethod
    def of(cls, plan: Plan) -> RowPricer:
        """That of a plan, built once."""
        pricer = cls._of_plan.get(plan)
        return cls._of_plan.setdefault(plan, cls(plan)) if pricer is None else pricer

    def __init__(self, plan: Plan) -> None:
        known = self._known = KnownWords.of(plan)
        self._places = _rows.Places(
            _of_words(known.provider),
            _of_words(known.drg),
            _of_words(known.service),
            _of_words(known.setting),
            _of_words(known.outcome),
            _of_words(known.factor),
            default_outcome=place_of(known.outcome, "discharged"),
            signature_of=known.procedure,
            minor_units=plan.editions[0].minor_units,
        )
        names = list(plan.component_names)
        self._component_count = len(names)
        priced = case_pb2.PricedCase
        self._rules = _rows.Texts([priced(rule_id=rule or "").SerializeToString() for rule in plan.rule_ids])
        methods = [
            case_pb2.PAYMENT_METHOD_UNSPECIFIED if method is None else PAYMENT_METHODS[method]
            for method in plan.rule_methods
        ]
        self._methods = _rows.Texts([priced(method=method).SerializeToString() for method in methods])
        ids = ["", *(edition.id for edition in plan.editions)]
        self._editions = _rows.Texts([priced(schedule_id=id_).SerializeToString() for id_ in ids])
        self._components: list[tuple[list[int], _rows.Texts]] = [([], _rows.Texts([]))]
        for edition in plan.editions:
            capital = {row.component: row.capital for row in edition.components}
            pieces = [
                case_pb2.ComponentAmount(component=name, capital=is_capital).SerializeToString()
                for name, is_capital in capital.items()
            ]
            self._components.append(([names.index(name) for name in capital], _rows.Texts(pieces)))

    def price(
        self, cases: FoundCases, *, components: bool, allowed_providers: Collection[bytes] | None = None
    ) -> PricedRows | None:
        """Price all rows; None where the library must read them.

        ``allowed_providers``: None is returned too where a row is in the name of any other.
        """
        count = len(cases)
        octets = np.empty((4 * len(_WORDS) + len(_OCTETS)) * count, dtype=np.uint8)
        offsets = np.full(FIELDS, -1, dtype=np.int64)
        offsets[list(_WORDS)] = np.arange(len(_WORDS)) * 4 * count
        offsets[list(_OCTETS)] = (4 * len(_WORDS) + np.arange(len(_OCTETS))) * count
        space = Workspace(count, self._component_count if components else 0)
        priced = PricedRows(cases, space)
        found = _rows.read(
            cases.message,
            cases.starts,
            cases.lengths,
            self._places,
            octets,
            priced.ids,
            priced.id_lengths,
            priced.claims,
            priced.has_claim,
            allowed_providers,
        )
        if found is None:
            return None
        procedures, priced.others = found
        columns = CaseColumns(octets.data, offsets, count, procedures)
        wrong = price_columns(columns, self._known.words, self._known.tables, space, components=components)
        assert wrong is None, "every place is one of the tables"
        return priced

    def write(self, priced: PricedRows, replaced: Mapping[int, bytes]) -> bytes:
        """The prices as a PriceCasesResponse and nothing else; ``replaced`` are whole PricedCase by row."""
        space = priced.space
        return _rows.write(
            priced.cases.message,
            priced.ids,
            priced.id_lengths,
            priced.claims,
            priced.has_claim,
            space.amount_minor,
            space.status,
            space.edition,
            space.rule,
            self._rules,
            self._methods,
            self._editions,
            space.parts_minor,
            space.has_parts,
            self._components,
            replaced,
        )


def _of_words(places: Places) -> dict[str, int]:
    return {word: place for word, place in places.items() if word}
