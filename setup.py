"""The compiled extensions only; everything else is in pyproject.toml."""

import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# One stable-ABI binary serves CPython 3.11 and later.  Memoryviews need the buffer protocol,
# which joined the stable ABI in 3.11.  Free-threaded CPython has no stable ABI: there the binary is its own.
stable_abi = not sysconfig.get_config_var("Py_GIL_DISABLED")

extensions = [
    Extension(
        f"tariffcore.{source.stem}",
        [source.as_posix()],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if stable_abi else [],
        py_limited_api=stable_abi,
        extra_compile_args=["/O2"] if sys.platform == "win32" else ["-O3"],
    )
    for source in sorted(Path("tariffcore").glob("*.pyx"))
]

setup(
    # force: cythonize does not notice changed directives
    ext_modules=cythonize(extensions, force=True, quiet=True, language_level=3),
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if stable_abi else {},
)
