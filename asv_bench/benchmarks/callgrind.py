"""Counts the instructions of a call with valgrind's callgrind: exact where a clock is not.

What could differ from run to run is fixed: hash seed, the clock that the engine reads, threads of the BLAS library,
late binding of symbols, the random layout of memory, and the allocator: Python's own takes another path wherever a
loop's object happens to be the last of its pool, up to 5 % of a short call; the C library's does the same every turn.
Other threads of the process are kept apart, not counted.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .loops import LOOPS

PROGRAM = Path(__file__).parent.parent / "counted.py"
READINGS = 3
FIXED = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PRICECORE_CLOCK": "monotonic",
    "LD_BIND_NOW": "1",
}
if not sysconfig.get_config_var("Py_GIL_DISABLED"):  # which knows one allocator only
    FIXED |= {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=127"}
EMPTY = "(empty loop)"


def is_available() -> bool:
    """Tell whether valgrind is installed (Debian's package of that name)."""
    return shutil.which("valgrind") is not None


def count(only: Sequence[str] = (), package_folder: str = "") -> dict[str, float]:
    """Return the instructions of each call of `LOOPS`, a row, without those of the loop itself.

    Parameters
    ----------
    only : sequence of str
        Names of `LOOPS`; empty: all.
    package_folder : str
        Stands before the installed packages; empty: the installed pricecore is counted.

    Returns
    -------
    dict
        Calls that the package does not have are missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        printed = run(folder, only, package_folder)
        return per_row(json.loads(printed), dumps(Path(folder)))


def run(folder: str, only: Sequence[str] = (), package_folder: str = "") -> str:
    """Run the program under callgrind, its dumps in `folder`; return what it printed."""
    command = ["valgrind", "--tool=callgrind", "--quiet", "--dump-before=getppid", "--separate-threads=yes"]
    command += [f"--callgrind-out-file={folder}/dump", sys.executable, "-P", "-c", runner(), *only]
    if shutil.which("setarch"):
        command = ["setarch", platform.machine(), "--addr-no-randomize", *command]
    inherited = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    environment = FIXED | inherited | {"PYTHONPATH": package_folder}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"callgrind ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def runner() -> str:
    """Return the program's start; its folder comes last on the path, so that it hides nothing installed."""
    return f"import sys; sys.path.append({str(PROGRAM.parent)!r}); import counted; counted.main()"


def dumps(folder: Path) -> list[int]:
    """Return the main thread's instructions between one mark and the next; what lay before the first is left out."""
    paths = sorted(folder.glob("dump.*-01"), key=lambda path: int(path.suffix[1:].split("-")[0]))
    return [total(path) for path in paths][1:]


def total(path: Path) -> int:
    for line in path.read_text().splitlines():
        if line.startswith("summary:"):
            return int(line.split()[1])
    raise RuntimeError(f"{path.name} of callgrind has no summary")


def per_row(names: list[str], counts: list[int]) -> dict[str, float]:
    """Turn the readings (of each call: short loop, gap, long loop, gap, and again) into figures a row."""
    readings = counts[::2]  # between them lies what goes on from one reading to the next
    step = 2 * READINGS
    if len(readings) != step * (len(names) + 1):
        raise RuntimeError(f"{len(readings)} readings of {len(names) + 1} loops; expected {step} of each")
    costs = {}
    for i, name in enumerate([EMPTY, *names]):
        own = readings[i * step : (i + 1) * step]
        calls = 1_000 if name == EMPTY else LOOPS[name].calls
        costs[name] = (min(own[1::2]) - min(own[0::2])) / (2 * calls)
    loop = costs.pop(EMPTY)
    return {name: round((cost - loop) / LOOPS[name].rows, 2) for name, cost in costs.items()}
