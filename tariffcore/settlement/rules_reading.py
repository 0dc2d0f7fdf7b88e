"""Reads a folder of settlement rules: everything that is wrong at once, with file, line and the way out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

from tariffcore.errors import Problem, SettlementError
from tariffcore.money import RoundingMode, format_exact
from tariffcore.schedule.limits import MAX_MINOR_UNITS
from tariffcore.schedule.model import PaymentMethod
from tariffcore.schedule.toml_reading import TomlDocument, TomlSyntaxError, TomlTable
from tariffcore.schedule.values import UnreadableValueError, choice, code_value, instead_of, word_value
from tariffcore.settlement.deadlines import known_countries
from tariffcore.settlement.rules import (
    AdvanceRules,
    Assignment,
    ClaimsAtThePrice,
    ContractLine,
    DeadlineRules,
    Defect,
    DefectBasis,
    FundRules,
    Norm,
    Roundings,
    Scale,
    SettlementRules,
    SeveralDefects,
    Slice,
)
from tariffcore.settlement.tables import ASSIGNMENTS, CONTRACT_LINES, DEFECTS, NORMS
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.reading import Block, read_blocks
from tariffcore.worksheets.table import Table
from tariffcore.worksheets.values import amount_from_zero, day_as_written, money_reader, number_value

SETTLEMENT_TOML = "settlement.toml"
SHIPPED_FOLDER = Path(__file__).resolve().parent.parent / "settlements"
_SUFFIXES = (".csv", ".xlsx")


def shipped_rules() -> tuple[str, ...]:
    """The names of the rules that ship with the package."""
    return tuple(sorted(path.parent.name for path in SHIPPED_FOLDER.glob(f"*/{SETTLEMENT_TOML}")))


def resolve_rules(name: str) -> Path:
    """The folder a name or path means. Raises SettlementError where it is neither."""
    path = Path(name)
    if (path / SETTLEMENT_TOML).is_file() or (path.is_dir() and name not in shipped_rules()):
        return path
    if name in shipped_rules():
        return SHIPPED_FOLDER / name
    way_out = instead_of(name, shipped_rules(), "or name a folder with a settlement.toml")
    raise SettlementError(
        "no such rules",
        [Problem("rules", None, name, "is neither a folder nor the name of shipped rules", way_out)],
    )


def read_rules(folder: Path) -> SettlementRules:
    """The rules in a folder, checked as a whole. Raises SettlementError with all that is wrong."""
    return _Reader(folder).read()


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.resolve().name
        self.problems = ProblemList()
        self.contents: dict[str, bytes] = {}

    def read(self) -> SettlementRules:
        top = self._toml()
        values = {} if top is None else self._values(top)
        minor_units = values.get("minor_units")
        defects = self._defects()
        lines = self._contract_lines()
        assignments = self._assignments(lines)
        norms = self._norms(minor_units if isinstance(minor_units, int) else 2)
        self.problems.raise_if_any(
            SettlementError, f"the settlement rules in {self.folder}", "nothing was settled"
        )
        return SettlementRules(
            **values,  # type: ignore[arg-type]
            defects=defects,
            contract_lines=lines,
            assignments=assignments,
            norms=norms,
            folder=str(self.folder),
            digest=self._digest(),
        )

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for name in sorted(self.contents):
            for part in (name.encode(), self.contents[name]):
                digest.update(len(part).to_bytes(8, "little"))
                digest.update(part)
        return digest.hexdigest()

    # -- settlement.toml -----------------------------------------------------------------------

    def _toml(self) -> TomlTable | None:
        place = f"{self.name}/{SETTLEMENT_TOML}"
        try:
            content = (self.folder / SETTLEMENT_TOML).read_bytes()
            text = content.decode("utf-8")
        except OSError as error:
            self.problems.note(
                place, None, None, f"cannot be read ({error.strerror})", "rules begin with this file"
            )
            return None
        except UnicodeDecodeError:
            self.problems.note(place, None, None, "is not UTF-8 text", "save the file as UTF-8")
            return None
        self.contents[SETTLEMENT_TOML] = content
        try:
            document = TomlDocument(text)
        except TomlSyntaxError as error:
            for line in error.lines:
                self.problems.add(line.problem(place))
            return None
        self.noted: list[Problem] = []
        return TomlTable(document, (), document.values, file=place, problems=self.noted)

    def _values(self, top: TomlTable) -> dict[str, object]:
        """The fields of `SettlementRules`; stand-ins (and problems) for what cannot be read."""
        minor_units = top.whole("minor_units", 0, MAX_MINOR_UNITS)
        values: dict[str, object] = {
            "id": top.word("id", example='"kz-2026"'),
            "title": top.text("title"),
            "synthetic": top.truth("synthetic") or False,
            "currency": top.word("currency", example='"KZT"'),
            "minor_units": minor_units,
            "repeated_within_months": top.whole("repeated_within_months", 0, 120, example="12"),
            "order_source": top.text("order_source"),
        }
        deductions = top.table("deductions", example='{ several_on_a_line = "sum", source = "…" }')
        if deductions is not None:
            values["several_defects"] = deductions.member("several_on_a_line", SeveralDefects)
            values["deductions_source"] = deductions.text("source")
            deductions.finish()
        values["one_line_methods"], values["one_line_source"] = self._one_line(top)
        values["claims_follow_price"], values["claims_follow_source"] = self._backdated(top)
        rounding = top.table(
            "rounding", example='{ deduction = "half_up", scale = "half_up", mean = "down" }'
        )
        if rounding is not None:
            modes = [rounding.member(key, RoundingMode) for key in ("deduction", "scale", "mean")]
            values["roundings"] = Roundings(*modes)  # type: ignore[arg-type]
            rounding.finish()
        values["scales"] = self._scales(top)
        values["advances"] = self._advances(top.table("advances"))
        december = top.table("december", example='{ source = "…" }')
        if december is not None:
            values["december_source"] = december.text("source")
            december.finish()
        values["deadlines"] = self._deadlines(top.table("deadlines"))
        values["fund"] = self._fund(top.table("fund"), minor_units or 0)
        top.finish()
        for problem in self.noted:
            self.problems.add(problem)
        return values

    @staticmethod
    def _backdated(top: TomlTable) -> tuple[bool, str]:
        """Without the table, what was claimed stays the most that is paid."""
        table = top.table("backdated") if top.has("backdated") else None
        if table is None:
            return False, ""
        choice_ = table.member("claims_at_the_price", ClaimsAtThePrice)
        source = table.text("source")
        table.finish()
        return choice_ is ClaimsAtThePrice.FOLLOW, source or ""

    @staticmethod
    def _one_line(top: TomlTable) -> tuple[tuple[str, ...], str]:
        """Without the table, a patient may have any number of lines of any method."""
        table = top.table("one_line_a_patient") if top.has("one_line_a_patient") else None
        if table is None:
            return (), ""
        known = [method.value for method in PaymentMethod]
        methods = table.words("methods") or ()
        for method in methods:
            if method not in known:
                table.note("methods", method, "is no payment method", instead_of(method, known))
        source = table.text("source")
        table.finish()
        return tuple(methods), source or ""

    def _scales(self, top: TomlTable) -> tuple[Scale, ...]:
        scales = []
        for table in top.tables("scale"):
            start = table.day("effective_start_date")
            exempt = table.words("exempt", required=False) or ()
            source = table.text("source")
            slices = [self._slice(each) for each in table.tables("slices")]
            if all(one is not None for one in slices):
                self._check_slices(table, [one for one in slices if one is not None])
            table.finish()
            found = tuple(one for one in slices if one is not None)
            scales.append(Scale(start or date.min, found, frozenset(exempt), source or ""))
        days = [scale.effective_start_date for scale in scales]
        if len(set(days)) < len(days):
            top.note("scale", None, "two scales begin on one day", "keep one of them")
        return tuple(sorted(scales, key=lambda scale: scale.effective_start_date))

    def _slice(self, table: TomlTable) -> Slice | None:
        start, end, pay = (table.share("from"), table.share("up_to") if table.has("up_to") else None,
                           table.share("pay"))  # fmt: skip
        if start is not None and start < 0:
            table.note("from", format_exact(start), "is below zero", "a share over the plan begins at 0")
        if start is not None and end is not None and end <= start:
            table.note(
                "up_to",
                format_exact(end),
                f"is not above its beginning, {format_exact(start)}",
                "slices go upwards",
            )
        if pay is not None and not 0 <= pay <= 1:
            table.note(
                "pay", format_exact(pay), "is not a share from 0 to 1", 'write "0.50" for half of the slice'
            )
        table.finish()
        if start is None or pay is None or (table.has("up_to") and end is None):
            return None
        return Slice(start, end, pay)

    @staticmethod
    def _check_slices(table: TomlTable, slices: list[Slice]) -> None:
        reached: Fraction | None = Fraction(0)
        for each in slices:
            if reached is None:
                table.note("slices", format_exact(each.from_share), "comes after a slice without end",
                           "give the slice before it its up_to")  # fmt: skip
                return
            if each.from_share != reached:
                fault = "a gap" if each.from_share > reached else "an overlap"
                table.note(
                    "slices",
                    format_exact(each.from_share),
                    f"there is {fault}: the slice before it ends at {format_exact(reached)}",
                    f'begin it at "{format_exact(reached)}"; what is not paid is a slice with pay = "0"',
                )
            reached = each.up_to

    @staticmethod
    def _advances(table: TomlTable | None) -> AdvanceRules | None:
        if table is None:
            return None
        signing, december = table.share("signing_limit"), table.share("december_limit")
        last = table.whole("last_recovery_month", 1, 12, example="11")
        source = table.text("source")
        for key, share in (("signing_limit", signing), ("december_limit", december)):
            if share is not None and not 0 <= share <= 1:
                table.note(key, format_exact(share), "is not a share from 0 to 1", 'write "0.30" for 30 %')
        table.finish()
        return AdvanceRules(signing or Fraction(0), december or Fraction(0), last or 11, source or "")

    @staticmethod
    def _deadlines(table: TomlTable | None) -> DeadlineRules | None:
        if table is None:
            return None
        country = table.word("country", example='"KZ"')
        if country is not None and country not in known_countries():
            table.note("country", country, "has no calendar of holidays", 'write its two letters: "KZ"')
        days = [
            table.whole(key, low, high, example=example)
            for key, low, high, example in (
                ("claims_day", 1, 28, "25"),
                ("claims_months_after", 0, 3, "1"),
                ("register_return_days", 0, 60, "1"),
                ("objection_days", 0, 60, "3"),
                ("answer_days", 0, 60, "2"),
                ("payment_days", 0, 90, "10"),
            )
        ]
        source = table.text("source")
        table.finish()
        claims, after, returned, objections, answers, payment = (day or 0 for day in days)
        return DeadlineRules(
            country or "", claims, after, returned, objections, answers, payment, source or ""
        )

    @staticmethod
    def _fund(table: TomlTable | None, minor_units: int) -> FundRules | None:
        if table is None:
            return None
        share, balance = (
            table.share("reserve_share"),
            table.decimal("minimum_balance", example='"50000000000"'),
        )
        source = table.text("source")
        table.finish()
        balance = balance or Fraction(0)
        minor = balance * 10**minor_units
        if minor.denominator != 1:
            message, way_out = "has too many decimals", "write it to the minor unit"
            table.note("minimum_balance", format_exact(balance), message, way_out)
        return FundRules(share or Fraction(0), int(minor), source or "")

    # -- tables --------------------------------------------------------------------------------

    def _blocks(self, table: Table) -> Iterator[Block]:
        files = [self.folder / f"{table.name}{suffix}" for suffix in _SUFFIXES]
        there = [file for file in files if file.is_file()]
        if len(there) > 1:
            self.problems.note(
                f"{self.name}/{table.name}", None, None, "is there as .csv and as .xlsx", "remove one of them"
            )
        if not there and not table.optional:
            self.problems.note(
                f"{self.name}/{table.name}.csv",
                None,
                None,
                "is missing",
                f"add it: {table.what}; its columns are {', '.join(table.column_names)}",
            )
        for file in there[:1]:
            self.contents[file.name] = file.read_bytes()
            yield from read_blocks(file, f"{self.name}/{file.name}", table, self.problems)

    def _defects(self) -> dict[str, Defect]:
        found: dict[str, Defect] = {}
        for block in self._blocks(DEFECTS):
            codes = block.read("code", code_value)
            names, sources = block.read("name", str), block.read("source", str)
            measures = {
                basis: block.read(
                    f"{basis.value}_{'norms' if basis.in_norms else 'percent'}", _measure, required=False
                )
                for basis in DefectBasis
            }
            for row, code in enumerate(codes):
                if code is None:
                    continue
                if code in found:
                    block.note(row, "code", code, "stands in the table twice", "keep one of the rows")
                of_row = {
                    basis: value for basis, column in measures.items() if (value := column[row]) is not None
                }
                found[code] = Defect(code, names[row] or "", of_row, sources[row] or "")
        return found

    def _contract_lines(self) -> dict[str, ContractLine]:
        found: dict[str, ContractLine] = {}
        bases = [basis.value for basis in DefectBasis]
        for block in self._blocks(CONTRACT_LINES):
            codes = block.read("contract_line", word_value)
            names, sources = block.read("name", str), block.read("source", str)
            categories = block.read("category", word_value, required=False)
            of = block.read("defect_basis", lambda text: choice(text, bases))
            for row, code in enumerate(codes):
                if code is None:
                    continue
                if code in found:
                    block.note(row, "contract_line", code, "stands in the table twice", "keep one row")
                basis = DefectBasis(of[row] or "case")
                found[code] = ContractLine(code, names[row] or "", categories[row], basis, sources[row] or "")
        return found

    def _assignments(self, lines: dict[str, ContractLine]) -> tuple[Assignment, ...]:
        found: dict[tuple[str | None, str | None, str | None], Assignment] = {}
        for block in self._blocks(ASSIGNMENTS):
            methods = block.read("method", word_value, required=False)
            settings = block.read("care_setting", word_value, required=False)
            codes = block.read("code", code_value, required=False)
            for row, line in enumerate(block.read("contract_line", word_value)):
                key = methods[row], settings[row], codes[row]
                if line is None:
                    continue
                if line not in lines:
                    block.note(
                        row, "contract_line", line, "is not in contract_lines", instead_of(line, lines)
                    )
                if key in found:
                    block.note(row, None, None, "says the same as a row before it", "keep one of the rows")
                found[key] = Assignment(*key, line)
        return tuple(sorted(found.values(), key=lambda one: one.weight))

    def _norms(self, minor_units: int) -> tuple[Norm, ...]:
        found: list[Norm] = []
        bases = [basis.value for basis in DefectBasis if basis.in_norms]
        for block in self._blocks(NORMS):
            of = block.read("defect_basis", lambda text: choice(text, bases))
            amounts = block.read("amount", amount_from_zero(money_reader(minor_units)))
            starts = block.read("effective_start_date", day_as_written)
            ends = block.read("effective_end_date", day_as_written, required=False)
            sources = block.read("source", str)
            for row, basis in enumerate(of):
                amount, start, end = amounts[row], starts[row], ends[row]
                if basis is None or amount is None or start is None:
                    continue
                if end is not None and end <= start:
                    block.note(row, "effective_end_date", str(end), f"is not after {start}", "correct it")
                norm = Norm(DefectBasis(basis), amount, start, end, sources[row] or "")
                if any(_overlap(norm, other) for other in found):
                    block.note(row, "effective_start_date", str(start), "overlaps another norm of this basis",
                               "end the one before on the day the next begins")  # fmt: skip
                found.append(norm)
        return tuple(found)


def _measure(text: str) -> Fraction:
    value = number_value(text)
    if value < 0 or value > 10_000:
        raise UnreadableValueError("is out of range", "write per cent, or norms, from 0 to 10000")
    return value


def _overlap(one: Norm, other: Norm) -> bool:
    return (
        one.basis is other.basis
        and (other.effective_end_date is None or one.effective_start_date < other.effective_end_date)
        and (one.effective_end_date is None or other.effective_start_date < one.effective_end_date)
    )
