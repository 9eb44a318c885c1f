"""Level 6: all figures of a state and of a performance test as text, each under the one name that it has everywhere."""

from typing import Any

from pricecore.observe.text import (
    format_age,
    format_bytes,
    format_count,
    format_duration,
    format_limit,
    format_percent,
    format_rate,
    format_us,
)
from pricecore.perftest import PerformanceReport

Figures = dict[str, dict[str, str]]
"""Group, name, text."""


def statistics(state: dict[str, Any]) -> Figures:
    """Return everything that is not in the head of page or terminal view, by group.

    Groups of what the engine does not have are left out. Names of consumers, subscriptions and caches, and what a log
    says, come from outside: they are to be shown as plain text.

    Threads: any. Cost: microseconds.
    """
    groups: Figures = {
        "Latency": _latency(state["latency"], state["batch_us"]),
        "Updates": _updates(state),
        "Errors by reason": _errors(state["errors_by_reason"]),
        "Process": _process(state),
        "Buffer pool": _pool(state["pool"]),
        "Ring": _ring(state["ring"]),
        "Consumers": {name: f"{lag:,} behind" for name, lag in state["ring"]["consumers"].items()},
        "Subscriptions": _subscriptions(state["subscriptions"]),
        "Subscribers": _subscribers(state["subscriptions"]["by_name"]),
        "Event log": _log(state["log"]),
    }
    groups |= {f"Cache {name}": _cache(cache) for name, cache in state["caches"].items()}
    return {name: figures for name, figures in groups.items() if figures}


def report_figures(report: PerformanceReport) -> dict[str, str]:
    """Return the details of a performance test by name.

    Threads: any. Cost: microseconds.
    """
    stats, growth = report.latency, report.rss_growth_bytes
    return {
        "load": f"{report.updates:,} updates of {report.symbols} symbols",
        "p50": format_us(stats.p50_us),
        "p95": f"{format_us(stats.p95_us)}, target below {format_limit(report.target_p95_us)}",
        "p99": format_us(stats.p99_us),
        "max": format_us(stats.max_us),
        "throughput": format_rate(report.updates_per_s),
        "applied": f"{report.applied:,} of {report.updates:,}",
        "errors": format_count(report.errors),
        "memory": "not measured here" if growth is None else f"{growth / 2**20:+.1f} MiB",
        "took": format_us(report.wall_s * 1e6),
    }


def _latency(latency: dict[str, Any], batch_us: float) -> dict[str, str]:
    there = latency["sample_count"] > 0
    names = {"mean": "mean_us", "min": "min_us", "max": "max_us", "p99.9": "p999_us"}
    figures = {name: format_us(latency[field] if there else None) for name, field in names.items()}
    if batch_us:
        figures["mean batch"] = format_us(batch_us)
    return figures | {"samples": format_count(latency["sample_count"])}


def _updates(state: dict[str, Any]) -> dict[str, str]:
    names = {
        "received": "messages_received",
        "processed": "messages_processed",
        "out of order": "out_of_order",
        "errors": "errors",
        "symbols": "symbols",
    }
    counts = {name: format_count(state[field]) for name, field in names.items()}
    return counts | {"mean rate": format_rate(state["mean_throughput_per_s"])}


def _errors(by_reason: dict[str, int]) -> dict[str, str]:
    most_first = sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
    return {name: format_count(count) for name, count in most_first}


def _process(state: dict[str, Any]) -> dict[str, str]:
    return {
        "counted for" if state["counted_since_ns"] else "uptime": format_duration(state["uptime_s"]),
        "CPU": f"{state['cpu_percent']:.1f} %",
        "generation": format_count(state["generation"]),
    }


def _pool(pool: dict[str, Any]) -> dict[str, str]:
    if not pool["capacity"]:
        return {}
    return {
        "pool in use": f"{pool['outstanding']:,} of {pool['capacity']:,}",
        "hits": format_count(pool["hits"]),
        "misses": format_count(pool["misses"]),
        "dropped": format_count(pool["dropped"]),
    }


def _ring(ring: dict[str, Any]) -> dict[str, str]:
    if not ring["capacity"]:
        return {}
    return {
        "sequence": format_count(ring["sequence"]),
        "capacity": format_count(ring["capacity"]),
        "lost by readers": format_count(ring["lost"]),
    }


def _subscriptions(subscriptions: dict[str, Any]) -> dict[str, str]:
    if not subscriptions["open"]:
        return {}
    behind = subscriptions["lag_records"]
    return {
        "open": format_count(subscriptions["open"]),
        "behind": f"{behind:,} ({format_age(subscriptions['lag_s'])})" if behind else "0",
        "lost": format_count(subscriptions["lost"]),
        "delivered": format_count(subscriptions["delivered"]),
        "conflated": format_count(subscriptions["conflated"]),
    }


def _subscribers(by_name: dict[str, dict[str, Any]]) -> dict[str, str]:
    """By name; nothing when no name is used, for then the sums say it all."""
    open_ = {name: group for name, group in by_name.items() if group["open"]}
    return {name or "without a name": _group(group) for name, group in open_.items()} if any(open_) else {}


def _group(group: dict[str, Any]) -> str:
    more = [f"{group['open']:,} open"] if group["open"] > 1 else []
    more += [f"{group['lost']:,} lost"] if group["lost"] else []
    return f"{group['lag_records']:,} behind" + (f" ({', '.join(more)})" if more else "")


def _log(log: dict[str, Any] | None) -> dict[str, str]:
    if log is None:
        return {}
    figures = {
        "durable to": format_count(log["durable_sequence"]),
        "backlog": f"{log['backlog']:,} records",
        "written": format_bytes(log["bytes_written"]),
        "durability": str(log["durability"]),
        "commit p95": format_us(log["commit"]["p95_us"] or None),  # a view does not know it
        "gaps": f"{log['gap_records']:,} records",
    }
    if log["path"]:  # nor this
        figures["folder"] = str(log["path"])
    return {"failed": str(log["error"])} | figures if log["error"] else figures


def _cache(cache: dict[str, Any]) -> dict[str, str]:
    asked = cache["hits"] + cache["misses"]
    figures = {
        "entries": f"{cache['size']:,} of {cache['capacity']:,}",
        "hit rate": format_percent(cache["hit_rate"]) if asked else "-",
        "hits": format_count(cache["hits"]),
        "misses": format_count(cache["misses"]),
    }
    return figures | ({"load errors": format_count(cache["load_errors"])} if cache["load_errors"] else {})
