"""Every compiled module says that it does without the GIL, and none turns it on.

A module that does not say so is imported all the same: the interpreter then turns the GIL on for the whole process.
"""

import ctypes
import importlib.util
import sysconfig

import pytest
from helpers.sources import module_name, needs_package, package_files
from helpers.subprocesses import run_python

COMPILED = [module_name(path) for path in package_files(".pyx")]
pytestmark = pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"),
    reason="this interpreter has a GIL, and nothing is compiled to say so",
)
END, GIL, GIL_NOT_USED = 0, 4, 1  # moduleobject.h: slot 0 ends the list, Py_mod_gil, Py_MOD_GIL_NOT_USED


class Slot(ctypes.Structure):
    """PyModuleDef_Slot."""

    _fields_ = (("kind", ctypes.c_int), ("value", ctypes.c_void_p))


class Definition(ctypes.Structure):
    """PyModuleDef up to its slots."""

    _fields_ = (
        ("head", ctypes.c_byte * object.__basicsize__),
        ("base", ctypes.c_void_p * 3),
        ("name", ctypes.c_char_p),
        ("doc", ctypes.c_char_p),
        ("size", ctypes.c_ssize_t),
        ("methods", ctypes.c_void_p),
        ("slots", ctypes.POINTER(Slot)),
    )


def definition(module: str) -> Definition:
    """Return what a compiled module says of itself, without running it: not every interpreter has what it imports."""
    package, _, name = module.rpartition(".")
    folder = importlib.util.find_spec("pricecore").submodule_search_locations[0]
    inside = "/".join([folder, *package.split(".")[1:]])
    start = ctypes.PyDLL(f"{inside}/{name}{sysconfig.get_config_var('EXT_SUFFIX')}")[f"PyInit_{name}"]
    start.restype = ctypes.POINTER(Definition)
    return start().contents


def slots(module: str) -> dict[int, int]:
    """Return the slots of a module's definition by their kind."""
    found = {}
    for slot in definition(module).slots:
        if slot.kind == END:
            break
        found[slot.kind] = slot.value
    return found


def test_every_compiled_module_says_that_it_does_without_the_gil():
    assert len(COMPILED) > 50
    assert [module for module in COMPILED if slots(module).get(GIL) != GIL_NOT_USED] == []


def test_the_gil_stays_off_when_every_compiled_module_is_imported():
    here = [module for module in COMPILED if importlib.util.find_spec(needs_package(module) or "sys")]
    code = f"import sys, {', '.join(here)}; print(sys._is_gil_enabled())"
    done = run_python(code, PYTHON_GIL="")  # as users have it
    assert (done.stdout, done.stderr) == ("False\n", "")
