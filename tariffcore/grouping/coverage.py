"""How far grouping rules reach on real cases: what they cover, what they do not, and the money at stake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tariffcore.codes import diagnosis_with_point, normalise_diagnosis
from tariffcore.column_reading import coded_text
from tariffcore.encoded_cases import EncodedCases
from tariffcore.pricing import PricedCases
from tariffcore.statuses import CaseStatus

GROUPING_TROUBLES = (
    CaseStatus.UNGROUPABLE,
    CaseStatus.UNKNOWN_DIAGNOSIS,
    CaseStatus.AMBIGUOUS,
    CaseStatus.MISSING_FIELD,  # that a rule would have had to know
)


@dataclass(slots=True)
class UngroupedCases:
    """Cases without a group, and what was claimed for them, in minor units."""

    cases: int = 0
    claimed_minor: int = 0

    def add(self, cases: int, claimed_minor: int) -> None:
        self.cases += cases
        self.claimed_minor += claimed_minor


@dataclass
class Coverage:
    """Of a run. Money is in minor units.

    grouped        cases that got a group; ``grouped_amount_minor`` is what those that are priced come to
    by_diagnosis   cases without a group by principal diagnosis as printed and status
    agreed         of cases that came with a group, those for which the rules find the same; ``differing`` the
                   others that were grouped
    """

    read: int = 0
    grouped: int = 0
    priced: int = 0
    grouped_amount_minor: int = 0
    has_claims: bool = False
    by_diagnosis: dict[tuple[str, CaseStatus], UngroupedCases] = field(default_factory=dict)
    agreed: int = 0
    differing: int = 0

    @property
    def ungrouped(self) -> UngroupedCases:
        """All cases without a group that the rules could have given one."""
        whole = UngroupedCases()
        for one in self.by_diagnosis.values():
            whole.add(one.cases, one.claimed_minor)
        return whole

    def at_stake_minor(self) -> int | None:
        """What the ungrouped cases are worth: as claimed, or else at the mean of the priced ones.

        None where neither is known.
        """
        if self.has_claims:
            return self.ungrouped.claimed_minor
        return self.ungrouped.cases * self.grouped_amount_minor // self.priced if self.priced else None

    def most_frequent(self, most: int) -> Mapping[tuple[str, CaseStatus], UngroupedCases]:
        """The diagnoses with the most cases without a group."""
        ordered = sorted(self.by_diagnosis.items(), key=lambda item: (-item[1].cases, item[0]))
        return dict(ordered[:most])

    def merge(self, other: Coverage) -> None:
        """Adds another chunk's counts to these."""
        for name in ("read", "grouped", "priced", "grouped_amount_minor", "agreed", "differing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.has_claims |= other.has_claims
        for key, own in other.by_diagnosis.items():
            self.by_diagnosis.setdefault(key, UngroupedCases()).add(own.cases, own.claimed_minor)


def coverage_of(cases: pa.Table, priced: PricedCases, given_drg: pa.ChunkedArray | None = None) -> Coverage:
    """The counts of one chunk; ``given_drg`` is the group that came with the cases, where one did."""
    coverage = Coverage(read=len(priced), has_claims=priced.encoded.claimed_minor is not None)
    if priced.found is None:
        return coverage
    is_grouped = priced.found.drg >= 0
    coverage.grouped = int(np.count_nonzero(is_grouped))
    counted = is_grouped & priced.ok
    coverage.priced = int(np.count_nonzero(counted))
    coverage.grouped_amount_minor = sum(priced.amount_minor[counted].tolist())
    without_group = ~is_grouped
    if isinstance(priced.encoded, EncodedCases) and priced.encoded.marked is not None:
        without_group[priced.encoded.marked] = False  # their own fields are wrong: no rule was asked
    claimed = priced.encoded.claimed_minor
    principal = coded_text("principal_diagnosis", cases.column("principal_diagnosis"))
    number = principal.number
    for status in GROUPING_TROUBLES:
        rows = np.flatnonzero(without_group & (priced.status == status))
        for own in np.unique(number[rows]).tolist():
            text = principal.texts[own] if own >= 0 else None
            of_code = rows[number[rows] == own]
            money = 0 if claimed is None else sum(claimed[of_code].tolist())
            key = diagnosis_with_point(normalise_diagnosis(text or "")), status
            coverage.by_diagnosis.setdefault(key, UngroupedCases()).add(len(of_code), money)
    if given_drg is not None:
        given = coded_text("drg_code", given_drg)
        place = {code: number for number, code in enumerate(priced.found.drg_codes)}
        given_place = given.map(lambda text: place.get(text, -2), -3, np.int32)
        both = is_grouped & (given_place != -3)
        coverage.agreed = int(np.count_nonzero(both & (given_place == priced.found.drg)))
        coverage.differing = int(np.count_nonzero(both)) - coverage.agreed
    return coverage
