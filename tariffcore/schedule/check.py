"""Whether the parts of a schedule fit together and prove themselves.

Each check is a short function over what was read. Where it needs a part of schedule.toml or a cell that
could not be read, it keeps silent: the reader has named what is wrong there, and a second complaint would
only be its echo. Everything else is checked all the same, down to the other cells of the same row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tariffcore.errors import Problem
from tariffcore.schedule import check_grouping, check_rules, check_sizes, check_tables
from tariffcore.schedule.proof import check_published
from tariffcore.schedule.reading import Reading

CHECKS: tuple[Callable[[Reading], Iterator[Problem]], ...] = (
    check_rules.check_shares,
    check_rules.check_addons,
    check_rules.check_exemptions,
    check_rules.check_unreachable_stay_rules,
    check_tables.check_groups,
    check_tables.check_codes_apart,
    check_tables.check_component_profiles,
    check_tables.check_component_sums,
    check_tables.check_component_capital,
    check_tables.check_coefficients,
    check_tables.check_provider_periods,
    check_tables.check_services,
    check_tables.check_service_spans,
    check_tables.check_planned_days_of_services,
    check_tables.check_reception_consultations,
    check_tables.check_factor_spans,
    check_grouping.check_presence,
    check_grouping.check_words,
    check_grouping.check_groups,
    check_grouping.check_conditions,
    check_grouping.check_listed_codes,
    check_grouping.check_rules_that_never_win,
    check_sizes.check_counts,
    check_sizes.check_share_parts,
    check_sizes.check_coefficient_parts,
    check_sizes.check_component_parts,
    check_sizes.check_tariff_sizes,
    check_sizes.check_denominators,
    check_published,
)


def check(reading: Reading) -> list[Problem]:
    """Every problem of every check."""
    return [problem for one_check in CHECKS for problem in one_check(reading)]
