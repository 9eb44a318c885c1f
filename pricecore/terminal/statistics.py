"""The panel of statistics, and what an engine has only sometimes, a line each: errors by reason, consumers, a log."""

from typing import Any

from pricecore.observe.figures import Figures
from pricecore.observe.figures import statistics as all_figures
from pricecore.observe.state import WITH_FIGURES
from pricecore.terminal.cells import fit, harmless
from pricecore.terminal.lines import GAP, Line

LEFT, RIGHT = 18, 23
COLUMNS = LEFT + len(GAP) + RIGHT

Figure = tuple[str, str]
"""Name and text."""

_LEFT = (
    *(("Latency", name) for name in ("mean", "min", "max", "p99.9", "samples")),
    ("Updates", "symbols"),
    ("Process", "CPU"),
    ("Process", "generation"),
)
_RIGHT = (
    *(("Updates", name) for name in ("received", "processed", "out of order", "errors", "mean rate")),
    ("Process", "uptime"),
    ("Buffer pool", "pool in use"),
    ("Ring", "sequence"),
)
ROWS = len(_LEFT)

_ALWAYS = ("Latency", "Updates", "Process", "Buffer pool", "Ring")


def statistics(state: dict[str, Any]) -> list[Line]:
    """Return the panel's lines.

    Threads: any. Cost: microseconds.
    """
    groups = all_figures(state) if state["status"] in WITH_FIGURES else {}
    both = zip(_LEFT, _RIGHT, strict=True)
    return [[*_cell(groups, *left, LEFT), (GAP, "text"), *_cell(groups, *right, RIGHT)] for left, right in both]


def extras(state: dict[str, Any]) -> list[Figure]:
    """Return, by name, what there is of errors, readers, lost records, a log and caches; one line each."""
    groups = all_figures(state)
    found = {name: _joined(figures) for name, figures in groups.items() if name not in _ALWAYS}
    if "Subscribers" in found:
        sums = {name: groups["Subscriptions"][name] for name in ("open", "behind", "lost")}
        found["Subscriptions"] = f"{_joined(sums)}; {found.pop('Subscribers')}"
    lines = [(harmless(_lower(name)), text) for name, text in found.items()]
    lost = groups.get("Ring", {}).get("lost by readers", "0")
    return lines if lost == "0" else [*lines, ("lost by readers", f"{lost} records")]


def _cell(groups: Figures, group: str, name: str, columns: int) -> Line:
    figures = groups.get(group, {})
    if name == "uptime" and "counted for" in figures:
        name = "counted for"
    return [(f"{name} ", "label"), (fit(figures.get(name, "-"), columns - len(name) - 1, right=True), "text")]


def _joined(figures: dict[str, str]) -> str:
    return harmless(", ".join(f"{name} {text}" for name, text in figures.items()))


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
