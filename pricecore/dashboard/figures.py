"""The figures of a state as the page writes them: plain text by group and name. No NiceGUI here."""

from datetime import datetime
from typing import Any

from pricecore.observe import text
from pricecore.perftest import PerformanceReport

Figures = dict[str, dict[str, str]]
"""Group, name, text."""


def format_us(value_us: float | None) -> str:
    """Return a duration with its unit, in which micro is the Greek letter: browsers have it."""
    return text.format_us(value_us).replace("us", "µs")


def target(value_us: float) -> str:
    """Return a limit: "below 1 ms"."""
    return f"below {value_us / 1e3:g} ms" if value_us >= 100 else f"below {value_us:g} µs"


def clock(time_ns: int) -> str:
    """Return the time of day of this machine."""
    return f"{datetime.fromtimestamp(time_ns / 1e9):%H:%M:%S}"


def statistics(state: dict[str, Any]) -> Figures:
    """Return everything of the statistics panel; groups of what the engine does not have are left out."""
    groups: Figures = {
        "Latency": _latency(state["latency"], state["batch_us"]),
        "Updates": _updates(state),
        "Errors by reason": {name: text.format_count(count) for name, count in state["errors_by_reason"].items()},
        "Process": _process(state),
        "Buffer pool": _pool(state["pool"]),
        "Ring": _ring(state["ring"]),
        "Consumers": {name: f"{lag:,} behind" for name, lag in state["ring"]["consumers"].items()},
        "Event log": _log(state["log"]),
    }
    groups |= {f"Cache {name}": _cache(cache) for name, cache in state["caches"].items()}
    return {name: figures for name, figures in groups.items() if figures}


def _latency(latency: dict[str, Any], batch_us: float) -> dict[str, str]:
    there = latency["sample_count"] > 0
    names = {"mean": "mean_us", "min": "min_us", "max": "max_us", "p99.9": "p999_us"}
    figures = {name: format_us(latency[field] if there else None) for name, field in names.items()}
    if batch_us:
        figures["last batch"] = format_us(batch_us)
    return figures | {"samples": text.format_count(latency["sample_count"])}


def _updates(state: dict[str, Any]) -> dict[str, str]:
    names = {
        "received": "messages_received",
        "processed": "messages_processed",
        "out of order": "out_of_order",
        "errors": "errors",
        "symbols": "symbols",
    }
    return {name: text.format_count(state[field]) for name, field in names.items()}


def _process(state: dict[str, Any]) -> dict[str, str]:
    return {
        "counted for" if state["counted_since_ns"] else "uptime": duration(state["uptime_s"]),
        "CPU": f"{state['cpu_percent']:.1f} %",
        "generation": text.format_count(state["generation"]),
    }


def _pool(pool: dict[str, Any]) -> dict[str, str]:
    if not pool["capacity"]:
        return {}
    return {
        "in use": f"{text.format_percent(pool['utilization'])} of {pool['capacity']:,}",
        "hits": text.format_count(pool["hits"]),
        "misses": text.format_count(pool["misses"]),
        "dropped": text.format_count(pool["dropped"]),
    }


def _ring(ring: dict[str, Any]) -> dict[str, str]:
    if not ring["capacity"]:
        return {}
    return {
        "records": text.format_count(ring["sequence"]),
        "capacity": text.format_count(ring["capacity"]),
        "lost by readers": text.format_count(ring["lost"]),
    }


def _log(log: dict[str, Any] | None) -> dict[str, str]:
    if log is None:
        return {}
    figures = {
        "durable": text.format_count(log["durable_sequence"]),
        "level": str(log["durability"]),
        "backlog": f"{log['backlog']:,} records",
        "written": text.format_bytes(log["bytes_written"]),
        "commit p95": format_us(log["commit"]["p95_us"]),
        "gaps": f"{log['gap_records']:,} records",
    }
    return {"ended": str(log["error"])} | figures if log["error"] else figures


def _cache(cache: dict[str, Any]) -> dict[str, str]:
    return {
        "entries": f"{cache['size']:,} of {cache['capacity']:,}",
        "hit rate": text.format_percent(cache["hit_rate"]),
        "hits, misses": f"{cache['hits']:,}, {cache['misses']:,}",
        "load errors": text.format_count(cache["load_errors"]),
    }


def duration(seconds: float) -> str:
    """Return how long something lasts: "42 s", "12 min 5 s", "3 h 20 min", "2 d 4 h"."""
    left = int(seconds)
    parts: list[str] = []
    for unit, unit_s in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, unit_s)
        if count or (parts and len(parts) < 2) or unit == "s":
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def report_lines(report: PerformanceReport) -> dict[str, str]:
    """Return the details of a performance test."""
    stats = report.latency
    growth = report.rss_growth_bytes
    return {
        "p50": format_us(stats.p50_us),
        "p95": f"{format_us(stats.p95_us)}, target {target(report.target_p95_us)}",
        "p99": format_us(stats.p99_us),
        "max": format_us(stats.max_us),
        "throughput": text.format_rate(report.updates_per_s),
        "applied": f"{report.applied:,} of {report.updates:,}",
        "errors": text.format_count(report.errors),
        "memory": "not measured here" if growth is None else f"{growth / 2**20:+.1f} MiB",
        "took": format_us(report.wall_s * 1e6),
    }
