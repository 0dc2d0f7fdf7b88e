"""A book that is only read: settled months page by page, statements, and the fund's month."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from tariffcore.errors import Problem, SettlementError
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.opening import reading_engine
from tariffcore.settlement.book.records import Book
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.fund_view import FundView, fund_view
from tariffcore.settlement.lost_lines import LostLines, lost_lines
from tariffcore.settlement.rules import SettlementRules
from tariffcore.settlement.statement import Statement, statements

SUMS = (
    "lines", "claimed", "overclaimed", "deducted", "held", "over_plan", "additions", "other_deductions",
    "recovered", "capped", "carried", "payable", "outstanding",
)  # fmt: skip


class BookUnreadableError(SettlementError):
    """The database of the book does not answer."""


class LinesUnreadableError(SettlementError):
    """The files of a month's lines are not where they are looked for, or have changed."""

    reason = "LINES_UNREADABLE"


@dataclass(frozen=True, slots=True)
class SettledRow:
    """The month of a contract as the book lists it. ``sums`` has every name of `SUMS`, in minor units."""

    id: int
    provider_id: str
    region: str
    funding_source: str
    month: Month
    currency: str
    minor_units: int
    synthetic: bool
    sums: dict[str, int]


def require_book(place: str) -> None:
    """Raises SettlementError where there is no such book, or it is of another version."""
    reading_engine(place).dispose()


class ReadBook:
    """Reads a book; nothing is made or changed. Any number of threads may ask it at once.

    Every method raises BookUnreadableError where the database does not answer.
    """

    def __init__(self, place: str, rules: SettlementRules, lines_folder: Path | None = None) -> None:
        """``lines_folder``: of the files of lines; without it, they are beside a book that is a file. Only
        `lost_lines` reads them.

        Raises SettlementError where there is no such book, or it is of another version.
        """
        self.rules = rules
        self._has_lines = lines_folder is not None or "://" not in place
        self._book = Book(reading_engine(place), lines_folder or Path(f"{place}-lines"))

    def close(self) -> None:
        self._book.close()

    def with_rules(self, rules: SettlementRules) -> ReadBook:
        """The same book, read by other rules."""
        other = copy(self)
        other.rules = rules
        return other

    def rows(
        self,
        *,
        providers: Collection[str] | None = None,
        month: Month | None = None,
        funding_source: str | None = None,
        after: int = 0,
        most: int | None = None,
    ) -> list[SettledRow]:
        """Settled months in the order they were settled, those after an id; None does not narrow."""
        t, c, r = s.SETTLED, s.CONTRACTS, s.RUNS
        query = (
            sa.select(
                t.c.id, t.c.provider_id, c.c.region, t.c.funding_source, t.c.month, r.c.currency,
                r.c.minor_units, r.c.synthetic, *(t.c[name] for name in SUMS),
            )
            .join(c, c.c.id == t.c.contract_id)
            .join(r, r.c.id == t.c.run_id)
            .where(t.c.id > after)
            .order_by(t.c.id)
        )  # fmt: skip
        if providers is not None:
            query = query.where(t.c.provider_id.in_(sorted(providers)))
        if month is not None:
            query = query.where(t.c.month == month.number)
        if funding_source is not None:
            query = query.where(t.c.funding_source == funding_source)
        with self._answering(), self._book.reading() as connection:
            found = connection.execute(query if most is None else query.limit(most)).all()
        return [
            SettledRow(
                row.id, row.provider_id, row.region, row.funding_source,
                Month(row.month // 12, row.month % 12 + 1), row.currency, row.minor_units,
                bool(row.synthetic), {name: int(getattr(row, name)) for name in SUMS},
            )
            for row in found
        ]  # fmt: skip

    def statement(self, provider: str, month: Month) -> Statement | None:
        """The statement of a provider's month; None where it is not settled."""
        with self._answering():
            return next(iter(statements(self._book, self.rules, month, provider)), None)

    def lost_lines(self, provider: str, month: Month) -> tuple[Statement, LostLines] | None:
        """The lines of a provider's month that lost something; None where it is not settled. Raises
        LinesUnreadableError too."""
        statement = self.statement(provider, month)
        if statement is None:
            return None
        if not self._has_lines:
            problem = Problem(
                "the book", "lines", None, "no folder of the files of lines is named", "name it"
            )
            raise LinesUnreadableError("the lines cannot be read", [problem])
        with self._answering():
            try:
                return statement, lost_lines(self._book, [statement])[provider]
            except (SettlementError, OSError, pa.ArrowException) as error:
                problems = error.problems if isinstance(error, SettlementError) else ()
                raise LinesUnreadableError("the lines cannot be read", problems) from error

    def fund_month(
        self,
        month: Month,
        *,
        contributions: int | None = None,
        reserve: int | None = None,
        balance: int | None = None,
    ) -> FundView | None:
        """The month over all providers, the fund's own figures (minor units) checked; None where nobody's is
        settled."""
        with self._answering():
            view = fund_view(
                self._book, self.rules, month, contributions=contributions, reserve=reserve, balance=balance
            )
        return view if view.months else None

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            problem = Problem(
                "the book", None, None, f"does not answer ({type(error).__name__})", "see to its database"
            )
            raise BookUnreadableError("the book cannot be read", [problem]) from None
