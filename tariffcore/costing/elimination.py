"""Linear equations in whole numbers, solved exactly without fractions on the way (Bareiss, 1968)."""

from __future__ import annotations

from collections.abc import Sequence


class SingularError(ArithmeticError):
    """The equations have no single solution."""


def solve(
    coefficients: Sequence[Sequence[int]], right_sides: Sequence[Sequence[int]]
) -> tuple[list[list[int]], int]:
    """``X`` and ``d`` with ``coefficients x X = d x right_sides``; the solution is ``X / d``, and d is above
    0.

    Every division is exact: after each step all entries are determinants of parts of the matrix. Raises
    SingularError where there is no single solution.
    """
    size = len(coefficients)
    rows = [[*coefficients[row], *right_sides[row]] for row in range(size)]
    before = 1
    for step in range(size):
        pivot_row = next((row for row in range(step, size) if rows[row][step]), None)
        if pivot_row is None:
            raise SingularError
        rows[step], rows[pivot_row] = rows[pivot_row], rows[step]
        pivoting = rows[step]
        pivot = pivoting[step]
        for number in range(size):
            row = rows[number]
            factor = row[step]
            if number != step:
                rows[number] = [
                    (pivot * own - factor * other) // before for own, other in zip(row, pivoting, strict=True)
                ]
        before = pivot
    # every row's own coefficient is now the same determinant (up to the order in which rows were taken)
    sign = -1 if before < 0 else 1
    return [[sign * value for value in row[size:]] for row in rows], sign * before
