from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffcore.costing.allocation import (
    CircularOrderError,
    allocation_order,
    final_shares,
    passing_weights,
)
from tariffcore.costing.elimination import SingularError, solve
from tariffcore.costing.model import CentreKind, CostCentre, ProductBase
from tariffcore.costing.parameters import AllocationMethod


def centre(
    code: str, kind: str = "overhead", base: str | None = "b", after: tuple[str, ...] = ()
) -> CostCentre:
    treats = ProductBase.BED_DAYS if kind == "clinical" else None
    return CostCentre("H", code, code, CentreKind(kind), None if treats else base, treats, after, "file:1")


def shares_of(method: str, order, treating, weights) -> dict[str, list[Fraction] | None]:
    found = final_shares(AllocationMethod(method), order, treating, weights)
    return {
        code: None if end is None else [Fraction(part, end.denominator) for part in end.numerators]
        for code, end in found.items()
    }


WEIGHTS = {
    "personnel": {"cafeteria": 20, "machining": 50, "assembly": 30},
    "cafeteria": {"personnel": 10, "machining": 45, "assembly": 45},
}


class TestTwoServiceDepartments:
    """The usual example of cost accounting: two service departments that serve each other and two producing
    ones. Personnel passes on 20 : 50 : 30, the cafeteria 10 : 45 : 45."""

    treating = ("machining", "assembly")

    def test_direct(self):
        found = shares_of("direct", ("personnel", "cafeteria"), self.treating, WEIGHTS)
        assert found == {"personnel": [Fraction(5, 8), Fraction(3, 8)], "cafeteria": [Fraction(1, 2)] * 2}

    def test_step_down(self):
        """A closed centre receives nothing more: the cafeteria gives personnel nothing."""
        found = shares_of("step_down", ("personnel", "cafeteria"), self.treating, WEIGHTS)
        assert found["personnel"] == [Fraction(60, 100), Fraction(40, 100)]
        assert found["cafeteria"] == [Fraction(1, 2)] * 2

    def test_reciprocal(self):
        """P = 1 + C/10, C = P/5 for personnel's own cost: P = 50/49, C = 10/49."""
        found = shares_of("reciprocal", ("personnel", "cafeteria"), self.treating, WEIGHTS)
        machining = Fraction(50, 49) * Fraction(1, 2) + Fraction(10, 49) * Fraction(45, 100)
        assert found["personnel"] == [machining, 1 - machining]


def test_order_is_by_kind_then_as_declared_then_by_centres_served_then_by_cost():
    centres = {
        "lab": centre("lab", "ancillary"),
        "small": centre("small"),
        "large": centre("large"),
        "wide": centre("wide"),
        "first": centre("first"),
        "ward": centre("ward", "clinical"),
    }
    weights = {
        "lab": {"ward": 1},
        "small": {"ward": 1},
        "large": {"ward": 1},
        "wide": {"ward": 1, "lab": 1},
        "first": {"ward": 1},
    }
    costs = {"small": 5, "large": 9, "lab": 100}
    assert allocation_order(centres, weights, costs) == ("wide", "large", "small", "first", "lab")
    centres["wide"] = centre("wide", after=("first",))
    assert allocation_order(centres, weights, costs) == ("large", "small", "first", "wide", "lab")
    centres["first"] = centre("first", after=("wide",))
    with pytest.raises(CircularOrderError, match=r"first -> wide -> first|wide -> first -> wide"):
        allocation_order(centres, weights, costs)


def test_a_centre_does_not_pass_on_to_itself_and_fractions_become_whole_numbers():
    centres = {"a": centre("a"), "b": centre("b", base="shares"), "w": centre("w", "clinical")}
    weights = passing_weights(
        centres,
        {"b": {"a": Fraction(5), "b": Fraction(1, 2), "w": Fraction(5, 4)}},
        {"b": {"w": Fraction(2, 3), "a": Fraction(1, 3)}},
    )
    assert weights == {"a": {"b": 2, "w": 5}, "b": {"w": 2, "a": 1}}


def test_cost_that_can_go_nowhere():
    weights = {"a": {"b": 1, "w": 1}, "b": {}, "c": {"w": 3}}
    for method in ("step_down", "reciprocal"):
        found = shares_of(method, ("a", "b", "c"), ("w",), weights)
        assert found == {"a": None, "b": None, "c": [1]}
    assert shares_of("direct", ("a", "b", "c"), ("w",), weights) == {"a": [1], "b": None, "c": [1]}
    # two that serve only each other
    loop = {"a": {"b": 1}, "b": {"a": 1}}
    assert shares_of("reciprocal", ("a", "b"), ("w",), loop) == {"a": None, "b": None}


QUANTITY = st.one_of(st.just(0), st.integers(0, 5), st.integers(1, 10**6))


@settings(deadline=None)
@given(data=st.data(), serving=st.integers(1, 12), treating=st.integers(1, 8))
def test_shares_sum_to_one_and_are_never_negative(data, serving, treating):
    order = [f"s{number}" for number in range(serving)]
    ends = [f"t{number}" for number in range(treating)]
    weights = {
        code: {
            other: quantity
            for other in (*order, *ends)
            if other != code and (quantity := data.draw(QUANTITY))
        }
        for code in order
    }
    for method in AllocationMethod:
        for code, end in final_shares(method, order, ends, weights).items():
            if end is not None:
                assert sum(end.numerators) == end.denominator > 0
                assert min(end.numerators) >= 0
            elif method is AllocationMethod.DIRECT:
                assert not any(weights[code].get(other) for other in ends)


@given(
    matrix=st.integers(1, 5).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(-20, 20), min_size=size + 1, max_size=size + 1), min_size=size, max_size=size
        )
    )
)
def test_elimination_solves_exactly(matrix):
    coefficients = [row[:-1] for row in matrix]
    right = [row[-1:] for row in matrix]
    try:
        solution, denominator = solve(coefficients, right)
    except SingularError:
        assert _determinant([list(map(Fraction, row)) for row in coefficients]) == 0
        return
    assert denominator == abs(_determinant([list(map(Fraction, row)) for row in coefficients]))
    for row, (wanted,) in zip(coefficients, right, strict=True):
        assert sum(own * value[0] for own, value in zip(row, solution, strict=True)) == wanted * denominator


def _determinant(rows: list[list[Fraction]]) -> Fraction:
    if not rows:
        return Fraction(1)
    first, *rest = rows
    return sum(
        ((-1) ** column * value * _determinant([row[:column] + row[column + 1 :] for row in rest]))
        for column, value in enumerate(first)
    ) + Fraction(0)
