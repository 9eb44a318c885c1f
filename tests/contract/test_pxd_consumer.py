"""A foreign Cython project builds against the installed package and runs, outside the source tree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent / "pxd_consumer"


USE = """
import sys
sys.path.insert(0, ".")
import pricecore, pxd_consumer
queue = pricecore.UpdateQueue(2)
print(pxd_consumer.push(queue, 3), [float(queue.try_pop()["price"]) for _ in range(2)], pxd_consumer.facts())
"""


@pytest.mark.slow
def test_a_foreign_module_cimports_from_the_installed_package(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("build", "*.c", "*.so", "__pycache__"))
    run(project, "setup.py", "build_ext", "--inplace", "--quiet")
    assert run(project, "-W", "error", "-c", USE) == "2 [1.0, 2.0] (True, 0)\n"


def run(folder: Path, *arguments: str) -> str:
    """Run this interpreter in a folder and return what it prints."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
