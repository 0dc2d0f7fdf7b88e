"""Reads the hospital's books: ledger, cost centres, allocation statistics, agreed shares, the list of
groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tariffcore.costing.model import CentreKind, CostCentre, GroupEntry, ProductBase
from tariffcore.costing.parameters import Parameters
from tariffcore.costing.tables import SHARES_BASE
from tariffcore.costing.values import Span, half_months, quantity_value, span_value
from tariffcore.money import format_exact, format_minor
from tariffcore.schedule.limits import MAX_PLANNED_DAYS
from tariffcore.schedule.model import Schedule
from tariffcore.schedule.values import (
    choice,
    code_value,
    instead_of,
    whole_value,
    word_value,
    words_outside,
    yes_or_no,
)
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.reading import Block
from tariffcore.worksheets.values import agreed_share, money_reader


def text_value(text: str) -> str:
    return text


@dataclass
class Chart:
    """The cost centres as filled in: those of one hospital, and those of every hospital ("")."""

    rows: dict[str, dict[str, CostCentre]] = field(default_factory=dict)

    def of_provider(self, provider_id: str) -> dict[str, CostCentre]:
        """The hospital's own rows in place of those for all."""
        own = self.rows.get(provider_id, {})
        return {**{code: row for code, row in self.rows.get("", {}).items() if code not in own}, **own}


def read_chart(blocks: Iterable[Block]) -> Chart:
    chart = Chart()
    for block in blocks:
        providers = block.cells["provider_id"]
        codes = block.read("cost_centre", word_value)
        names = block.read("name", text_value)
        kinds = block.read("kind", lambda text: CentreKind(choice(text, list(CentreKind))))
        bases = block.read("allocation_base", word_value, required=False)
        products = block.read(
            "product_base", lambda text: ProductBase(choice(text, list(ProductBase))), required=False
        )
        after = block.cells.get("after") or [""] * len(block)
        for row, (provider_id, code, kind) in enumerate(zip(providers, codes, kinds, strict=True)):
            if code is None or kind is None:
                continue
            _check_role(block, row, code, kind, bases[row], products[row])
            of_provider = chart.rows.setdefault(provider_id, {})
            if code in of_provider:
                block.note(
                    row,
                    "cost_centre",
                    code,
                    f"stands in line {of_provider[code].place.rpartition(':')[2]} already",
                    "keep one of the two rows",
                )
                continue
            of_provider[code] = CostCentre(
                provider_id,
                code,
                names[row] or "",
                kind,
                bases[row],
                products[row],
                tuple(word.strip() for word in after[row].split(";") if word.strip()),
                f"{block.place}:{block.lines[row]}",
            )
    return chart


def _check_role(
    block: Block, row: int, code: str, kind: CentreKind, base: str | None, product: ProductBase | None
) -> None:
    """A centre serves or treats. An overhead that treats, a clinic that serves: one of the two is a slip.

    That one which serves has no base is told only where there is cost to pass on (`checking`).
    """
    if base is not None and product is not None:
        block.note(
            row,
            "product_base",
            product.value,
            f"{code!r} has an allocation base too",
            "a centre is passed on to others, or treats patients; clear one of the two cells",
        )
    elif kind is CentreKind.CLINICAL and product is None:
        block.note(
            row,
            "product_base",
            None,
            f"is empty, and {code!r} is clinical",
            "write bed_days, cases or units: what its cost is divided by",
        )
    elif kind is CentreKind.OVERHEAD and product is not None:
        block.note(
            row,
            "product_base",
            product.value,
            f"{code!r} is overhead and treats nobody",
            "clear the cell, or call the centre ancillary or clinical",
        )


@dataclass
class Ledger:
    """What was spent, in minor units, by (provider, cost centre) and component; and where it first stands."""

    amounts: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    rows: int = 0

    def providers(self) -> list[str]:
        return list(dict.fromkeys(provider_id for provider_id, _ in self.amounts))


