"""Pricing many cases: the checks around the kernel, threads over rows, and the priced table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore import _encoding, _kernel
from tariffcore.arrow_buffers import packed
from tariffcore.column_reading import looked_up
from tariffcore.encoded_cases import AddOns, EncodedCases, MarkedRows
from tariffcore.encoding import encode_cases
from tariffcore.grouping_encoding import GroupedRows
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.number_names import ColumnNames, NumberNames, PricedNames
from tariffcore.plan import MISSING_AGE, Plan
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.model import PaymentMethod
from tariffcore.statuses import CaseStatus

_ROWS_A_THREAD = 1 << 15  # fewer are not worth a second thread
_ROWS_AT_ONCE = 1 << 15

STATUS_NAMES = [status.name for status in CaseStatus]
_STATUSES = NumberNames(STATUS_NAMES)


class CasesAsRead(Protocol):
    """What outputs need to know of the cases that were priced; `EncodedCases` knows."""

    @property
    def invalid(self) -> Sequence[MarkedRows]: ...
    @property
    def claimed_minor(self) -> NDArray[np.int64] | None: ...
    @property
    def claimed_missing(self) -> NDArray[np.bool_] | None: ...


@dataclass(frozen=True)
class FoundGroups:
    """The group that rules gave each case that came without one. Arrays have one element a case.

    drg       int32, the place of the group in ``drg_codes``; -1: none was found, or none was looked for
    rule      int32, the place of the grouping rule in ``rule_ids``; -1 likewise
    """

    drg_codes: Sequence[str]
    rule_ids: Sequence[str]
    drg: NDArray[np.int32]
    rule: NDArray[np.int32]

    def of_these_rows(self) -> FoundGroups:
        """The same by the names that some row has, in their order: whoever found them says it alike."""
        drg, drg_codes = _in_use(self.drg, self.drg_codes)
        rule, rule_ids = _in_use(self.rule, self.rule_ids)
        return FoundGroups(drg_codes, rule_ids, drg, rule)

    def columns(self) -> dict[str, pa.Array]:
        """The two columns of an output, by name."""
        found = self.of_these_rows()
        return {
            "drg_code": _of_places(found.drg, found.drg_codes),
            "grouping_rule_id": _of_places(found.rule, found.rule_ids),
        }


def _in_use(places: NDArray[np.int32], names: Sequence[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Places into the sorted names that are in use instead of into all."""
    used = np.flatnonzero(np.bincount(places + 1, minlength=1)[1:]).tolist()
    ordered = sorted(used, key=lambda place: names[place])
    moved = np.full(len(names) + 1, -1, dtype=np.int32)
    moved[ordered] = np.arange(len(ordered))
    return moved[places], [names[place] for place in ordered]


def _of_places(places: NDArray[np.int32], names: Sequence[str]) -> pa.DictionaryArray:
    """Places as a dictionary column of what stands there, null where there is none."""
    null = places < 0
    return pa.DictionaryArray.from_arrays(
        pa.array(np.where(null, 0, places), mask=null), pa.array(list(names), pa.string())
    )


def nothing_found(count: int) -> FoundGroups:
    """The groups of so many cases of which none was grouped."""
    none = np.full(count, -1, dtype=np.int32)
    return FoundGroups((), (), none, none)


def found_groups(grouped: GroupedRows) -> FoundGroups:
    """The groups and rules of the rows that were grouped, by name."""
    drg_codes: dict[str, int] = {}
    rule_ids: dict[str, int] = {}

    def places(names: Sequence[str], known: dict[str, int]) -> NDArray[np.int32]:
        return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int32)

    return FoundGroups(
        drg=grouped.numbers(lambda own: places([r.drg_code for r in own.grouping.rules], drg_codes)),
        rule=grouped.numbers(lambda own: places([r.rule_id for r in own.grouping.rules], rule_ids)),
        drg_codes=list(drg_codes),
        rule_ids=list(rule_ids),
    )


