"""What the sdist and the wheel hold. `PRICECORE_DIST` names a folder with both; without it they are built here."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from helpers.sources import PACKAGE, ROOT, package_files

pytestmark = pytest.mark.slow

SUFFIXES_IN_SDIST = (".py", ".pyx", ".pxd", ".pyi", ".h", ".typed", ".md")
SUFFIXES_IN_WHEEL = (".py", ".pxd", ".pyi", ".h", ".typed")


def run(folder: Path, *arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def copy_tree(destination: Path) -> Path:
    """Copy what belongs to the project, without what earlier builds left behind."""
    generated = shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info")
    for name in ("pricecore", "tests", "asv_bench", "ci", "docs"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, destination / name, ignore=generated)
    for path in [path for path in ROOT.glob("[!.]*") if path.is_file()]:
        shutil.copy(path, destination)
    return destination


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """Return a folder with an sdist and the wheel that was built from it."""
    if "PRICECORE_DIST" in os.environ:
        return Path(os.environ["PRICECORE_DIST"])
    source = copy_tree(tmp_path_factory.mktemp("source"))
    run(source, "-m", "build", "--no-isolation", "--outdir", str(source / "dist"))
    return source / "dist"


@pytest.fixture(scope="module")
def sdist(dist) -> set[str]:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        return {member.name.split("/", 1)[1] for member in archive.getmembers() if member.isfile()}


@pytest.fixture(scope="module")
def wheel(dist) -> set[str]:
    return names_in_wheel(dist)


def names_in_wheel(folder: Path) -> set[str]:
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


def in_tree(*suffixes: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in package_files(*suffixes)}


def test_sdist_holds_the_whole_package_source(sdist):
    assert in_tree(*SUFFIXES_IN_SDIST) <= sdist


def test_sdist_holds_tests_scripts_and_prose(sdist):
    wanted = {"README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "pyproject.toml", "setup.py", "ci/test"}
    wanted |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    assert wanted <= sdist


def test_sdist_holds_nothing_generated(sdist):
    assert not [name for name in sdist if name.endswith((".c", ".so", ".html", ".pyc")) or name.startswith("build/")]


def test_wheel_holds_what_other_projects_compile_and_check_against(wheel):
    assert in_tree(*SUFFIXES_IN_WHEEL) <= wheel


def test_wheel_holds_one_library_for_every_compiled_module_and_no_source_of_it(wheel):
    libraries = {name.split(".")[0] for name in wheel if name.endswith((".so", ".pyd"))}
    assert libraries == {name.removesuffix(".pyx") for name in in_tree(".pyx")}
    assert not [name for name in wheel if name.endswith((".c", ".pyx"))]


def test_wheel_holds_data_files_of_the_package(wheel):
    data = {path for path in PACKAGE.rglob("*") if path.suffix in (".gz", ".css", ".csv", ".json", ".yml")}
    assert {path.relative_to(ROOT).as_posix() for path in data} <= wheel


def test_a_library_left_by_an_older_build_does_not_get_into_a_wheel(tmp_path):
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "pricecore").mkdir()
    (tmp_path / "pricecore" / "__init__.py").write_text("")
    (tmp_path / "pricecore" / "kept.pyx").write_text("")
    (tmp_path / "pricecore" / "removed.pyx").write_text("")
    run(tmp_path, "setup.py", "--quiet", "build")
    (tmp_path / "pricecore" / "removed.pyx").unlink()
    run(tmp_path, "-m", "build", "--no-isolation", "--wheel")
    assert {name.split(".")[0] for name in names_in_wheel(tmp_path / "dist") if ".so" in name} == {"pricecore/kept"}