def read_ledger(blocks: Iterable[Block], parameters: Parameters) -> Ledger:
    ledger = Ledger()
    minor = money_reader(parameters.minor_units)
    names = {component.name: number for number, component in enumerate(parameters.components)}
    charged = {of.component: of.name for of in parameters.asset_classes}
    begin, end = half_months(parameters.start), half_months(parameters.end)

    def component(text: str) -> int:
        return names[choice(text, names)]

    providers: dict[str, str | None] = {}
    centres: dict[str, str | None] = {}
    components: dict[str, int | None] = {}
    spans: dict[str, Span | None] = {}
    sources: dict[str, str | None] = {}
    for block in blocks:
        ledger.rows += len(block)
        of_provider = block.read("provider_id", code_value, known=providers)
        of_centre = block.read("cost_centre", word_value, known=centres)
        of_component = block.read("component", component, known=components)
        amounts = block.read("amount", minor)
        periods = block.read("period", span_value, known=spans)
        block.read("source", text_value, known=sources)
        reversals = block.read("reversal", yes_or_no, required=False)
        check_currency(block, parameters)
        for row, (provider_id, centre, number, amount, period, reversal) in enumerate(
            zip(of_provider, of_centre, of_component, amounts, periods, reversals, strict=True)
        ):
            if period is not None and not (begin <= period.start and period.end <= end):
                block.note(
                    row,
                    "period",
                    block.cells["period"][row],
                    f"is not within the run's period, {parameters.start} up to {parameters.end}",
                    "leave the row out, or correct [period] in costing.toml",
                )
            if amount is None or provider_id is None or centre is None or number is None:
                continue
            if (amount < 0) != bool(reversal) and amount:
                _note_sign(block, row, reversal=bool(reversal))
            name = parameters.components[number].name
            if name in charged:
                block.note(
                    row,
                    "component",
                    name,
                    f"is charged from the assets (class {charged[name]!r}), and would count twice",
                    "leave depreciation out of the ledger, or name another component",
                )
            key = provider_id, centre
            sums = ledger.amounts.get(key)
            if sums is None:
                sums = ledger.amounts[key] = [0] * len(names)
                ledger.places[key] = f"{block.place}:{block.lines[row]}"
            sums[number] += amount
    return ledger


def _note_sign(block: Block, row: int, *, reversal: bool) -> None:
    if reversal:
        message, way_out = (
            "is above zero and marked as a reversal",
            "a reversal is below zero; clear the mark",
        )
    else:
        message = "is below zero without the reversal mark"
        way_out = "write yes in the column reversal if it takes back a booking, or correct the sign"
    block.note(row, "amount", block.cells["amount"][row], message, way_out)


def check_currency(block: Block, parameters: Parameters) -> None:
    """A run has one currency, and no rate of exchange."""
    for row, currency in enumerate(block.cells.get("currency", ())):
        if currency and currency != parameters.currency:
            block.note(
                row,
                "currency",
                currency,
                f"the run is in {parameters.currency}, and amounts of two currencies cannot be added",
                f"convert the amount to {parameters.currency} at the rate of its day and say so in source",
            )


def check_ledger_totals(ledger: Ledger, parameters: Parameters, problems: ProblemList) -> None:
    """What was taken back cannot be more than what was spent."""
    for key, sums in ledger.amounts.items():
        for component, amount in zip(parameters.components, sums, strict=True):
            if amount < 0:
                problems.note(
                    ledger.places[key],
                    "amount",
                    format_minor(amount, parameters.minor_units),
                    f"the reversals of {component.name!r} in {key[1]!r} of {key[0]!r} are more than its "
                    "bookings",
                    "add the bookings they take back, or book the reversal where those are",
                )


@dataclass
class Received:
    """What receiving centres have, by (provider, base) or (provider, giving centre), and where it stands."""

    values: dict[tuple[str, str], dict[str, Fraction]] = field(default_factory=dict)
    places: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def take(self, provider_id: str, of: str, receiver: str, value: Fraction, place: str) -> bool:
        """Adds a row; False where the receiver has one already."""
        receivers = self.values.setdefault((provider_id, of), {})
        if receiver in receivers:
            return False
        receivers[receiver] = value
        self.places[provider_id, of, receiver] = place
        return True


def read_statistics(blocks: Iterable[Block]) -> Received:
    """Quantities by (provider, base) and receiving centre."""
    quantities = Received()
    providers: dict[str, str | None] = {}
    words: dict[str, str | None] = {}
    for block in blocks:
        rows = zip(
            block.read("provider_id", code_value, known=providers),
            block.read("base", word_value, known=words),
            block.read("cost_centre", word_value, known=words),
            block.read("quantity", quantity_value),
            strict=True,
        )
        for row, (provider_id, base, centre, quantity) in enumerate(rows):
            if provider_id is None or base is None or centre is None or quantity is None:
                continue
            place = f"{block.place}:{block.lines[row]}"
            if not quantities.take(provider_id, base, centre, quantity, place):
                block.note(row, "cost_centre", centre, f"has a quantity of {base!r} already", "keep one row")
    return quantities


