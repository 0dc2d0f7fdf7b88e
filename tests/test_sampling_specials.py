"""Rows of a sample made on purpose have the status they were made for, by catalogs of every kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.sample import BLOCK_ROWS, Sampler
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import DayCount, Pay, Schedule, Unit
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import CaseStatus


@cache
def shipped(*names: str) -> tuple[Schedule, ...]:
    return tuple(read_schedule(folder) for folder in resolve(names))


@cache
def demo() -> Catalog:
    return Catalog.of(shipped("kz-demo"))


def changed(**changes: object) -> tuple[Schedule, ...]:
    return (replace(shipped("kz-demo")[1], **changes),)


def with_a_gap() -> tuple[Schedule, ...]:
    first, second = shipped("kz-demo")
    return (
        replace(first, effective_end_date=date(2025, 6, 1)),
        replace(second, effective_end_date=date(2026, 4, 1)),
    )


def services_only() -> tuple[Schedule, ...]:
    return tuple(
        replace(schedule, shares=tuple(share for share in schedule.shares if share.unit is not Unit.CASE))
        for schedule in shipped("kz-demo-2026")
    )


def without_planned_days() -> tuple[Schedule, ...]:
    return tuple(
        replace(
            schedule,
            groups={code: replace(group, planned_days=None) for code, group in schedule.groups.items()},
        )
        for schedule in shipped("kz-demo-2026")
    )


def planned_days_for_any_stay() -> tuple[Schedule, ...]:
    rules = tuple(
        replace(rule, max_days=None) if rule.pay is Pay.PER_PLANNED_DAY else rule
        for rule in shipped("kz-demo")[0].stay_rules
    )
    return changed(stay_rules=rules)


CATALOGS = {
    "kz-demo": lambda: demo(),
    "the fund's own editions": lambda: Catalog.of(shipped("kz")),
    "the leaflet": lambda: Catalog.of(shipped("kz-leaflet")),
    "one edition": lambda: Catalog.of(shipped("kz-demo-2026")),
    "as known in 2025": lambda: Catalog.of(shipped("kz-demo"), as_of=date(2025, 6, 1)),
    "admission decides": lambda: Catalog.of(shipped("kz-demo"), deciding_date=DecidingDate.ADMISSION),
    "days counted inclusively": lambda: Catalog.of(changed(day_count=DayCount.INCLUSIVE)),
    "a gap and an end": lambda: Catalog.of(with_a_gap()),
    "no providers": lambda: Catalog.of(changed(providers=None)),
    "no services": lambda: Catalog.of(changed(services={}, factors=())),
    "services only": lambda: Catalog.of(services_only()),
    "no stay rules": lambda: Catalog.of(changed(stay_rules=())),
    "no planned days": lambda: Catalog.of(without_planned_days()),
    "planned days for any stay": lambda: Catalog.of(planned_days_for_any_stay()),
}


@pytest.mark.parametrize("name", CATALOGS)
def test_rows_made_on_purpose_have_their_status_and_all_others_an_amount(name: str) -> None:
    catalog = CATALOGS[name]()
    catalog_plan = Plan(catalog)
    drawn = Sampler(catalog_plan, seed=7)
    batch, made, _ = drawn.drawn_block(0)
    priced = price_cases(pa.Table.from_batches([batch]), catalog_plan, threads=1)
    wrong = [
        (special, CaseStatus(status).name)
        for special, places in zip(drawn.specials, made.T, strict=True)
        for status in priced.status[places].tolist()
        if status != special.status
    ]
    assert wrong == []
    usual = np.ones(BLOCK_ROWS, dtype=np.bool_)
    usual[made] = False
    assert Counter(priced.status[usual].tolist()) == {CaseStatus.OK: usual.sum()}


def test_a_status_that_a_catalog_cannot_give_is_not_forced() -> None:
    statuses = {special.status for special in Sampler(CATALOGS["the leaflet"]()).specials}
    assert CaseStatus.UNKNOWN_PROVIDER not in statuses, "the leaflet lists no providers"
    assert {CaseStatus.UNKNOWN_DRG, CaseStatus.STAY_OVER_LIMIT, CaseStatus.NO_SCHEDULE_FOR_DATE} <= statuses
