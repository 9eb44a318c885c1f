"""Stubs stand beside every compiled module and say what the compiled module does."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import BuiltinFunctionType, MethodDescriptorType, ModuleType

import pytest
from helpers.sources import ROOT, label, module_name, package_files, skip_without_its_package

COMPILED = package_files(".pyx")
ALLOWLISTS = [Path(__file__).parent / "stubtest_allowlist.txt"]
if sys.version_info < (3, 12):  # where the buffer protocol has no Python name yet
    ALLOWLISTS.append(Path(__file__).parent / "stubtest_allowlist_python311.txt")


@pytest.mark.parametrize("path", COMPILED, ids=label)
def test_compiled_module_has_its_contract_and_its_stub(path):
    assert path.with_suffix(".pxd").exists(), "other modules cimport from a .pxd"
    assert path.with_suffix(".pyi").exists(), "type checkers see a compiled module only through its .pyi"


@pytest.mark.parametrize("path", package_files(".pyi"), ids=label)
def test_stub_stands_beside_a_compiled_module(path):
    assert path.with_suffix(".pyx").exists(), "a .py module carries its own annotations"


def callables(module: ModuleType) -> dict[str, object]:
    """Return the public compiled functions of a module and the methods of its classes, by name."""
    owners = [module, *(item for item in vars(module).values() if inspect.isclass(item))]
    return {
        f"{owner.__name__}.{name}": item
        for owner in owners
        if owner is module or owner.__module__ == module.__name__
        for name, item in vars(owner).items()
        if not name.startswith("_") and isinstance(item, BuiltinFunctionType | MethodDescriptorType)
    }


@pytest.mark.parametrize("path", COMPILED, ids=label)
def test_every_public_call_shows_its_parameters(path):
    skip_without_its_package(module_name(path))
    for name, item in callables(importlib.import_module(module_name(path))).items():
        try:
            inspect.signature(item)
        except ValueError as error:
            pytest.fail(f"{name}: {error}; a default value must be a literal or a Python name of the module")


@pytest.mark.slow
def test_stubs_agree_with_the_installed_package(tmp_path):
    rules = [f"--mypy-config-file={ROOT / 'pyproject.toml'}", *(f"--allowlist={path}" for path in ALLOWLISTS)]
    command = [sys.executable, "-m", "mypy.stubtest", *rules, *map(module_name, COMPILED)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
