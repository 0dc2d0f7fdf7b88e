"""Mistakes somebody could make, each as the text to replace: the suite must notice every one.

A mutant whose text is no longer found exactly once fails the run and a test, so the list follows the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

KERNEL = "tariffcore/_kernel.pyx"
VECTORS = "tariffcore/_kernel_avx2.pxd"
CELLS = "tariffcore/_cells.pyx"
LINES = "tariffcore/_lines.pyx"
NUMBERING = "tariffcore/numbering.py"
TABLES = "tariffcore/tables.py"
ENCODING = "tariffcore/encoding.py"
COLUMNS = "tariffcore/column_reading.py"
TARIFF = "tariffcore/schedule/tariff.py"
CATALOG = "tariffcore/schedule/catalog.py"
SCHEDULE_MODEL = "tariffcore/schedule/model.py"

STREAM = "tariffcore/client/column_stream.py"
COSTING = "tariffcore/costing"
SETTLEMENT = "tariffcore/settlement"
GROUPING = "tariffcore/_grouping.pyx"
GROUPING_TABLES = "tariffcore/grouping_tables.py"
RANKING = "tariffcore/schedule/rule_ranking.py"

AGAINST_TWIN = ("tests/test_kernel_against_reference.py",)
OF_COLUMNS = ("tests/test_column_reading.py",)
OF_LINES = ("tests/files/test_csv_lines.py",)
OF_CALLING = ("tests/client/test_calling.py",)
# One test of them, where others would begin streams without end.
OF_BROKEN_STREAMS = ("tests/client/test_calling.py::test_a_broken_stream_is_taken_up_where_answers_end",)
OF_GROUPING = ("tests/grouping/test_twin.py",)
OF_ADDONS = ("tests/test_addons.py",)
OF_METHODS = ("tests/test_golden_methods.py",)


class MutantError(Exception):
    """A mutant that cannot be planted."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: each old text of ``replacements`` stands exactly once in ``path`` and becomes the new.

    ``tests`` are the test files, or single tests as pytest names them, that shall find it.
    """

    name: str
    mistake: str
    path: str
    replacements: tuple[tuple[str, str], ...]
    tests: tuple[str, ...] = AGAINST_TWIN

    @property
    def binary(self) -> str | None:
        """The source of the binary that has the mistake in it; None: that is Python."""
        if self.path == VECTORS:
            return KERNEL
        return self.path if self.path.endswith(".pyx") else None

    def plant(self, root: Path) -> None:
        """Put the mistake into the copy of the package at ``root``. Raises MutantError."""
        file = root / self.path
        text = file.read_text(encoding="utf-8")
        for old, new in self.replacements:
            if (count := text.count(old)) != 1:
                raise MutantError(
                    f"{self.name}: {self.path} has the text to replace {count} times, not once:\n{old}\n"
                    "The code has changed; bring tests/mutants/seeded.py up to it."
                )
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")


def mutant(name: str, mistake: str, path: str, *texts: str, tests: tuple[str, ...] = AGAINST_TWIN) -> Mutant:
    """A mutant from old and new texts in turn."""
    return Mutant(name, mistake, path, tuple(zip(texts[::2], texts[1::2], strict=True)), tests)


MUTANTS = (
    # -- rounding ----------------------------------------------------------------------------------
    mutant(
        "half-up-loses-ties",
        "the whole rule rounds exact halves down",
        KERNEL,
        "up = remainder >= denominator",
        "up = remainder > denominator",
    ),
    mutant(
        "rounding-constant-floor",
        "the short cut adds nothing before cutting off: half up becomes floor",
        TABLES,
        "RoundingMode.HALF_UP: minor_unit // 2",
        "RoundingMode.HALF_UP: 0",
    ),
    mutant(
        "half-even-to-odd",
        "exact halves go to the odd neighbour",
        KERNEL,
        "(quotient & 1) == 1",
        "(quotient & 1) == 0",
    ),
    mutant(
        "half-even-is-half-up",
        "the short cut settles ties of half even as if they were of half up",
        TABLES,
        "may_settle = self.mode in (RoundingMode.HALF_UP, RoundingMode.DOWN)",
        "may_settle = self.mode is not RoundingMode.UP",
    ),
    mutant(
        "round-up-adds-to-whole-amounts",
        "rounding up adds one where nothing is left over",
        KERNEL,
        "up = mode == UP and remainder > 0",
        "up = mode == UP",
    ),
    mutant(
        "weight-not-rounded",
        "the weight under a share keeps all its digits",
        TARIFF,
        "return rounded(weight * share.share, schedule.roundings.weight)",
        "return weight * share.share",
    ),
    mutant(
        "quantity-before-rounding",
        "the quantity is multiplied in before the unit price is rounded",
        KERNEL,
        "        unit * numerator,\n",
        "        unit * numerator * cases.quantity[i],\n",
        "    unit = unit * cases.quantity[i]\n",
        "",
        "        amount_minor[k] = <int64_t>((reached >> FRACTION_BITS) * many)\n",
        "        amount_minor[k] = <int64_t>((reached * many) >> FRACTION_BITS)\n",
        "        out.amount_minor[k] = <int64_t>((reached >> PART_BITS) * many)\n",
        "        out.amount_minor[k] = <int64_t>((reached * many) >> PART_BITS)\n",
    ),
    # -- arithmetic --------------------------------------------------------------------------------
    mutant(
        "float-tariff",
        "weight x base rate in binary floating point",
        TARIFF,
        "case_weight(schedule, weight, share) * schedule.base_rate.amount, schedule",
        "Fraction(float(case_weight(schedule, weight, share)) * float(schedule.base_rate.amount)), schedule",
    ),
    mutant(
        "float-service-rate",
        "service rate x share in binary floating point",
        TARIFF,
        "rounded(service.rate * share.share,",
        "rounded(Fraction(float(service.rate) * float(share.share)),",
    ),
    mutant(
        "coefficients-all-multiply",
        "coefficients that add are multiplied",
        TARIFF,
        "increments += value - 1",
        "product *= value",
    ),
    mutant(
        "reciprocal-rounded-down",
        "the multiplication that stands for a division is one unit short",
        TABLES,
        "-(-(1 << (64 + shift)) // divisor)",
        "(1 << (64 + shift)) // divisor",
    ),
    mutant(
        "multiplier-rounded-down",
        "the fixed-point coefficient is rounded down, so that ties may fall short of the half",
        TABLES,
        "multiplier = math.ceil(self.value * (1 << MULTIPLIER_BITS))",
        "multiplier = math.floor(self.value * (1 << MULTIPLIER_BITS))",
    ),
    mutant(
        "short-cut-without-doubt",
        "the short cut is taken where the unit that may be too many reaches the next whole number",
        KERNEL,
        " | ((reached & (((<uint64_t>1) << FRACTION_BITS) - 1)) - 1)",
        "",
    ),
    mutant(
        "short-cut-settles-everything",
        "coefficients too long for it are settled by the short cut too",
        TABLES,
        "if may_settle and self.value.denominator <= _LONGEST_SETTLED_DENOMINATOR:",
        "if may_settle:",
        tests=("tests/test_plan.py", *AGAINST_TWIN),
    ),
    mutant(
        "part-without-doubt",
        "what a stay is paid in part is taken from the short cut where it may be wrong",
        KERNEL,
        " & (fraction >= TOO_MANY) & (fraction <= last - TOO_FEW)\n",
        "\n",
    ),
    mutant(
        "wide-rates-cut",
        "rates of more than 31 bits keep their lowest ones",
        TABLES,
        "WIDE_RATE + np.searchsorted(wide_rate, rate_rows)",
        "rate_rows & WIDE_RATE - 1",
    ),
    mutant(
        "product-cut-to-128-bits",
        "the whole rule ignores that a product has more than 128 bits",
        KERNEL,
        "if not mul_overflows(multiplier, numerator, &product):",
        "if mul_overflows(multiplier, numerator, &product) or True:",
    ),
    mutant(
        "quantity-product-cut-to-64-bits",
        "unit price x quantity in 64 bits",
        KERNEL,
        "    unit = unit * cases.quantity[i]\n",
        "    unit = <uint64_t>unit * <uint64_t>cases.quantity[i]\n",
    ),
    mutant(
        "component-product-cut-to-64-bits",
        "amount x share of a component in 64 bits",
        KERNEL,
        "if amount <= set_row[S_MAX_AMOUNT]:",
        "if True:",
    ),
    mutant(
        "no-overflow-check",
        "an amount of more than 18 digits is paid",
        KERNEL,
        "    unit = unit * cases.quantity[i]\n    if unit > MAX_AMOUNT_MINOR:",
        "    unit = unit * cases.quantity[i]\n    if unit > <uint64_t>-1:",
    ),
    mutant(
        "short-cut-takes-every-quantity",
        "quantities of any size are multiplied in 64 bits",
        KERNEL,
        " | (LARGEST_QUANTITY - many)",
        "",
    ),
    # -- widths ------------------------------------------------------------------------------------
    mutant(
        "item-in-8-bits",
        "cost groups are numbered in 8 bits",
        KERNEL,
        "item_place[days.first_item[day] + item[k]]",
        "item_place[days.first_item[day] + <uint8_t>item[k]]",
    ),
    mutant(
        "provider-in-8-bits",
        "providers are numbered in 8 bits",
        KERNEL,
        "coefficient_place[first_coefficient[deciding_day[k]] + provider[k]]",
        "coefficient_place[first_coefficient[deciding_day[k]] + <uint8_t>provider[k]]",
    ),
    # -- the loops for this processor --------------------------------------------------------------
    mutant(
        "vectors-cut-amounts",
        "unit prices keep their lowest 32 bits where four are multiplied at once",
        VECTORS,
        "_mm256_slli_epi64(_mm256_mul_epu32(_mm256_srli_epi64(unit, 32), many), 32));",
        "_mm256_setzero_si256());",
    ),
    mutant(
        "vectors-round-coefficients",
        "the lower half of a coefficient is dropped where four are multiplied at once",
        VECTORS,
        "_mm256_srli_epi64(_mm256_mul_epu32(records, multiplier), 32));",
        "_mm256_setzero_si256());",
    ),
    mutant(
        "vectors-without-doubt",
        "the short cut is taken four times at once where it may be wrong",
        VECTORS,
        "_mm256_sub_epi64(_mm256_and_si256(reached, fraction), one), _mm256_sub_epi64(most, many)",
        "_mm256_setzero_si256(), _mm256_sub_epi64(most, many)",
    ),
    mutant(
        "vectors-list-another-row",
        "of four rows the third is listed as the second where the fourth is listed too",
        VECTORS,
        "TARIFFCORE_ROWS(2, 3, 0, 0)",
        "TARIFFCORE_ROWS(1, 3, 0, 0)",
    ),
    mutant(
        "vectors-look-a-day-too-far",
        "days from one date to the other are not cut off at the last one that a rule looks at",
        VECTORS,
        "_mm_min_epu16(_mm_sub_epi16(to, from), last)",
        "_mm_sub_epi16(to, from)",
    ),
    # -- dates and editions ------------------------------------------------------------------------
    mutant(
        "edition-on-its-end-day",
        "an edition still prices the day on which it no longer is in force",
        TABLES,
        "MISSING_DAY if end is None else n.day_code(end))",
        "MISSING_DAY if end is None else n.day_code(end) + 1)",
    ),
    mutant(
        "edition-from-its-second-day",
        "the first day of an edition is priced by the one before",
        TABLES,
        "slice(n.day_code(start),",
        "slice(n.day_code(start) + 1,",
    ),
    mutant(
        "effective-last-instead-of-published-last",
        "of two editions that cover a day the one that begins later wins, not the one published later",
        CATALOG,
        "latest = max(covering, key=lambda edition: edition.published)",
        "latest = max(covering, key=lambda edition: edition.effective_start_date)",
    ),
    mutant(
        "not-yet-known-edition",
        "an edition published after the asking date is used",
        CATALOG,
        "if as_of is None or edition.published <= as_of]",
        "]",
    ),
    mutant(
        "discharge-always-decides",
        "the discharge date decides where the catalog says admission",
        ENCODING,
        "deciding = admission_code if by_admission else discharge_code",
        "deciding = discharge_code",
    ),
    mutant(
        "coefficient-on-its-end-day",
        "a provider's coefficients hold on the day on which they no longer do",
        TABLES,
        "covered &= starts[own] < days_since_1970(row.effective_end_date)",
        "covered &= starts[own] <= days_since_1970(row.effective_end_date)",
    ),
    # -- shares and exceptions ---------------------------------------------------------------------
    mutant(
        "share-on-tariff-instead-of-weight",
        "a share that is on the weight is taken of the tariff",
        TARIFF,
        "if share.applies_to is AppliesTo.WEIGHT:\n        return rounded(weight",
        "if share.applies_to is None:\n        return rounded(weight",
        "if share.applies_to is AppliesTo.WEIGHT:\n        return own_tariff",
        "if share.applies_to is None:\n        return own_tariff",
    ),
    mutant(
        "only-first-procedure-counts",
        "an exception is found by the first procedure of a stay only",
        COLUMNS,
        "_texts.gather_bits(codes.map(bits_of_code, 0, np.uint8), ends,",
        "firsts = np.isin(np.arange(ends[-1]), ends[:-1])\n"
        "    _texts.gather_bits(codes.map(bits_of_code, 0, np.uint8) * firsts, ends,",
    ),
    mutant(
        "last-exception-wins",
        "of two exceptions that apply the last is taken",
        TABLES,
        "next((e for e, bit in zip(share.exceptions, bits, strict=True) if signature & bit), share)",
        "next((e for e, bit in list(zip(share.exceptions, bits))[::-1] if signature & bit), share)",
    ),
    mutant(
        "hours-limit-excludes-itself",
        "a stay of exactly the hours that a setting pays is too long",
        ENCODING,
        "seconds > max_hours * 3_600",
        "seconds >= max_hours * 3_600",
    ),
    mutant(
        "seconds-not-read",
        "the seconds of an hour are dropped",
        CELLS,
        "second[i] = at.hour * 3600 + at.minute * 60 + seconds if",
        "second[i] = at.hour * 3600 + at.minute * 60 if",
    ),
    # -- reading cells -----------------------------------------------------------------------------
    mutant(
        "line-ends-beyond-a-byte",
        "more line ends in a row than a byte counts are begun again from none",
        LINES,
        "AT_ONCE = 192",
        "AT_ONCE = 512",
        tests=OF_LINES,
    ),
    mutant(
        "quotes-of-the-last-piece-only",
        "a quotation mark is not seen where none stands near the end of the block",
        LINES,
        "seen.quote |= quote",
        "seen.quote = quote",
        tests=OF_LINES,
    ),
    mutant(
        "every-fourth-year-leaps",
        "29 February 2100 is taken for a day",
        CELLS,
        "return (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))",
        "return year % 4 == 0",
        tests=OF_COLUMNS,
    ),
    mutant(
        "thirty-days-have-all-months",
        "31 April is taken for a day",
        CELLS,
        "LAST_DAY = [0, 31, 28, 31, 30,",
        "LAST_DAY = [0, 31, 28, 31, 31,",
        tests=OF_COLUMNS,
    ),
    mutant(
        "letters-for-digits",
        "2025-0:-01 is taken for a date of the tenth month",
        CELLS,
        "date | (date + <uint64_t>0x7F76767F76767676)",
        "date | (date + <uint64_t>0x7F75757F75757575)",
        tests=OF_COLUMNS,
    ),
    mutant(
        "decimals-without-their-zeros",
        "a claim of 12.5 is read as 1.25",
        CELLS,
        "                value = value * 10\n                decimals += 1\n",
        "                decimals += 1\n",
        tests=OF_COLUMNS,
    ),
    mutant(
        "day-before-month",
        "03.04.2025 is read the American way",
        CELLS,
        "number(text + 6, 4), number(text + 3, 2), number(text, 2)",
        "number(text + 6, 4), number(text, 2), number(text + 3, 2)",
        tests=OF_COLUMNS,
    ),
    # -- age ---------------------------------------------------------------------------------------
    mutant(
        "child-at-eighteen",
        "a patient of exactly the age limit is a child",
        TABLES,
        ": schedule.child_age_limit] = 1",
        ": schedule.child_age_limit + 1] = 1",
    ),
    mutant(
        "missing-age-is-adult",
        "a case without an age is priced with the adult weight",
        TABLES,
        "np.full((1 + len(self._n.editions), 256), 2, dtype=np.uint32)",
        "np.full((1 + len(self._n.editions), 256), 0, dtype=np.uint32)",
    ),
    # -- stay --------------------------------------------------------------------------------------
    mutant(
        "trim-day-excluded",
        "a stay rule no longer applies on its last day",
        TARIFF,
        "days <= rule.max_days",
        "days < rule.max_days",
    ),
    mutant(
        "one-bit-of-days-too-few",
        "the table of stay rules ends before the longest rule does",
        NUMBERING,
        "self.stay_bits = (longest + 1).bit_length()",
        "self.stay_bits = longest.bit_length()",
    ),
    mutant(
        "more-than-all-planned-days",
        "days beyond the planned ones are paid too, also of a case at an average cost",
        KERNEL,
        "days = days if days < planned else planned\n",
        "days = days\n",
        tests=OF_METHODS,
    ),
    mutant(
        "stay-of-no-days",
        "discharge on the day of admission counts no day",
        KERNEL,
        "days = days if days > 1 else 1\n        days = days if days < planned",
        "days = days if days < planned",
    ),
    mutant(
        "missing-planned-days-are-one",
        "a cost group without planned days is taken to have one",
        TABLES,
        "group.planned_days or 0",
        "group.planned_days or 1",
    ),
    mutant(
        "exemptions-ignored",
        "stay rules apply to those exempted from them",
        TARIFF,
        "and not any(exemption_applies(e, outcome=outcome, flags=flags) for e in rule.exemptions)",
        "",
    ),
    mutant(
        "unsaid-death-was-avoidable",
        "where nobody says whether a death was avoidable it was",
        TABLES,
        "(False, True) if death == DEATH_UNSAID else",
        "(False,) if death == DEATH_UNSAID else",
    ),
    mutant(
        "unknown-outcome-is-discharged",
        "a misspelt outcome is taken for an ordinary discharge",
        ENCODING,
        "plan.outcomes.get(text, UNKNOWN_OUTCOME), MISSING_OUTCOME",
        'plan.outcomes.get(text, plan.outcomes.get("discharged", UNKNOWN_OUTCOME)), MISSING_OUTCOME',
    ),
    # -- payment methods ---------------------------------------------------------------------------
    mutant(
        "addon-in-the-unit-price",
        "what is paid on top is multiplied by the quantity, as the unit price is",
        ENCODING,
        "        addons=addons,\n",
        "        addons=addons\n"
        "        if addons is None or quantity is None\n"
        "        else AddOns(addons.rows, addons.kind, addons.amount_minor * quantity[addons.rows]),\n",
        tests=OF_ADDONS,
    ),
    mutant(
        "drug-in-another-component",
        "a drug on top is put on the component beside its own",
        NUMBERING,
        "place = self.component_names.index(addon.component)\n",
        "place = (self.component_names.index(addon.component) + 1) % len(self.component_names)\n",
        tests=OF_METHODS,
    ),
    mutant(
        "head-coefficient-on-cases",
        "a coefficient of the norm per head corrects cases of a cost group too",
        TARIFF,
        "not each.units or unit in each.units for each",
        "not each.units or unit in each.units or unit is Unit.CASE for each",
        tests=OF_METHODS,
    ),
    mutant(
        "no-visit-in-every-month",
        "the factor of December, 80 % where nobody came all year, reduces every month before it",
        SCHEDULE_MODEL,
        "return (self.effective_start_date is None or self.effective_start_date <= day) and (",
        "return (self.effective_end_date is None or True) and (",
        tests=OF_METHODS,
    ),
    mutant(
        "factor-a-day-too-long",
        "a dated factor is in force on its end date, the first day on which it is not",
        SCHEDULE_MODEL,
        "self.effective_start_date <= day) and (\n            self.effective_end_date is None or day < ",
        "self.effective_start_date <= day) and (\n            self.effective_end_date is None or day <= ",
        tests=OF_METHODS,
    ),
    # -- providers and components ------------------------------------------------------------------
    mutant(
        "unknown-provider-has-coefficient-one",
        "a provider who is not listed is paid without a coefficient",
        TABLES,
        "row_of(CaseStatus.UNKNOWN_PROVIDER)",
        "row_of(per_rate(Fraction(1), schedule))",
    ),
    mutant(
        "components-rounded-alone",
        "each component is rounded by itself, so that the parts need not sum to the payment",
        KERNEL,
        "reached = mul_high(amount * running_share[k] + half, magic) >> shift\n"
        "            parts[column[k] * rows] = <int64_t>(reached - before)\n"
        "            before = reached\n"
        "    else:",
        "reached = mul_high(amount * (running_share[k] - before) + half, magic) >> shift\n"
        "            parts[column[k] * rows] = <int64_t>reached\n"
        "            before = running_share[k]\n"
        "    else:",
    ),
    mutant(
        "component-short-cut-for-every-amount",
        "amounts that outgrow the fixed-point shares are split by them too",
        TABLES,
        "short_limit = SHORT_AMOUNT if is_short else 0",
        "short_limit = 1 << 63 if is_short else 0",
        tests=("tests/test_kernel.py",),
    ),
    mutant(
        "component-short-cut-for-long-shares",
        "shares whose ties the fixed-point numbers cannot tell are split by them too",
        TABLES,
        "is_short = places == sorted(places) and denominator <= _LONGEST_SETTLED_DENOMINATOR",
        "is_short = places == sorted(places)",
        tests=("tests/test_kernel.py",),
    ),
    mutant(
        "components-in-the-order-of-columns",
        "a profile that lists its components in another order is rounded in the order of the columns",
        TABLES,
        "is_short = places == sorted(places) and denominator",
        "is_short = denominator",
    ),
    mutant(
        "first-component-gets-everything",
        "the running share of the components starts at one",
        TABLES,
        "reached = Fraction(0)\n",
        "reached, parts = Fraction(0), (*((name, Fraction(k == 0)) for k, (name, _) in enumerate(parts)),)\n",
    ),
    mutant(
        "components-of-all-settings-first",
        "a profile's own shares of a care setting are passed over for those of all settings",
        TARIFF,
        "return of_setting or tuple(row for row in of_profile if row.care_setting is None)",
        "return tuple(row for row in of_profile if row.care_setting is None) or of_setting",
    ),
    mutant(
        "stream-keeps-its-tables",
        "a new stream is sent places that only the broken one's tables have",
        STREAM,
        "        self._tables = StreamTables()\n        self.has_begun = False",
        "        self.has_begun = False",
        tests=OF_BROKEN_STREAMS,
    ),
    mutant(
        "stream-begins-behind-the-unanswered",
        "chunks without an answer are not sent again",
        STREAM,
        "        self._waiting.extendleft(reversed(self._unanswered))\n",
        "",
        tests=OF_CALLING,
    ),
    mutant(
        "stream-turns-the-unanswered-round",
        "chunks without an answer are sent again in the wrong order",
        STREAM,
        "extendleft(reversed(self._unanswered))",
        "extendleft(self._unanswered)",
        tests=OF_CALLING,
    ),
    mutant(
        "stream-goes-on-by-other-editions",
        "after a break the rest is priced by whatever is in force then",
        STREAM,
        "if self.names is not None and names != self.names:",
        "if self.names is not None and names is None:",
        tests=OF_CALLING,
    ),
    mutant(
        "stream-takes-a-missing-word-for-the-first",
        "a missing word travels as the first of its table",
        STREAM,
        "table[-1] = 0  #",
        "table[-1] = 1  #",
        tests=OF_CALLING,
    ),
    mutant(
        "client-takes-what-is-unreadable-for-missing",
        "the two marks of a row are mixed up",
        "tariffcore/client/case_columns.py",
        "UNREADABLE, MISSING, NO_ROW = 1, 2, 3",
        "UNREADABLE, MISSING, NO_ROW = 2, 1, 3",
        tests=OF_CALLING,
    ),
    mutant(
        "token-over-the-house-network",
        "a token goes in plain text to any private address",
        "tariffcore/client/connection.py",
        "is_loopback",
        "is_private",
        tests=("tests/client/test_connection.py",),
    ),
    # --- settlement
    mutant(
        "scale-from-plan",
        "a slice of the linear scale pays from the plan on, not from where it begins",
        f"{SETTLEMENT}/month.py",
        "within = max(end - start, Fraction(0))",
        "within = max(end, Fraction(0))",
        tests=("tests/settlement/test_month_against_reference.py",),
    ),
    mutant(
        "advance-lapses",
        "a part of an advance that could not be held is forgotten",
        f"{SETTLEMENT}/month.py",
        "return max(by_now - self.recovered, 0)",
        "return self.amount // parts if 0 < begun else 0",
        tests=("tests/settlement/test_month_against_reference.py",),
    ),
    mutant(
        "advances-unpaid",
        "advances do not count as paid when the year's remainder is found",
        f"{SETTLEMENT}/book/records.py",
        "paid[key] = paid.get(key, 0) + row.amount",
        "paid[key] = paid.get(key, 0)",
        tests=("tests/settlement/test_golden_months.py",),
    ),
    mutant(
        "held-again",
        "a line that was held is set aside when it is claimed again",
        f"{SETTLEMENT}/lines.py",
        "status[row] = LineStatus.RELEASED",
        "status[row] = LineStatus.OTHER_MONTH",
        tests=("tests/settlement/test_run.py",),
    ),
    mutant(
        "dialysis-twice",
        "a patient's second line of dialysis in a month is paid",
        f"{SETTLEMENT}/intake.py",
        "gone[row] = LineStatus.PATIENT_REPEATED",
        "pass",
        tests=("tests/settlement/test_run.py",),
    ),
    mutant(
        "other-price-paid",
        "a line whose price in the priced file is another is paid at ours, unsaid",
        f"{SETTLEMENT}/intake.py",
        "lines.status[differing & (lines.in_month | unpriced)]",
        "lines.status[differing & unpriced]",
        tests=("tests/settlement/test_priced_file.py",),
    ),
    mutant(
        "claims-frozen",
        "a line without a claim keeps its old price as its claim when an edition changes it backwards",
        f"{SETTLEMENT}/backdated.py",
        "claimed_now = np.where(follows, new, claimed)",
        "claimed_now = claimed",
        tests=("tests/settlement/test_backdated.py",),
    ),
    # --- costing
    mutant(
        "early-depreciation",
        "the month after commissioning begins in its middle",
        f"{COSTING}/depreciation.py",
        "MonthlyConvention.NEXT_MONTH: 2,",
        "MonthlyConvention.NEXT_MONTH: 1,",
        tests=("tests/costing/test_depreciation.py", "tests/costing/test_assets.py"),
    ),
    mutant(
        "no-switch",
        "declining balance never switches to straight line",
        f"{COSTING}/depreciation.py",
        "min(max(declining, level), depreciable_minor)",
        "min(declining, depreciable_minor)",
        tests=("tests/costing/test_depreciation.py",),
    ),
    mutant(
        "residual-without-interest",
        "the residual value of an annuity ties up no capital",
        f"{COSTING}/depreciation.py",
        "    if residual_minor:\n",
        "    if residual_minor < 0:\n",
        tests=("tests/costing/test_depreciation.py",),
    ),
    mutant(
        "to-itself",
        "a centre is passed on to itself",
        f"{COSTING}/allocation.py",
        "if value and receiver != code",
        "if value",
        tests=("tests/costing/test_allocation.py",),
    ),
    mutant(
        "kinds-mixed",
        "ancillary centres are passed on before overhead",
        f"{COSTING}/allocation.py",
        "return by_kind | {other",
        "return {other",
        tests=("tests/costing/test_allocation.py",),
    ),
    mutant(
        "decided-by-the-lower-bound",
        "a rounding that bounds leave open is decided by the lower one",
        f"{COSTING}/enclosures.py",
        "        if rounded == rounding(high):\n",
        "        if rounded <= rounding(high):\n",
        tests=("tests/costing/test_enclosures.py",),
    ),
    mutant(
        "quartile-rank",
        "the upper quartile is one value too high",
        f"{COSTING}/trimming.py",
        "ordered[-(-3 * count // 4) - 1]",
        "ordered[min(-(-3 * count // 4), count - 1)]",
        tests=("tests/costing/test_trimming.py",),
    ),
    mutant(
        "beyond-the-budget",
        "the base rate within the budget is only rounded down",
        f"{COSTING}/base_rate.py",
        "    if budget.mode is BudgetMode.WITHIN_BUDGET:\n",
        "    if budget.mode is BudgetMode.UP:\n",
        tests=("tests/costing/test_run.py",),
    ),
    mutant(
        "parts-rounded-singly",
        "unit costs are rounded one by one and lose a tiyn",
        f"{COSTING}/unit_costs.py",
        "            reached = divided_half_up(running[component], denominator)\n",
        "            reached = given[component] + divided_half_up(part, denominator)\n",
        tests=("tests/costing/test_run.py",),
    ),
    mutant(
        "discharged-where-admitted",
        "a case counts in the centre of its first row",
        f"{COSTING}/activity.py",
        "        last[case] = np.arange(len(case))  #",
        "        last[case[::-1]] = np.arange(len(case))[::-1]  #",
        tests=("tests/costing/test_activity.py",),
    ),
    mutant(
        "unmarked-reversal",
        "an amount below zero needs no mark",
        f"{COSTING}/books.py",
        "if (amount < 0) != bool(reversal) and amount:",
        "if bool(reversal) and amount > 0:",
        tests=("tests/costing/test_inputs.py",),
    ),
    mutant(
        "capital-of-the-unsplit",
        "all components count as capital",
        f"{COSTING}/capital_in_payments.py",
        "            if row.capital and row.component in found:\n",
        "            if row.component in found:\n",
        tests=("tests/costing/test_capital_in_payments.py",),
    ),
    # -- grouping ----------------------------------------------------------------------------------
    mutant(
        "lightest-group",
        "the lightest of the groups that hold wins, not the heaviest",
        RANKING,
        "    return True, -weight, loses_the_tie, rule.priority\n",
        "    return True, weight, loses_the_tie, rule.priority\n",
        tests=OF_GROUPING,
    ),
    mutant(
        "tie-to-the-other-kind",
        "of groups that weigh the same the procedure's wins where the policy says the diagnosis's",
        RANKING,
        "loses_the_tie = rule.kind is not policy.tie",
        "loses_the_tie = rule.kind is policy.tie",
        tests=OF_GROUPING,
    ),
    mutant(
        "adult-weights-for-children",
        "the choice for a child goes by the weights of adults",
        GROUPING_TABLES,
        "for age in (AgeClass.ADULT, AgeClass.CHILD)]",
        "for age in (AgeClass.ADULT, AgeClass.ADULT)]",
        tests=OF_GROUPING,
    ),
    mutant(
        "excluded-is-required",
        "a secondary diagnosis that a rule excludes is asked for",
        GROUPING,
        "rule.excluded_set >= 0 and any_is_member(",
        "rule.excluded_set >= 0 and not any_is_member(",
        tests=OF_GROUPING,
    ),
    mutant(
        "first-by-last",
        "by priority, the rule with the largest number wins",
        RANKING,
        "        return True, Fraction(0), False, rule.priority\n",
        "        return True, Fraction(0), False, -rule.priority\n",
        tests=OF_GROUPING,
    ),
    mutant(
        "last-day-of-an-age",
        "an age in days that is the last of a rule's is beyond it",
        "tariffcore/grouping_facts.py",
        "[*low, band.high + 1]",
        "[*low, band.high]",
        tests=OF_GROUPING,
    ),
    mutant(
        "end-of-a-range",
        "the last codes of a range of secondary diagnoses are not in it",
        GROUPING_TABLES,
        "self._diagnoses.of_code(low) : self._diagnoses.of_code(high)]",
        "self._diagnoses.of_code(low) : self._diagnoses.of_code(high) - 1]",
        tests=OF_GROUPING,
    ),
    mutant(
        "range-without-its-last-codes",
        "a range of codes in a rule ends before its last code's own subcodes",
        "tariffcore/schedule/grouping_table.py",
        "    return CodeRange(low, high + _AFTER_EVERY_CODE, written)\n",
        "    return CodeRange(low, high, written)\n",
        tests=("tests/schedule/test_grouping_rules.py",),
    ),
    mutant(
        "equals-not-looked-at",
        "once a rule holds, the others of its rank are not looked at: nothing is ambiguous",
        GROUPING,
        "while rule.asks & IS_CONTESTED and",
        "while False and",
        tests=OF_GROUPING,
    ),
    mutant(
        "undecided-holds",
        "a rule that asks for what a case is missing holds",
        GROUPING,
        "return UNDECIDED if rule.asks & case.missing else HOLDS",
        "return HOLDS",
        tests=OF_GROUPING,
    ),
    mutant(
        "procedures-that-fit",
        "of many procedures only those that are looked through at once count",
        GROUPING,
        "    while entered < case.procedure_count:\n",
        "    while False:\n",
        tests=OF_GROUPING,
    ),
    mutant(
        "second-best-of-a-code",
        "where the best rule of a code fails, its second is left out",
        "tariffcore/grouping_order.py",
        "begin + np.minimum(first + 1, rest.shape[1] - 1)",
        "begin + np.minimum(first + 2, rest.shape[1] - 1)",
        tests=OF_GROUPING,
    ),
    mutant(
        "bands-beyond-the-first-word",
        "what a rule refuses beyond the first 64 classes is not looked at",
        GROUPING,
        "for word in range(tables.further_words):",
        "for word in range(0):",
        tests=("tests/grouping/test_large_rule_sets.py",),
    ),
    mutant(
        "sets-of-few-codes",
        "only the first 4,096 classes of codes are looked up in lists of secondary diagnoses",
        GROUPING,
        "tables.filled_words_a_set + (word >> 6)]",
        "tables.filled_words_a_set]",
        tests=("tests/grouping/test_large_rule_sets.py",),
    ),
)