@dataclass(frozen=True)
class PricedCases:
    """What became of each case, in input order. Arrays have one element a case.

    amount_minor      int64, minor units; 0 unless the status is OK
    status            uint8, `CaseStatus`
    edition           uint8, 1 + the number of the edition in ``plan.editions``; 0 where none covers the date
    rule              uint16, the number of the rule in ``plan.rule_ids``, and of its method in
                      ``plan.rule_methods``
    parts_minor       int64 (component, case), the amount over ``plan.component_names``; None: not asked for
    has_parts         uint8, 1 where the case has a component profile; None: not asked for
    """

    plan: PricedNames
    encoded: CasesAsRead
    amount_minor: NDArray[np.int64]
    status: NDArray[np.uint8]
    edition: NDArray[np.uint8]
    rule: NDArray[np.uint16]
    parts_minor: NDArray[np.int64] | None = None
    has_parts: NDArray[np.uint8] | None = None
    found: FoundGroups | None = None
    """The groups of the cases that came without one; None: no case was grouped."""

    def __len__(self) -> int:
        return len(self.amount_minor)

    @cached_property
    def ok(self) -> NDArray[np.bool_]:
        """Where there is an amount."""
        return np.equal(self.status, CaseStatus.OK)

    def schedule_ids(self) -> list[str | None]:
        """The edition of each case, None where none covers its date."""
        names = [None, *(schedule.id for schedule in self.plan.editions)]
        return [names[number] for number in self.edition.tolist()]

    def rule_ids(self) -> list[str | None]:
        """The rule of each priced case, None for the others."""
        return [
            self.plan.rule_ids[rule] if ok else None
            for rule, ok in zip(self.rule.tolist(), self.ok.tolist(), strict=True)
        ]

    def methods(self) -> list[PaymentMethod | None]:
        """What pays each priced case, None for the others."""
        return [
            self.plan.rule_methods[rule] if ok else None
            for rule, ok in zip(self.rule.tolist(), self.ok.tolist(), strict=True)
        ]

    @property
    def components_minor(self) -> dict[str, NDArray[np.int64]]:
        """Each component's part in minor units, by name; empty unless asked for."""
        if self.parts_minor is None:
            return {}
        return dict(zip(self.plan.component_names, self.parts_minor, strict=False))

    @cached_property
    def difference_minor(self) -> NDArray[np.int64] | None:
        """Claimed less priced, in minor units; 0 where ``has_difference`` is false. None without claims."""
        if self.encoded.claimed_minor is None:
            return None
        return np.where(self.has_difference, self.encoded.claimed_minor - self.amount_minor, 0)

    @cached_property
    def has_difference(self) -> NDArray[np.bool_]:
        """Where a case has both a price and a claim."""
        if self.encoded.claimed_missing is None:
            return np.zeros(len(self), dtype=np.bool_)
        return self.ok & ~self.encoded.claimed_missing

    def columns(self) -> dict[str, pa.Array]:
        """The priced columns, by name and in the order of `priced_schema`, without the carried ones."""
        names = ColumnNames.of(self.plan)
        minor_units = self.plan.editions[0].minor_units
        columns: dict[str, pa.Array] = {
            "schedule_id": names.schedules.column(self.edition),
            "amount": decimals(self.amount_minor, minor_units, self.ok),
            "status": _STATUSES.column(self.status),
            "rule_id": names.rules.column(self.rule, self.ok),
            "method": names.methods.column(self.rule, self.ok),
        }
        if self.parts_minor is not None and self.has_parts is not None:
            valid = self.has_parts.view(np.bool_)
            for name, parts in self.components_minor.items():
                columns[component_column(name)] = decimals(parts, minor_units, valid)
        if self.difference_minor is not None:
            claimed = self.encoded.claimed_minor, self.encoded.claimed_missing
            assert claimed[0] is not None and claimed[1] is not None
            columns["claimed_amount"] = decimals(claimed[0], minor_units, ~claimed[1])
            columns["claimed_difference"] = decimals(
                self.difference_minor, minor_units, self.has_difference, digits=19
            )
        if names.made_up.any():
            made_up = looked_up("", names.made_up, self.edition, np.zeros(len(self), dtype=np.bool_))
            columns["synthetic"] = pa.Array.from_buffers(
                pa.bool_(), len(self), [None, pa.py_buffer(np.packbits(made_up, bitorder="little"))]
            )
        return columns


