"""Compiles a test's own .pyx against the installed pricecore: loops in C that overlap without the GIL."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pricecore

_BUILD = """
import sys
from Cython.Build import cythonize
from setuptools import Extension, setup
import numpy
source, include, flags = sys.argv[1], sys.argv[2], sys.argv[3].split()
extension = Extension(
    source.rsplit("/", 1)[-1].removesuffix(".pyx"), [source],
    include_dirs=[include, numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"), ("PC_DAMAGED_TRIES", "INT_MAX")],
    extra_compile_args=["-std=gnu11", "-O1", "-fno-strict-aliasing", *flags], extra_link_args=flags,
)
setup(
    name="native", script_args=["-q", "build_ext", "--build-lib", ".", "--build-temp", "temp"],
    ext_modules=cythonize([extension], build_dir=".", quiet=True, compiler_directives={
        "language_level": 3, "cdivision": True, "freethreading_compatible": True,
    }),
)
"""


def build_native(source: Path, directory: Path) -> ModuleType:
    """Compile `source` in `directory` and import it; a compiler's complaint becomes the error's message."""
    package = Path(pricecore.__path__[0])
    sanitize = os.environ.get("PRICECORE_SANITIZE", "")
    # gcc expands a short memcpy behind the sanitizer's back: without -fno-builtin no race on a record is seen.
    flags = f"-fsanitize={sanitize} -fno-builtin -g" if sanitize else ""
    # A sanitizer's runtime, loaded into this process, has no business in the compiler.
    environment = {**os.environ, "LD_PRELOAD": "", "PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, source.as_posix(), str(package / "primitives"), flags],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
    )
    built = list(directory.rglob(f"{source.stem}*.so")) + list(directory.rglob(f"{source.stem}*.pyd"))
    if done.returncode or not built:
        raise RuntimeError(f"{source.name} does not compile:\n{done.stdout}\n{done.stderr}")
    return load_native(built[0])


def load_native(library: Path) -> ModuleType:
    """Import what `build_native` has compiled, also in another process."""
    spec = importlib.util.spec_from_file_location(library.name.partition(".")[0], library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
