"""A month by `month` and `deductions` and by the twin: equal to the minor unit, aimed at ties and edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from tariffcore.money import RoundingMode
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.deductions import defect_deduction, line_deduction
from tariffcore.settlement.month import (
    Advance,
    ClaimSums,
    ContractMonth,
    OtherItem,
    PlannedLine,
    check_identity,
    settle_contract,
)
from tariffcore.settlement.reference import ReferenceAdvance, ReferenceLine, reference_month
from tariffcore.settlement.rules import Defect, DefectBasis, Norm, Roundings, Scale, SeveralDefects, Slice

ROUNDINGS = Roundings(RoundingMode.HALF_UP, RoundingMode.HALF_UP, RoundingMode.DOWN)
NAMES = ("inpatient", "outpatient", "dialysis")
EXEMPT = ("dialysis",)
MARCH = Month(2026, 3)

# small amounts meet limits and ties often; large ones are as large as amounts may be
amounts = st.one_of(
    st.integers(0, 12), st.integers(0, 400), st.sampled_from([10**18 - 1, 10**18 - 2, 5 * 10**17])
)
shares = st.sampled_from(
    [Fraction(n, d) for n, d in ((0, 1), (1, 10), (1, 8), (1, 4), (1, 3), (1, 2), (1, 1))]
)
measures = st.sampled_from(
    [Fraction(0), Fraction(1, 2), Fraction(25, 2), Fraction(50), Fraction(100), Fraction(300)]
)


@dataclass
class Drawn:
    lines: list[ReferenceLine]
    plans: dict[str, tuple[int, bool]]
    slices: list[tuple[Fraction, Fraction | None, Fraction]]
    several: SeveralDefects = SeveralDefects.SUM
    items: list[int] = field(default_factory=list)
    debt: int = 0
    advances: list[Advance] = field(default_factory=list)
    annual: int = 10**18
    paid: int = 0
    month: Month = MARCH
    earlier: list[int] = field(default_factory=list)


@st.composite
def slices(draw) -> list[tuple[Fraction, Fraction | None, Fraction]]:
    steps = draw(st.lists(st.sampled_from([Fraction(1, 20), Fraction(1, 7), Fraction(1, 2)]), max_size=3))
    found: list[tuple[Fraction, Fraction | None, Fraction]] = []
    start = Fraction(0)
    for step in steps:
        found.append((start, start + step, draw(shares)))
        start += step
    if draw(st.booleans()):
        found.append((start, None, draw(shares)))
    return found


@st.composite
def advance(draw, number: int) -> Advance:
    start = draw(st.integers(1, 4))
    end = draw(st.integers(start, 12))
    amount = draw(amounts)
    return Advance(f"A{number}", amount, Month(2026, start), Month(2026, end), draw(st.integers(0, amount)))


@st.composite
def months(draw) -> Drawn:
    plans = {name: (draw(amounts), name in EXEMPT) for name in NAMES}
    lines = []
    for _ in range(draw(st.integers(0, 5))):
        held = draw(st.booleans()) and draw(st.booleans())
        defects = (
            []
            if held
            else draw(
                st.lists(
                    st.tuples(measures, st.one_of(st.none(), st.integers(0, 9).map(Fraction))), max_size=3
                )
            )
        )
        lines.append(
            ReferenceLine(
                draw(st.sampled_from(NAMES)), Fraction(draw(amounts)), Fraction(draw(amounts)), defects, held
            )
        )
    return Drawn(
        lines,
        plans,
        draw(slices()),
        draw(st.sampled_from(SeveralDefects)),
        draw(st.lists(st.integers(-300, 300), max_size=3)),
        draw(st.sampled_from([0, 0, 7, 200])),
        [draw(advance(number)) for number in range(draw(st.integers(0, 2)))],
        draw(st.one_of(st.just(10**18), st.integers(0, 900))),
        draw(st.one_of(st.just(0), st.integers(0, 900))),
        draw(st.sampled_from([MARCH, Month(2026, 11), Month(2026, 12)])),
        draw(st.lists(st.integers(-50, 500), max_size=11)),
    )


def by_the_engine(drawn: Drawn):
    sums: dict[str, list[int]] = {}
    for line in drawn.lines:
        of = sums.setdefault(line.contract_line, [0] * 6)
        over = max(int(line.claimed - line.price), 0)
        taken = []
        for measure, norm in line.defects:
            basis = DefectBasis.CASE if norm is None else DefectBasis.AMBULANCE
            defect = Defect("1", "", {basis: measure}, "")
            known = None if norm is None else Norm(basis, int(norm), date.min, None, "")
            taken.append(defect_deduction(defect, basis, int(line.price), known, ROUNDINGS))
        added = (
            1,
            int(line.claimed),
            over,
            line_deduction(taken, drawn.several),
            int(line.is_held),
            int(line.claimed) - over if line.is_held else 0,
        )
        sums[line.contract_line] = [old + new for old, new in zip(of, added, strict=True)]
    return settle_contract(
        ContractMonth(
            "H1",
            "insurance",
            drawn.month,
            [PlannedLine(name, plan, exempt) for name, (plan, exempt) in drawn.plans.items()],
            {name: ClaimSums(*of) for name, of in sums.items()},
            drawn.annual,
            drawn.paid,
            drawn.debt,
            drawn.earlier,
            drawn.advances,
            [OtherItem(str(number), "", amount, "") for number, amount in enumerate(drawn.items)],
        ),
        Scale(date.min, tuple(Slice(*each) for each in drawn.slices), frozenset(EXEMPT), ""),
        ROUNDINGS,
    )


def by_the_twin(drawn: Drawn):
    ordered = sorted(drawn.advances, key=lambda one: (one.recover_from, one.advance_id))
    return reference_month(
        lines=drawn.lines,
        plans={name: (Fraction(plan), exempt) for name, (plan, exempt) in drawn.plans.items()},
        slices=drawn.slices,
        largest_defect_only=drawn.several is SeveralDefects.LARGEST,
        items=[Fraction(item) for item in drawn.items],
        debt=Fraction(drawn.debt),
        advances=[
            ReferenceAdvance(
                Fraction(one.amount),
                one.recover_until.month - one.recover_from.month + 1,
                max(0, min(drawn.month.month, one.recover_until.month) - one.recover_from.month + 1),
                Fraction(one.recovered),
            )
            for one in ordered
        ],
        annual_plan=Fraction(drawn.annual),
        paid_so_far=Fraction(drawn.paid),
        earlier_accepted=[Fraction(one) for one in drawn.earlier] if drawn.month.month == 12 else None,
    )


ONE_LINE = {"inpatient": (100, False), "outpatient": (0, False), "dialysis": (0, True)}


@example(
    Drawn(
        [ReferenceLine("inpatient", Fraction(101), Fraction(101))],
        ONE_LINE,
        [(Fraction(0), None, Fraction(1, 2))],
    )
)  # half a minor unit of what is over the plan
@example(Drawn([ReferenceLine("inpatient", Fraction(3), Fraction(1), [(Fraction(50), None)])], ONE_LINE, []))
@example(Drawn([ReferenceLine("dialysis", Fraction(500), Fraction(500))], ONE_LINE, []))
@example(Drawn([], ONE_LINE, [], items=[-5], debt=3))
@example(Drawn([ReferenceLine("inpatient", Fraction(100), Fraction(100))], ONE_LINE, [], annual=100, paid=99,
               month=Month(2026, 12), earlier=[1, 0]))  # fmt: skip
@given(months())
def test_a_month_is_what_the_rules_say(drawn: Drawn) -> None:
    ours, twin = by_the_engine(drawn), by_the_twin(drawn)
    check_identity(ours)
    assert {line.contract_line: line.over_plan for line in ours.lines} == twin.over_plan
    assert (
        ours.claims.claimed,
        ours.claims.overclaimed,
        ours.claims.deducted,
        ours.claims.held,
        ours.additions,
        ours.other_deductions,
        [recovery.recovered for recovery in ours.recoveries],
        ours.capped_by_year,
        ours.capped_december,
        ours.carried,
        ours.payable,
    ) == (
        twin.claimed,
        twin.overclaimed,
        twin.deducted,
        twin.held,
        twin.additions,
        twin.other_deductions,
        list(twin.recovered),
        twin.capped_by_year,
        twin.capped_december,
        twin.carried,
        twin.payable,
    )


def test_a_slice_pays_its_share_of_what_lies_in_it_only() -> None:
    drawn = Drawn(
        [ReferenceLine("inpatient", Fraction(130), Fraction(130))],
        ONE_LINE,
        [(Fraction(0), Fraction(1, 20), Fraction(1, 2)), (Fraction(1, 20), Fraction(1, 5), Fraction(1, 10))],
    )
    result = by_the_engine(drawn)
    # over the plan 30: 5 at a half, 15 at a tenth, 10 not at all: 2.5 + 1.5 = 4 paid
    assert [slice_.within for slice_ in result.lines[0].slices] == [5, 15]
    assert (result.over_plan, result.payable) == (26, 104)


def test_a_part_that_cannot_be_held_rolls_over() -> None:
    recovered, months_ = 0, []
    for month, accepted in ((1, 100), (2, 10), (3, 100), (4, 100)):
        drawn = Drawn(
            [ReferenceLine("inpatient", Fraction(accepted), Fraction(accepted))],
            {"inpatient": (100, False)},
            [],
            advances=[Advance("A", 100, Month(2026, 1), Month(2026, 3), recovered)],
            month=Month(2026, month),
        )
        result = by_the_engine(drawn)
        recovered += result.recovered
        months_.append((result.recovered, result.payable, result.outstanding_advance))
    # parts 33, 34, 33; the second month has only 10, and 24 roll over into the third
    assert months_ == [(33, 67, 67), (10, 0, 57), (57, 43, 0), (0, 100, 0)]