def component_column(component: str) -> str:
    """The name of a component's column in a priced table."""
    return f"component_{component}"


def decimals(
    minor: NDArray[np.int64], minor_units: int, valid: NDArray[np.bool_], *, digits: int = 18
) -> pa.Array:
    """Amounts in minor units as an Arrow decimal of the currency, null where not valid."""
    halves = np.empty((len(minor), 2), dtype=np.int64)
    _encoding.widen(np.ascontiguousarray(minor), halves)
    return pa.Array.from_buffers(
        pa.decimal128(digits, minor_units), len(minor), [packed(valid), pa.py_buffer(halves)]
    )


def default_threads() -> int:
    """As many threads as this process may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def price_cases(
    table: pa.Table,
    catalog: Catalog | Plan,
    *,
    components: bool = False,
    threads: int | None = None,
    malformed: NDArray[np.intp] | None = None,
) -> PricedCases:
    """Price every row of a table of cases (standard columns, see README) and say what became of each.

    ``catalog`` may be a `Plan`, which saves building one for each call.  ``malformed`` are the numbers of the
    rows that a file reader could not read.  Raises CasesError for a table that cannot be used as a whole and
    CatalogError for a catalog that does not fit the kernel; a wrong row is a status.
    """
    plan = catalog if isinstance(catalog, Plan) else Plan(catalog)
    threads = default_threads() if threads is None else threads
    encoded = encode_cases(table, plan, malformed, threads)
    return price_encoded(encoded, plan, components=components, threads=threads)


def price_encoded(
    cases: EncodedCases, plan: Plan, *, components: bool = False, threads: int | None = None
) -> PricedCases:
    """Price encoded cases. Raises ValueError where an array does not fit the plan: that is a caller's bug."""
    check_encoded(cases, plan)
    count = len(cases)
    amount_minor = np.empty(count, dtype=np.int64)
    status = np.empty(count, dtype=np.uint8)
    edition = np.empty(count, dtype=np.uint8)
    rule = np.empty(count, dtype=np.uint16)
    threads = default_threads() if threads is None else threads

    parts_minor = np.empty((len(plan.component_names), count), dtype=np.int64) if components else None
    has_parts = np.zeros(count, dtype=np.uint8) if components else None

    def price(start: int, stop: int) -> None:
        _kernel.price(
            plan.tables,
            cases.deciding_day,
            cases.admission_day,
            cases.discharge_day,
            cases.item,
            cases.provider,
            cases.variant,
            cases.age,
            cases.outcome,
            cases.quantity,
            amount_minor,
            status,
            edition,
            rule,
            start,
            stop,
        )

    def price_and_split(start: int, stop: int) -> None:
        assert parts_minor is not None and has_parts is not None
        # some rows at a time, so that their amounts are still in the cache when they are split
        for first in range(start, stop, _ROWS_AT_ONCE):
            last = min(first + _ROWS_AT_ONCE, stop)
            price(first, last)
            _kernel.split(
                plan.tables,
                cases.deciding_day,
                cases.item,
                cases.variant,
                amount_minor,
                status,
                parts_minor,
                has_parts,
                first,
                last,
            )

    _over_rows(price_and_split if components and plan.component_names else price, count, threads)
    if cases.grouped is not None:
        # what has no group has no item either: then why there is no group is the reason
        ungrouped = (cases.grouped.status > CaseStatus.OK) & (status == CaseStatus.UNKNOWN_DRG)
        np.copyto(status, cases.grouped.status, where=ungrouped)
    if cases.addons is not None:
        pay_addons(
            plan.addon_components, cases.addons, amount_minor, status, edition, rule, parts_minor, has_parts
        )
    if cases.marked is not None and cases.marked_edition is not None:
        edition[cases.marked] = cases.marked_edition
    found = None if cases.grouped is None else found_groups(cases.grouped)
    return PricedCases(plan, cases, amount_minor, status, edition, rule, parts_minor, has_parts, found)


