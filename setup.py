"""Builds the compiled modules: one table of extensions; directives, flags and switches stated once.

Switches (environment variables, all off by default):

PRICECORE_DEBUG=1       bounds checks, None checks and the asserts of the compiled code are on
PRICECORE_SANITIZE=...  thread, address or undefined (comma-separated): build with these sanitizers
PRICECORE_COVERAGE=1    count which lines are reached (ci/coverage); the generated C lies beside its .pyx
PRICECORE_ANNOTATE=1    write Cython's annotated HTML beside the generated C (build/cython-*)
"""

import os
import re
import shutil
import sys
from pathlib import Path

import Cython
import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext

DEBUG = os.environ.get("PRICECORE_DEBUG", "") not in ("", "0")
COVERAGE = os.environ.get("PRICECORE_COVERAGE", "") not in ("", "0")
ANNOTATE = os.environ.get("PRICECORE_ANNOTATE", "") not in ("", "0")
SANITIZE = os.environ.get("PRICECORE_SANITIZE", "")

DIRECTIVES = {
    "language_level": 3,
    # A method descriptor is specialised by the interpreter, a Cython function is not: 20 against 28 ns a call.
    "binding": False,
    # Signatures that inspect, help() and stubtest read although binding is off. A default value must then
    # be a literal or a Python name of the module: one from C, or a call, leaves the method without signature.
    "embedsignature": True,
    "embedsignature.format": "clinic",
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "cdivision": True,
    "auto_pickle": False,
    # Nothing here relies on a GIL: see FREE_THREADED in primitives/atomics.pxd, and the critical sections.
    "freethreading_compatible": True,
    "autotestdict": False,
    "linetrace": COVERAGE,
}

# What a line does in Cython's tracing build where it is not compiled for tracing: nothing. And what it does for
# ci/coverage instead: tests/line_coverage/reached.h notes it, without the interpreter and without the GIL.
REACHED = "tests/line_coverage/reached.h"
NO_TRACE = re.compile(r"(#define __Pyx_TraceLine\(line, offset, nogil, goto_error\) +)if \(\(1\)\); else goto_error;\n")
NOTE_LINE = r"\1{ PRICECORE_REACHED(); if ((1)); else goto_error; }\n"


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
    if COVERAGE:
        return [*flags, "-O1", "-g0", "-DNDEBUG", "-Wno-unused-label", "-include", REACHED], []
    return [*flags, "-O3", "-g0", "-DNDEBUG"], []


def extensions() -> list[Extension]:
    """Return one extension for every .pyx of the package."""
    compile_args, link_args = compile_flags()
    macros = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
    # Asserts, and the steps at which tests kill the process, are in debug builds only.
    macros.append(("PRICECORE_STEPS", "1") if DEBUG else ("CYTHON_WITHOUT_ASSERTIONS", "1"))
    if COVERAGE:
        macros += [("CYTHON_PROFILE", "0"), ("CYTHON_TRACE", "0")]
    return [
        Extension(
            ".".join(path.with_suffix("").parts),
            [path.as_posix()],
            include_dirs=["pricecore/primitives", "pricecore/eventlog", numpy.get_include()],
            define_macros=macros,
            extra_compile_args=compile_args,
            extra_link_args=link_args,
        )
        for path in sorted(Path("pricecore").rglob("*.pyx"))
    ]


def note_lines(generated: Path) -> None:
    """Let each line of this C note that it was reached; what was changed before stays."""
    text = generated.read_text(encoding="utf-8")
    changed, count = NO_TRACE.subn(NOTE_LINE, text)
    if count:
        generated.write_text(changed, encoding="utf-8")
    elif "PRICECORE_REACHED" not in text:
        raise SystemExit(f"{generated}: this Cython traces lines in another way: see NO_TRACE in setup.py")


class CleanBuild(build):
    """Builds a wheel's content from nothing: a library left in build/ by an older tree must not get into it."""

    def run(self) -> None:
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class CythonBuild(build_ext):
    """Runs Cython only when something is compiled, so that an sdist never sees generated C."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        # The name keeps the C of other directives, of another Cython or numpy apart: time stamps do not tell them.
        kind = "debug" if DEBUG else "coverage" if COVERAGE else "release"
        variant = f"{Cython.__version__}-numpy-{numpy.__version__}-{kind}"
        modules = cythonize(
            self.extensions,
            compiler_directives=DIRECTIVES,
            build_dir=None if COVERAGE else f"build/cython-{variant}",
            annotate=ANNOTATE,
            force=ANNOTATE,
            nthreads=self.parallel if len(self.extensions) > 1 else 0,
        )
        for extension, module in zip(self.extensions, modules, strict=True):
            extension.sources, extension.depends = module.sources, module.depends
        if COVERAGE:
            for extension in self.extensions:
                note_lines(Path(extension.sources[0]))
        self.force = self.force or self.switches_changed(variant)
        super().run()

    def switches_changed(self, variant: str) -> bool:
        """Tell whether the libraries left in build/ were made with other switches, and remember these."""
        stamp = Path(self.build_temp, "switches.txt")
        before = stamp.read_text() if stamp.exists() else ""
        now = f"{variant} {SANITIZE}"
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(now)
        return now != before


if __name__ == "__main__":  # cythonize(nthreads=...) may import this file again
    setup(ext_modules=extensions(), cmdclass={"build": CleanBuild, "build_ext": CythonBuild})
