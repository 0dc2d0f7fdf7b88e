"""What grouping rules ask of a case beside its codes, as bits: a rule and a case meet in one AND a word.

The bands of all rules cut the values of a field into classes between which no rule can tell, and so do the
words of a vocabulary. A case has one class of each field, which is a bit; a rule refuses some, which are bits
too. A missing value has no class, so no rule refuses it. Of qualifiers a case has a bit for each it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariffcore.schedule.grouping_model import Band, GroupingRule, Sex
from tariffcore.schedule.limits import MAX_BIRTH_WEIGHT_GRAMS
from tariffcore.schedule.model import Schedule

NO_YEARS, NO_DAYS = 255, 65_535
MANY_DAYS = 364 + 1
"""An age in days that is a year or more: no rule tells such ages apart."""
MAX_STAY = 65_535
SEX_NUMBERS = {Sex.FEMALE.value: 1, Sex.MALE.value: 2}

WORD = 64
YEARS, DAYS, SEX, BIRTH_WEIGHT, STAY, OUTCOME, CARE_SETTING = range(7)
"""The fields, by their numbers in `_grouping.pyx`."""


_MOST_BITS = 1 << 31


class TooManyBandsError(Exception):
    """The rules tell more classes apart than there is memory for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """How facts of cases become bits, and what each rule refuses.

    columns           int32, (field, last value that it tells apart, where its bits start) each, word by word
    first_column      int32, of each word, and behind the last one
    bits              uint64, what each value of a column sets in its word
    qualifiers_asked  bits of the first word that stand for what a case lacks
    refused           uint64, [rule, word]
    """

    columns: NDArray[np.int32]
    first_column: NDArray[np.int32]
    bits: NDArray[np.uint64]
    qualifiers_asked: int
    refused: NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Field:
    """The class of each value (-1: none; the last value stands for all beyond), and what rules refuse.

    Many rules ask the same: ``asked`` is what each asks, and ``refused`` is by [what is asked, class].
    """

    number: int
    class_of: NDArray[np.int64]
    asked: NDArray[np.intp]
    refused: NDArray[np.bool_]


def facts_of(rules: Sequence[GroupingRule], schedule: Schedule, qualifiers: Sequence[str]) -> Facts:
    """The facts that these rules tell apart. Raises TooManyBandsError."""
    sexes = [frozenset([rule.sex.value]) if rule.sex else frozenset() for rule in rules]
    fields = [
        _of_bands(YEARS, [rule.age_years for rule in rules], 0, NO_YEARS - 1, missing=NO_YEARS),
        # a missing number of days is one more than there can be
        _of_bands(DAYS, [rule.age_days for rule in rules], 0, MANY_DAYS, missing=MANY_DAYS + 1),
        _of_words(SEX, sexes, list(SEX_NUMBERS), is_missing_known=False),
        _of_bands(BIRTH_WEIGHT, [rule.birth_weight_grams for rule in rules], 1, MAX_BIRTH_WEIGHT_GRAMS),
        _of_bands(STAY, [rule.length_of_stay_days for rule in rules], 0, MAX_STAY),
        _of_words(OUTCOME, [rule.outcomes for rule in rules], schedule.outcomes),
        _of_words(CARE_SETTING, [rule.care_settings for rule in rules], schedule.care_settings),
    ]
    return _laid_out([field for field in fields if field.refused.any()], rules, qualifiers)


def _of_bands(
    number: int, bands: Sequence[Band | None], least: int, most: int, missing: int | None = None
) -> _Field:
    """A field of whole numbers from ``least`` to ``most``; less than that has no class."""
    different = list(dict.fromkeys(bands))
    ends = {end for band in different if band for end in _ends(band) if least < end <= most}
    cuts = np.array([least, *sorted(ends)])
    # all from the last cut on is one class, so the table need not go further, if nothing else stands behind
    last = int(cuts[-1]) if missing is None else missing
    class_of = np.searchsorted(cuts, np.arange(last + 1), side="right") - 1
    if missing is not None:
        class_of[missing] = -1
    if len(different) * len(cuts) > _MOST_BITS:
        raise TooManyBandsError
    refused = np.array(
        [[band is not None and not band.holds(int(cut)) for cut in cuts] for band in different],
        dtype=np.bool_,
    )
    return _Field(number, class_of, _places(bands, different), refused.reshape(-1, len(cuts)))


def _places(asked: Sequence[object], different: Sequence[object]) -> NDArray[np.intp]:
    place = {one: own for own, one in enumerate(different)}
    return np.array([place[one] for one in asked], dtype=np.intp)


def _ends(band: Band) -> list[int]:
    """The first value in the band, and the first behind it."""
    low = [] if band.low is None else [band.low]
    return low if band.high is None else [*low, band.high + 1]


def _of_words(
    number: int, asked: Sequence[frozenset[str]], vocabulary: Sequence[str], is_missing_known: bool = True
) -> _Field:
    """A field of words, numbered from 1. Number 0 is a word of no edition, or none at all."""
    class_of = np.arange(len(vocabulary) + 1)
    if not is_missing_known:
        class_of[0] = -1
    different = list(dict.fromkeys(asked))
    refused = np.array(
        [[bool(words), *(bool(words) and word not in words for word in vocabulary)] for words in different],
        dtype=np.bool_,
    )
    return _Field(number, class_of, _places(asked, different), refused.reshape(-1, len(class_of)))


def _laid_out(fields: Sequence[_Field], rules: Sequence[GroupingRule], qualifiers: Sequence[str]) -> Facts:
    """The classes of each field side by side in a word; of many, in words of their own."""
    columns: list[tuple[int, int, int]] = []
    first_column = [0]
    bits: list[NDArray[np.uint64]] = []
    words: list[NDArray[np.uint64]] = [np.zeros(len(rules), dtype=np.uint64)]
    own_bit = {word: np.uint64(1 << place) for place, word in enumerate(qualifiers)}
    asked = np.uint64(0)
    for place, rule in enumerate(rules):
        for word in rule.qualifiers:
            words[0][place] |= own_bit[word]
            asked |= own_bit[word]
    free = int(asked).bit_length()
    start = 0
    for field in fields:
        classes = field.refused.shape[1]
        for first in range(0, classes, WORD):
            count = min(WORD, classes - first)
            if free + count > WORD:
                words.append(np.zeros(len(rules), dtype=np.uint64))
                if len(rules) * len(words) * WORD > _MOST_BITS:
                    raise TooManyBandsError
                first_column.append(len(columns))
                free = 0
            own = np.zeros(len(field.class_of), dtype=np.uint64)
            for number in range(count):
                bit = np.uint64(1 << (free + number))
                own[field.class_of == first + number] = bit
                words[-1][field.refused[field.asked, first + number]] |= bit
            columns.append((field.number, len(own) - 1, start))
            bits.append(own)
            start += len(own)
            free += count
    return Facts(
        np.array(columns, dtype=np.int32).reshape(-1, 3),
        np.array([*first_column, len(columns)], dtype=np.int32),
        np.concatenate([*bits, np.zeros(1, dtype=np.uint64)]),  # one more, so that there is one to point at
        int(asked),
        np.stack(words, axis=1),
    )
