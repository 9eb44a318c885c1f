"""Builds the package from a copy of its sources, in which text was replaced. Needs Cython, setuptools and a C compiler.

Under callgrind and in processes of its own a copy stands before the installed package: `PYTHONPATH` is its folder.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", "build", "*.so", "tests", ".venv", "__pycache__", ".*_cache")


class Replacement(NamedTuple):
    """One passage of a source file, and what stands there instead."""

    file: str
    """From the project's folder on."""
    old: str
    new: str


def copy_sources(target: Path) -> Path:
    """Copy what a build needs, and nothing that one left."""
    shutil.copytree(ROOT, target, ignore=LEFT_OUT)
    return target


def replace(folder: Path, replacements: Iterable[Replacement]) -> None:
    """Change the files of a copy; RuntimeError unless each old text stands in its file once."""
    for file, old, new in replacements:
        path = folder / file
        text = path.read_text()
        if text.count(old) != 1:
            raise RuntimeError(f"{file} holds {text.count(old)} times, not once: {old!r}")
        path.write_text(text.replace(old, new))


def build(folder: Path) -> Path:
    """Build the package in place: of a copy that was built before, what has changed since."""
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the build in {folder} failed:\n{done.stdout[-2_000:]}{done.stderr[-4_000:]}")
    return folder


def changed_copy(built: Path, target: Path, replacements: Iterable[Replacement]) -> Path:
    """Copy a folder that was built, change the copy, build it: only what depends on the changes is compiled."""
    shutil.copytree(built, target)  # time stamps too
    replacements = list(replacements)
    replace(target, replacements)
    if any(file == "setup.py" for file, _, _ in replacements):
        shutil.rmtree(target / "build")  # no time stamp tells that the switches are others
        for library in target.rglob("*.so"):
            library.unlink()
    return build(target)
