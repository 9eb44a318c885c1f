"""Every module imports alone, without a warning, and `import pricecore` stays light."""

import os
import subprocess
import sys

import pytest
from helpers.sources import PACKAGE, module_name, package_files, skip_without_its_package

import pricecore

HEAVY = {
    "asyncio",
    "backports.zstd",
    "compression.zstd",
    "http.server",
    "msgspec",
    "multiprocessing",
    "nicegui",
    "pandas",
    "polars",
    "prometheus_client",
    "pyarrow",
    "pytest",
    "sqlite3",
    "textual",
}
MODULES = sorted({module_name(path) for path in package_files(".py", ".pyx") if path.stem != "__main__"})


def run_python(code: str) -> str:
    """Run code in a fresh interpreter with warnings as errors; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}  # as users have it
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_alone_without_a_warning(module):
    skip_without_its_package(module)
    assert run_python(f"import sys, {module}; print('{module}' in sys.modules)") == "True\n"


def test_import_pricecore_loads_nothing_heavy():
    loaded = run_python("import sys, pricecore; print(*sys.modules)").split()
    assert "pricecore" in loaded
    assert not HEAVY & set(loaded)


def test_feeds_are_imported_when_they_are_first_used():
    skip_without_its_package("pricecore.feeds")
    code = "import sys, pricecore as p; a = 'msgspec' in sys.modules; p.feeds.Feed; print(a, 'msgspec' in sys.modules)"
    assert run_python(code) == "False True\n"


def test_feeds_are_listed_before_they_are_imported():
    code = "import sys, pricecore; print('feeds' in dir(pricecore), 'pricecore.feeds' in sys.modules)"
    assert run_python(code) == "True False\n"


def test_an_unknown_attribute_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="module 'pricecore' has no attribute 'nonesuch'"):
        _ = pricecore.nonesuch


def test_sources_that_are_not_built_say_how_the_installed_package_is_imported(tmp_path):
    for name in ("__init__.py", "built.py", "primitives/__init__.py"):
        copy = tmp_path / "pricecore" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((PACKAGE / name).read_bytes())
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-c", "import pricecore"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=plain)
    assert done.returncode == 1
    assert done.stderr.rstrip().split("\n")[-1].startswith(f"ImportError: {tmp_path / 'pricecore'} holds the sources")
