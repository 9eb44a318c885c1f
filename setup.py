"""Builds the compiled modules: one table of extensions, directives and flags stated once.

Switches (environment variables, all off by default):

PRICECORE_DEBUG=1       bounds checks, None checks and the asserts of the compiled code are on
PRICECORE_SANITIZE=...  thread, address or undefined (comma-separated): build with these sanitizers
PRICECORE_ANNOTATE=1    write Cython's annotated HTML beside the generated C (build/cython)
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("PRICECORE_DEBUG", "") not in ("", "0")
ANNOTATE = os.environ.get("PRICECORE_ANNOTATE", "") not in ("", "0")
SANITIZE = os.environ.get("PRICECORE_SANITIZE", "")

DIRECTIVES = {
    "language_level": 3,
    # A method descriptor is specialised by the interpreter, a Cython function is not: 20 against 28 ns a call.
    "binding": False,
    "embedsignature": True,
    "embedsignature.format": "clinic",
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "cdivision": True,
    "auto_pickle": False,
    "autotestdict": False,
}


def compile_flags() -> tuple[list[str], list[str]]:
    """Return the compiler's and the linker's arguments for this build."""
    if sys.platform == "win32":
        return ["/O2", "/std:c11"], []
    # Records are written as fields and copied as words, hence no strict aliasing.
    flags = ["-std=gnu11", "-fno-strict-aliasing", "-Wall", "-Wno-unused-function"]
    if SANITIZE:
        sanitizers = f"-fsanitize={SANITIZE}"
        return [*flags, "-O1", "-g", sanitizers, "-fno-omit-frame-pointer"], [sanitizers]
    if DEBUG:
        return [*flags, "-O1", "-g", "-UNDEBUG"], []
    return [*flags, "-O3", "-g0", "-DNDEBUG"], []


def extensions() -> list[Extension]:
    """Return one extension for every .pyx of the package."""
    compile_args, link_args = compile_flags()
    macros = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
    if not DEBUG:
        macros.append(("CYTHON_WITHOUT_ASSERTIONS", "1"))
    import numpy

    return [
        Extension(
            ".".join(path.with_suffix("").parts),
            [path.as_posix()],
            include_dirs=["pricecore/primitives", numpy.get_include()],
            define_macros=macros,
            extra_compile_args=compile_args,
            extra_link_args=link_args,
        )
        for path in sorted(Path("pricecore").rglob("*.pyx"))
    ]


setup(
    ext_modules=cythonize(
        extensions(),
        compiler_directives=DIRECTIVES,
        build_dir="build/cython",
        annotate=ANNOTATE,
        nthreads=int(os.environ.get("PRICECORE_BUILD_JOBS", "0")),
    ),
)
