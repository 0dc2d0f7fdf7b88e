"""Memory that a program keeps for what comes next, instead of fetching it from the system again page by page.

For programs only: how memory is kept is a matter of the whole process, so a library leaves it to its host.
"""

from __future__ import annotations

import ctypes
import os
import sys

import pyarrow as pa

# malloc.h of glibc
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

KEPT_BYTES = 512 << 20
"""More than this is given back at once."""
LARGEST_KEPT_BLOCKS = (64 << 20, 32 << 20)
"""Larger blocks always come from the system and go back to it: the first size that the C library takes."""

_SETTINGS_OF_MALLOC = (
    *("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"),
    "GLIBC_TUNABLES",
)
_SETTING_OF_ARROW = "ARROW_DEFAULT_MEMORY_POOL"
OWN_SETTINGS = (*_SETTINGS_OF_MALLOC, _SETTING_OF_ARROW)
"""Variables by which whoever starts a program says how it keeps memory."""


def keep_freed_memory() -> None:
    """Has the chunks of a long run use the same memory, one after the other; call it before threads begin.

    All threads share one heap of glibc, which hands freed blocks on: those of each further thread would be
    given back whenever they are all free, and Arrow's own allocator gives back what was not asked for within
    some milliseconds.  Whoever started the program and said otherwise, with a variable of glibc or of Arrow,
    has the last word; with other C libraries only Arrow's allocator changes.
    """
    if _SETTING_OF_ARROW not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _SETTINGS_OF_MALLOC):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    any(mallopt(_M_MMAP_THRESHOLD, size) for size in LARGEST_KEPT_BLOCKS)
