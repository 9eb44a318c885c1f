"""The panel of statistics, and what an engine has only sometimes: errors by reason, consumers, a log, caches."""

from collections.abc import Iterator
from typing import Any

from pricecore.observe.state import WITH_FIGURES
from pricecore.observe.text import (
    format_age,
    format_bytes,
    format_count,
    format_percent,
    format_rate,
    format_us,
)
from pricecore.terminal.cells import fit, harmless
from pricecore.terminal.lines import GAP, Line

LEFT, RIGHT = 18, 23
COLUMNS = LEFT + len(GAP) + RIGHT
"""Of the panel: times at the left, counts at the right."""
ROWS = 8

Figure = tuple[str, str]
"""Name and text."""


def statistics(state: dict[str, Any]) -> list[Line]:
    """Return the panel's lines.

    Threads: any. Cost: microseconds.
    """
    known = state["status"] in WITH_FIGURES
    both = zip(times(state), counts(state), strict=True)
    return [[*_cell(left, LEFT, known), (GAP, "text"), *_cell(right, RIGHT, known)] for left, right in both]


def times(state: dict[str, Any]) -> list[Figure]:
    """Return what is measured in time, by name."""
    latency = state["latency"]
    sampled = latency["sample_count"] > 0
    shown = {name: format_us(latency[f"{name}_us"] if sampled else None) for name in ("mean", "min", "max", "p999")}
    return [
        ("mean", shown["mean"]),
        ("min", shown["min"]),
        ("max", shown["max"]),
        ("p99.9", shown["p999"]),
        ("samples", format_count(latency["sample_count"])),
        ("a batch", format_us(state["batch_us"] or None)),
        ("uptime", format_age(state["uptime_s"])),
        ("CPU", f"{state['cpu_percent']:.1f} %"),
    ]


def counts(state: dict[str, Any]) -> list[Figure]:
    """Return what is counted, by name."""
    pool, ring = state["pool"], state["ring"]
    return [
        ("received", format_count(state["messages_received"])),
        ("processed", format_count(state["messages_processed"])),
        ("out of order", format_count(state["out_of_order"])),
        ("errors", format_count(state["errors"])),
        ("mean rate", format_rate(state["mean_throughput_per_s"])),
        ("symbols", format_count(state["symbols"])),
        ("pool in use", f"{format_count(pool['outstanding'])} of {format_count(pool['capacity'])}"),
        ("sequence", format_count(ring["sequence"])),
    ]


def extras(state: dict[str, Any]) -> list[Figure]:
    """Return, by name, what there is of errors, consumers, lost records, a log and caches; one line each."""
    return [*_errors(state), *_ring(state["ring"]), *_log(state["log"]), *_caches(state["caches"])]


def _cell(figure: Figure, columns: int, known: bool) -> Line:
    name, text = figure
    return [(f"{name} ", "label"), (fit(text if known else "-", columns - len(name) - 1, right=True), "text")]


def _errors(state: dict[str, Any]) -> Iterator[Figure]:
    reasons = sorted(state["errors_by_reason"].items(), key=lambda item: (-item[1], item[0]))
    if reasons:
        yield "refused", ", ".join(f"{reason} {format_count(count)}" for reason, count in reasons)


def _ring(ring: dict[str, Any]) -> Iterator[Figure]:
    if ring["consumers"]:
        behind = (f"{harmless(name)} {format_count(count)} behind" for name, count in ring["consumers"].items())
        yield "consumers", ", ".join(behind)
    if ring["lost"]:
        yield "lost", f"{format_count(ring['lost'])} records, by readers that were a whole ring behind"


def _log(log: dict[str, Any] | None) -> Iterator[Figure]:
    if log is None:
        return
    if log["error"]:
        yield "log", harmless(f"FAILED: {log['error']}")
        return
    yield (
        "log",
        f"durable to {format_count(log['durable_sequence'])}, {format_count(log['backlog'])} behind, "
        f"{format_bytes(log['bytes_written'])}, {log['durability']}, {harmless(log['path'])}",
    )


def _caches(caches: dict[str, Any]) -> Iterator[Figure]:
    for name, cache in caches.items():
        asked = cache["hits"] + cache["misses"]
        hits = f"{format_percent(cache['hit_rate'])} of {format_count(asked)} hit" if asked else "not asked yet"
        yield f"cache {harmless(name)}", f"{hits}, {format_count(cache['size'])} of {format_count(cache['capacity'])}"
