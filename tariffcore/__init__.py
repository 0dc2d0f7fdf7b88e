"""tariffcore prices treated hospital cases exactly, from dated tariff schedules, and explains every price.

The names below are the library's front door; each module says more.  They are imported when first used,
so that the command line starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tariffcore.batch import price_file
    from tariffcore.cases import Case, table_from_cases
    from tariffcore.explain import explain_case
    from tariffcore.plan import Plan
    from tariffcore.pricing import PricedCases, price_cases
    from tariffcore.schedule.catalog import Catalog, DecidingDate, read_catalog
    from tariffcore.schedule.folder import read_schedule
    from tariffcore.schedule.shipped import resolve as resolve_schedules
    from tariffcore.statuses import CaseStatus

__all__ = [
    "Case",
    "CaseStatus",
    "Catalog",
    "DecidingDate",
    "Plan",
    "PricedCases",
    "explain_case",
    "price_cases",
    "price_file",
    "read_catalog",
    "read_schedule",
    "resolve_schedules",
    "table_from_cases",
]

_HOME = {
    "Case": ("cases", "Case"),
    "CaseStatus": ("statuses", "CaseStatus"),
    "Catalog": ("schedule.catalog", "Catalog"),
    "DecidingDate": ("schedule.catalog", "DecidingDate"),
    "Plan": ("plan", "Plan"),
    "PricedCases": ("pricing", "PricedCases"),
    "explain_case": ("explain", "explain_case"),
    "price_cases": ("pricing", "price_cases"),
    "price_file": ("batch", "price_file"),
    "read_catalog": ("schedule.catalog", "read_catalog"),
    "read_schedule": ("schedule.folder", "read_schedule"),
    "resolve_schedules": ("schedule.shipped", "resolve"),
    "table_from_cases": ("cases", "table_from_cases"),
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOME[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return __all__
