import os
import subprocess
import sys

import pytest

from tariffcore import kept_memory

# Blocks of 40 MiB by turns: what is kept costs no new pages the second time.
_FAULTS_OF_A_SECOND_TURN = """
import resource
import pyarrow as pa
from tariffcore.kept_memory import keep_freed_memory

keep_freed_memory()
print(pa.default_memory_pool().backend_name)
size = 40 << 20
b"x" * size
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    b"x" * size
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _in_a_process(**environment: str) -> tuple[str, int]:
    clean = {name: value for name, value in os.environ.items() if name not in kept_memory.OWN_SETTINGS}
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS_OF_A_SECOND_TURN],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    pool, faults = done.stdout.split()
    return pool, int(faults)


@pytest.mark.skipif(os.confstr("CS_GNU_LIBC_VERSION") is None, reason="another C library")
def test_memory_that_was_freed_is_used_again() -> None:
    pool, faults = _in_a_process()
    assert pool == "system"
    assert faults < 1_000  # of some 10,000 pages a turn


def test_whoever_says_otherwise_has_the_last_word() -> None:
    pool, faults = _in_a_process(MALLOC_MMAP_THRESHOLD_=str(1 << 20), ARROW_DEFAULT_MEMORY_POOL="mimalloc")
    assert pool == "mimalloc"
    assert faults > 1_000