def read_shares(blocks: Iterable[Block]) -> Received:
    """Agreed shares by (provider, giving centre) and receiving centre; each giver's sum to one."""
    shares = Received()
    last: dict[tuple[str, str], tuple[Block, int]] = {}
    for block in blocks:
        rows = zip(
            block.read("provider_id", code_value),
            block.read("cost_centre", word_value),
            block.read("to_cost_centre", word_value),
            block.read("share", agreed_share),
            strict=True,
        )
        for row, (provider_id, centre, receiver, share) in enumerate(rows):
            if provider_id is None or centre is None or receiver is None or share is None:
                continue
            if receiver == centre:
                block.note(row, "to_cost_centre", receiver, "is the centre itself", "name another centre")
            place = f"{block.place}:{block.lines[row]}"
            if not shares.take(provider_id, centre, receiver, share, place):
                block.note(row, "to_cost_centre", receiver, "has a share already", "keep one row")
            last[provider_id, centre] = block, row
    for key, of_centre in shares.values.items():
        total = sum(of_centre.values(), Fraction(0))
        if total != 1:
            block, row = last[key]
            block.note(
                row,
                "share",
                block.cells["share"][row],
                f"the shares of {key[1]!r} of {key[0]!r} sum to {format_exact(total)}, not to 1",
                f"{format_exact(abs(1 - total))} is {'missing' if total < 1 else 'too much'} "
                "(thirds are written 1/3)",
            )
    return shares


def check_receivers(
    quantities: Received,
    shares: Received,
    centres: Mapping[str, Mapping[str, CostCentre]],
    problems: ProblemList,
) -> None:
    """Statistics and shares name hospitals and centres that there are, and bases that some centre uses."""
    for received, is_shares in ((quantities, False), (shares, True)):
        for (provider_id, other), receivers in received.values.items():
            places = [received.places[provider_id, other, code] for code in receivers]
            if provider_id not in centres:
                note_unknown_provider(problems, places[0], provider_id, centres)
                continue
            of_provider = centres[provider_id]
            named = [("to_cost_centre" if is_shares else "cost_centre", code) for code in receivers]
            if is_shares:
                named.append(("cost_centre", other))
                places.append(places[0])
            for (column, code), place in zip(named, places, strict=True):
                if code not in of_provider:
                    problems.note(
                        place,
                        column,
                        code,
                        f"is not a cost centre of {provider_id!r}",
                        instead_of(code, of_provider),
                    )
            bases = {centre.allocation_base for centre in of_provider.values()}
            if not is_shares and other not in bases:
                problems.note(
                    places[0],
                    "base",
                    other,
                    f"no cost centre of {provider_id!r} is passed on by this base",
                    instead_of(
                        other,
                        sorted(base for base in bases if base),
                        "or write it as the allocation_base of a centre, or remove its rows",
                    ),
                )
            elif is_shares and other in of_provider and of_provider[other].allocation_base != SHARES_BASE:
                problems.note(
                    places[0],
                    "cost_centre",
                    other,
                    f"is passed on by {of_provider[other].allocation_base!r}, so its shares have no effect",
                    f"write {SHARES_BASE} as its allocation_base, or remove the rows",
                )


def note_unknown_provider(problems: ProblemList, place: str, provider_id: str, known: Iterable[str]) -> None:
    problems.note(
        place,
        "provider_id",
        provider_id,
        "has no bookings in the ledger",
        instead_of(provider_id, known, "or remove its rows"),
    )


def read_groups(blocks: Iterable[Block], like: Schedule | None) -> dict[str, GroupEntry]:
    groups: dict[str, GroupEntry] = {}
    for block in blocks:
        codes = block.read("drg_code", code_value)
        names = block.read("name", text_value)
        days = block.read("planned_days", lambda text: whole_value(text, 1, MAX_PLANNED_DAYS), required=False)
        for row, (code, name) in enumerate(zip(codes, names, strict=True)):
            flags = frozenset(word.strip() for word in block.cells["flags"][row].split(";") if word.strip())
            if like is not None:
                for word, _ in words_outside(flags, like.drg_flags):
                    block.note(
                        row, "flags", word, f"is not a flag of {like.id}", instead_of(word, like.drg_flags)
                    )
            if code is None:
                continue
            if code in groups:
                block.note(row, "drg_code", code, "stands in this table already", "keep one of the two rows")
                continue
            groups[code] = GroupEntry(code, name or "", days[row], flags)
    return groups
