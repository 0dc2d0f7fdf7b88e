"""The version of the engine, which every result names beside the digest of its schedule."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

UNINSTALLED_VERSION = "0+uninstalled"
"""What a source tree that was never installed calls itself: no result of it can pass for a release's."""


def _installed_version() -> str:
    try:
        return version("tariffcore")
    except PackageNotFoundError:
        return UNINSTALLED_VERSION


ENGINE_VERSION = _installed_version()
