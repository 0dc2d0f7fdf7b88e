"""What holds for every test: nothing is timed, since a busy machine is no failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tariffcore", deadline=None)
settings.load_profile("tariffcore")
