"""A foreign Cython project builds against the installed package and runs, outside the source tree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent / "pxd_consumer"


@pytest.mark.slow
def test_a_foreign_module_cimports_from_the_installed_package(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("build", "*.c", "*.so", "__pycache__"))
    run(project, "setup.py", "build_ext", "--inplace", "--quiet")
    shown = run(project, "-W", "error", "-c", "import sys; sys.path.insert(0, '.'); import pxd_consumer as p; p.show()")
    assert shown == "7 61737.63 True\n"


def run(folder: Path, *arguments: str) -> str:
    """Run this interpreter in a folder and return what it prints."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
