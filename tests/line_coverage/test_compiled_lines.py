"""What ci/coverage says of compiled code: a small module, built its way, run by processes that are killed."""

import importlib.util
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from Cython.Build import cythonize
from line_coverage.compiled import compiled_lines

ROOT = Path(__file__).resolve().parents[2]

DECLARATIONS = """\
cdef inline int twice(int value) noexcept nogil:
    if value < 0:
        return -1
    return 2 * value
"""
MODULE = """\
cdef extern from "Python.h" nogil:
    unsigned long PyThread_start_new_thread(void (*body)(void*) noexcept nogil, void* argument)

cdef volatile int answer = 0

cdef void of_a_thread_without_python(void* unused) noexcept nogil:
    global answer
    answer = twice(4)

def run():
    PyThread_start_new_thread(of_a_thread_without_python, NULL)
    while answer == 0: pass         # with the GIL: the thread gets on without it
    return answer

def never():
    return 1
"""


def setup_file():
    spec = importlib.util.spec_from_file_location("pricecore_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_library(generated: Path) -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    flags = ["-shared", "-fPIC", "-O0", "-w", "-DCYTHON_PROFILE=0", "-DCYTHON_TRACE=0"]
    command = [*flags, "-include", ROOT / setup_file().REACHED, "-I", sysconfig.get_path("include")]
    subprocess.run(["gcc", *command, generated, "-o", generated.with_suffix(suffix)], check=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory, monkeypatch_module):
    folder = tmp_path_factory.mktemp("counted")
    package = folder / "pricecore"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "small.pxd").write_text(DECLARATIONS)
    (package / "small.pyx").write_text(MODULE)
    monkeypatch_module.chdir(folder)
    cythonize(["pricecore/small.pyx"], compiler_directives={"language_level": 3, "linetrace": True}, quiet=True)
    setup_file().note_lines(package / "small.c")
    compile_library(package / "small.c")
    return folder


@pytest.fixture
def folder(built):
    for reached in built.rglob("*.reached"):
        reached.unlink()
    return built


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def killed_behind(folder: Path, statement: str) -> None:
    """Run a statement in a process that then dies as by `kill -9`."""
    program = f"import os, signal; from pricecore import small; {statement}; os.kill(os.getpid(), signal.SIGKILL)"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, timeout=60)
    assert done.returncode == -signal.SIGKILL


def texts(folder: Path, source: str, lines: set[int]) -> list[str]:
    every = (folder / source).read_text().splitlines()
    return [every[line - 1].split("#")[0].strip() for line in sorted(lines)]


def test_lines_are_told_apart_by_whether_they_were_reached(folder):
    killed_behind(folder, "small.run()")
    found = compiled_lines(folder)
    module, declarations = found["pricecore/small.pyx"], found["pricecore/small.pxd"]
    assert texts(folder, "pricecore/small.pyx", module.executable - module.reached) == ["return 1"]
    assert "answer = twice(4)" in texts(folder, "pricecore/small.pyx", module.reached)
    assert texts(folder, "pricecore/small.pxd", declarations.executable - declarations.reached) == ["return -1"]
    assert texts(folder, "pricecore/small.pxd", declarations.reached)[-1] == "return 2 * value"


def test_one_process_adds_to_what_another_reached(folder):
    killed_behind(folder, "small.run()")
    killed_behind(folder, "small.never()")
    module = compiled_lines(folder)["pricecore/small.pyx"]
    assert module.executable == module.reached


def test_c_that_does_not_trace_as_expected_is_refused(tmp_path):
    strange = tmp_path / "strange.c"
    strange.write_text("#define __Pyx_TraceLine(line) some other way\n")
    with pytest.raises(SystemExit, match="traces lines in another way"):
        setup_file().note_lines(strange)
