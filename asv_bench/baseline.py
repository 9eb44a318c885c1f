"""The saved baseline: instructions of each call, by what they were built with, and the reason for each change of them.

`baseline.json` holds the figures, `BASELINE.md` a row of its table for each change. Neither changes without the other.
"""

import importlib.metadata
import json
import platform
import re
from pathlib import Path

from benchmarks.loops import LOOPS

from pricecore.engine import core

FOLDER = Path(__file__).parent
FIGURES, REASONS = "baseline.json", "BASELINE.md"
Counts = dict[str, float]


def build_key() -> str:
    """Return interpreter, compilers and processor: what the compiled module itself says it was made with."""
    content = Path(core.__file__).read_bytes()
    clang, gcc = first_match(rb"clang version ([\d.]+)", content), first_match(rb"GCC: \([^)]*\) ([\d.]+)", content)
    compiler = f"clang {clang}" if clang else f"gcc {gcc}"
    cython = first_match(rb"__Pyx_Import(?:Function|Type)_(\d+_\d+_\d+)", content)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {compiler}, Cython {cython}, {platform.machine()}"


def first_match(pattern: bytes, content: bytes) -> str:
    found = re.search(pattern, content)
    return found[1].decode().replace("_", ".") if found else ""


def libraries() -> dict[str, str]:
    """Return what else runs inside the counted calls: name and version, where it is installed."""
    found = {name: list(importlib.metadata.distributions(name=name)) for name in ("numpy", "msgspec")}
    return {name: distributions[0].version for name, distributions in found.items() if distributions}


def saved(key: str, folder: Path = FOLDER) -> Counts:
    """Return the counts that hold for this key and these libraries; say which are left out, and why."""
    entry = entries(folder).get(key)
    if entry is None:
        print(f"SKIP baseline: none saved for {key} (--save-baseline makes one)")
        return {}
    here, there = libraries(), entry["libraries"]
    other = [name for name in here if here[name] != there.get(name)]
    for name in other:
        inside = " ".join(call for call in entry["instructions"] if library_of(call) == name)
        print(f"    made with {name} {there.get(name)}, here is {here[name]}" + (f"; SKIP {inside}" if inside else ""))
    return {call: count for call, count in entry["instructions"].items() if library_of(call) not in other}


def library_of(call: str) -> str:
    return LOOPS[call].library if call in LOOPS else ""


def entries(folder: Path = FOLDER) -> dict[str, dict]:
    path = folder / FIGURES
    return json.loads(path.read_text()) if path.exists() else {}


def save(key: str, counts: Counts, reason: str, date: str, folder: Path = FOLDER) -> None:
    """Enter the counts under their key, and a row with the reason that names the calls that changed."""
    if not reason.strip() or "\n" in reason or "|" in reason:
        raise ValueError(f"the reason must be one line without |, not {reason!r}")
    known = entries(folder)
    before = known.get(key, {}).get("instructions", {})
    known[key] = {"libraries": libraries(), "instructions": counts}
    (folder / FIGURES).write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")
    with (folder / REASONS).open("a") as table:
        table.write(f"| {date} | {key} | {changes(before, counts)} | {reason.strip()} |\n")


def changes(before: Counts, now: Counts) -> str:
    """Name what is new, gone, or moved, by how many percent."""
    if not before:
        return "first figures"
    gone = [f"{name} gone" for name in before if name not in now]
    new = [f"{name} new" for name in now if name not in before]
    moved = [
        f"{name} {now[name] / before[name] - 1:+.1%}" for name in before if now.get(name, 0) not in (0, before[name])
    ]
    return ", ".join([*moved, *new, *gone]) or "none"


def unexplained(figures: str, figures_before: str, reasons: str, reasons_before: str) -> list[str]:
    """Return the keys whose entry is another one than before without a new row in the table of reasons."""
    now, before = json.loads(figures), json.loads(figures_before or "{}")
    new_rows = set(reasons.splitlines()) - set(reasons_before.splitlines())
    explained = {
        cells[2].strip() for cells in (row.split("|") for row in new_rows) if len(cells) > 5 and cells[4].strip()
    }
    return [
        key for key in sorted(now.keys() | before.keys()) if now.get(key) != before.get(key) and key not in explained
    ]