def pay_addons(
    component_of: NDArray[np.int16],
    addons: AddOns,
    amount_minor: NDArray[np.int64],
    status: NDArray[np.uint8],
    edition: NDArray[np.uint8],
    rule: NDArray[np.uint16],
    parts_minor: NDArray[np.int64] | None,
    has_parts: NDArray[np.uint8] | None,
) -> None:
    """Add what rows bring with them to the prices of those that have one, and to its component.

    ``component_of`` is `Plan.addon_components`.  Apart from the kernel's loops: few rows bring anything, and
    a loop that looked at all of them for it would be slower for every other.
    """
    paid = np.flatnonzero(status[addons.rows] == int(CaseStatus.OK))
    rows, added = addons.rows[paid], addons.amount_minor[paid]
    total = amount_minor[rows] + added  # both are below 10^18, so 64 bits have room
    too_large = total > MAX_AMOUNT_MINOR
    amount_minor[rows] = np.where(too_large, 0, total)
    refused = rows[too_large]
    status[refused] = CaseStatus.AMOUNT_OVERFLOW
    rule[refused] = 0
    if parts_minor is None or has_parts is None or not len(parts_minor):
        return
    parts_minor[:, refused] = 0
    has_parts[refused] = 0
    split = ~too_large & (has_parts[rows] != 0)
    component = component_of[edition[rows[split]], addons.kind[paid[split]]]
    assert (component >= 0).all(), "a schedule with components says which one an add-on is"
    parts_minor[component, rows[split]] += added[split]


def _over_rows(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Run work(start, stop) over all rows, in as many threads as are worth it."""
    shares = max(1, min(threads, count // _ROWS_A_THREAD))
    if shares == 1:
        if count:
            work(0, count)
        return
    bounds = [count * share // shares for share in range(shares + 1)]
    with ThreadPoolExecutor(shares) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


def check_encoded(cases: EncodedCases, plan: Plan) -> None:
    """Prove what the kernel trusts: dtypes, lengths, contiguity and index ranges."""
    limits: dict[str, tuple[type[np.unsignedinteger[Any]], int]] = {
        "deciding_day": (np.uint16, 1 << 16),
        "admission_day": (np.uint16, 1 << 16),
        "discharge_day": (np.uint16, 1 << 16),
        "item": (np.uint16, plan.item_count),
        "provider": (np.uint16, plan.provider_count),
        "variant": (np.uint16, plan.variant_count),
        "age": (np.uint8, MISSING_AGE + 1),
        "outcome": (np.uint8, plan.outcome_count),
    }
    for name, (dtype, limit) in limits.items():
        array = getattr(cases, name)
        if array.dtype != dtype or array.shape != (len(cases),) or not array.flags.c_contiguous:
            raise ValueError(f"{name} is not a contiguous array of {len(cases)} {np.dtype(dtype)}")
        if limit <= np.iinfo(dtype).max and len(array) and int(array.max()) >= limit:
            raise ValueError(f"{name} holds {int(array.max())}, the plan knows numbers below {limit}")
    if cases.quantity is not None:
        quantity = cases.quantity
        if quantity.dtype != np.uint32 or quantity.shape != (len(cases),) or not quantity.flags.c_contiguous:
            raise ValueError(f"quantity is not a contiguous array of {len(cases)} uint32")
