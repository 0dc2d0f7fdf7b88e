"""How large a schedule and its numbers may be, so that every amount can be computed exactly.

The kernel works in 64- and 128-bit whole numbers (and wider products where it must); a schedule inside
these limits can never make it lose a digit. No known tariff comes near them.
"""

from __future__ import annotations

MAX_TARIFF_MINOR = 10**18 - 1
"""The largest tariff in minor units, multiplied by the common denominator of all tariffs of the schedule
(1 where tariffs are rounded to the minor unit or coarser)."""

MAX_TARIFF_DENOMINATOR = 10**12
"""The largest common denominator of the tariffs, in minor units, of a schedule that does not round them
to the minor unit (``tariff_places = "exact"``, or more places than the currency has)."""

MAX_SHARE_PART = 10**9
"""The largest numerator and denominator, reduced, of a share, a share of a stay rule or a factor."""

MAX_COEFFICIENT_PART = 10**32
"""The largest numerator and denominator, reduced, of a provider's combined coefficient."""

MAX_COMPONENT_DENOMINATOR = 10**18
"""The largest common denominator of the component shares of one profile and care setting."""

MAX_CODES = 65_000
"""Cost groups and services together."""

MAX_PROVIDERS = 65_000

MAX_WORDS = 250
"""Care settings, outcomes, flags, shares and exceptions, stay rules, components, factors: of each kind."""

MAX_PLANNED_DAYS = 9_999
MAX_STAY_DAYS = 32_767
MAX_STAY_HOURS = MAX_STAY_DAYS * 24
MAX_AGE_YEARS = 130
MAX_AGE_DAYS = (MAX_AGE_YEARS + 1) * 366 - 1
MAX_MINOR_UNITS = 4
MIN_PLACES = -6
MAX_PLACES = 12
"""Decimals a rounding may keep; a negative number rounds to tens, hundreds, ..."""

MAX_CODE_LENGTH = 100
"""Characters of a code, an id or a word of the vocabulary."""

MAX_FILE_BYTES = 256 * 1024 * 1024
"""One file of a schedule folder; a hundred times the largest table known."""

MAX_EXCEPTION_LISTS = 8
"""Different lists of exception procedures: a case's procedures are one bit a list."""

MAX_RULE_AGE_DAYS = 364
"""Ages in days are for the first year of life."""

MIN_BIRTH_WEIGHT_GRAMS = 100
MAX_BIRTH_WEIGHT_GRAMS = 8_000
"""What a newborn can weigh; a weight outside is a slip of the unit or the keyboard, and no band has it."""

MAX_RULE_PRIORITY = 1_000_000
MAX_GROUPING_RULES = 1_000_000
MAX_QUALIFIERS = 64
"""A case's qualifiers are one bit each."""

MAX_DENOMINATOR_BITS = 126
"""Of a unit price before it is rounded: coefficient, tariff, rounding step and stay factor together."""
