"""Pytest plugin of a mutant's run: what is tested is the copy, and a failure is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test anything but the copy; draw the same examples every time and do not shrink."""
    import tariffcore
    from tariffcore import _kernel

    for module in (tariffcore, _kernel):
        place = Path(str(module.__file__)).resolve()
        if not place.is_relative_to(config.rootpath.resolve()):
            raise pytest.UsageError(f"{place} is not in the copy {config.rootpath}: the mutant is not tested")
    settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")
