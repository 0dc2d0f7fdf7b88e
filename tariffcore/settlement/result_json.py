"""A settled month as JSON for the book: whole numbers of minor units, shares as fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from tariffcore.settlement.calendar_month import Month, month_value
from tariffcore.settlement.month import (
    ClaimSums,
    ContractResult,
    LineResult,
    OtherItem,
    Recovery,
    SliceResult,
)


def result_to_json(result: ContractResult) -> str:
    """All of the result; `result_from_json` gives it back."""
    return json.dumps(_plain(result), ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> Any:  # noqa: ANN401
    if isinstance(value, Month | Fraction):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def result_from_json(text: str) -> ContractResult:
    values = json.loads(text)
    values["month"] = month_value(values["month"])
    values["claims"] = ClaimSums(**values["claims"])
    values["items"] = tuple(OtherItem(**item) for item in values["items"])
    values["recoveries"] = tuple(Recovery(**each) for each in values["recoveries"])
    values["lines"] = tuple(_line(each) for each in values["lines"])
    return ContractResult(**values)


def _line(values: dict[str, Any]) -> LineResult:
    values["claims"] = ClaimSums(**values["claims"])
    values["slices"] = tuple(
        SliceResult(
            Fraction(each["from_share"]),
            None if each["up_to"] is None else Fraction(each["up_to"]),
            Fraction(each["pay"]),
            Fraction(each["within"]),
        )
        for each in values["slices"]
    )
    return LineResult(**values)
