"""The report of a run: one summary, as JSON or as text."""

import json
import math
from collections.abc import Sequence

from pricecore.cli.price_table import count_line, price_of, price_table
from pricecore.engine.price_engine import PriceEngine
from pricecore.feeds.source import Source
from pricecore.metrics.summary import plain
from pricecore.perftest.report import TARGET_P95_US

_LATENCY = ("p50_us", "p95_us", "p99_us", "p999_us", "mean_us", "min_us", "max_us")
_SHOWN = ("p50_us", "p95_us", "p99_us", "p999_us", "max_us")


def summarise(
    engine: PriceEngine, sources: Sequence[Source], wall_s: float, interrupted: bool, speed: float = math.inf
) -> dict:
    """Return all figures of a run as plain values; what is not there is None.

    Threads: any.
    Cost: one pass over the symbols.
    """
    metrics = engine.metrics()
    samples = metrics.latency.sample_count
    latency = {name: getattr(metrics.latency, name) if samples else None for name in _LATENCY}
    return {
        "lines": sum(source.lines for source in sources),
        "ignored": sum(source.ignored for source in sources),
        "malformed": sum(source.malformed for source in sources),
        "trades": sum(source.sink.trades for source in sources),
        "quotes": sum(source.sink.quotes for source in sources),
        "messages_received": metrics.messages_received,
        "messages_processed": metrics.messages_processed,
        "out_of_order": metrics.out_of_order,
        "errors": metrics.errors,
        "errors_by_reason": dict(metrics.errors_by_reason),
        "gaps": sum(source.gaps for source in sources),
        "duplicates": sum(source.duplicates for source in sources),
        "symbols": metrics.symbols,
        "speed": None if math.isinf(speed) else speed,
        "wall_s": wall_s,
        "updates_per_s": metrics.messages_processed / wall_s if wall_s > 0 else 0.0,
        "latency": latency | {"sample_count": samples},
        "pool": metrics.pool._asdict(),
        "target_p95_us": TARGET_P95_US,
        "passed": not samples or metrics.latency.p95_us < TARGET_P95_US,
        "interrupted": interrupted,
        "log": metrics.log and plain(metrics.log),
        "files": [_file(source) for source in sources],
        "prices": [price_of(engine, symbol) for symbol in engine.symbols()],
    }


def as_json(summary: dict) -> str:
    """Return the summary as one JSON object on one line."""
    return json.dumps(summary, allow_nan=False)


def as_text(summary: dict) -> str:
    """Return the summary for people."""
    return "\n".join([*_accounts(summary), "", *_timing(summary), "", *price_table(summary["prices"])])


def _file(source: Source) -> dict:
    return {
        "path": source.path,
        "label": source.label,
        "format": source.format.name,
        "lines": source.lines,
        "ignored": source.ignored,
        "malformed": source.malformed,
        "trades": source.sink.trades,
        "quotes": source.sink.quotes,
        "gaps": source.gaps,
        "duplicates": source.duplicates,
        "damage": source.capture.damage,
    }


def _accounts(summary: dict) -> list[str]:
    ended = "stopped early" if summary["interrupted"] else "done"
    lines = [
        f"pricecore run: {ended}, {_files(summary)} in {summary['wall_s']:.3f} s{_speed(summary)}",
        "",
        count_line("lines", summary["lines"], f"{summary['lines'] / max(summary['wall_s'], 1e-9):,.0f} /s"),
        count_line("ignored", summary["ignored"], "well-formed, no price in them"),
        count_line("malformed", summary["malformed"]),
        count_line(
            "received", summary["messages_received"], f"{summary['trades']:,} trades, {summary['quotes']:,} quotes"
        ),
        count_line("processed", summary["messages_processed"], f"{summary['updates_per_s']:,.0f} updates/s"),
        count_line("out of order", summary["out_of_order"]),
        *_numbers(summary),
        count_line("errors", summary["errors"]),
    ]
    lines += [count_line(f"  {reason}", count) for reason, count in summary["errors_by_reason"].items() if count]
    return lines + _log(summary["log"])


def _log(log: dict | None) -> list[str]:
    """Return how far the event log is, if there is one."""
    if log is None:
        return []
    if log["error"]:
        return [f"  log: {log['error']}"]
    return [count_line("logged records", log["durable_sequence"], f"in {log['path']}, durability {log['durability']}")]


def _files(summary: dict) -> str:
    """Return how many files there were and what was recognised in them."""
    formats = ", ".join(dict.fromkeys(file["format"] for file in summary["files"]))
    count = len(summary["files"])
    return f"{count} file{'s' * (count != 1)}" + (f" ({formats})" if formats else "")


def _speed(summary: dict) -> str:
    """Return at what speed recorded data was played, if not as fast as it goes."""
    return f", at {summary['speed']:g} times the speed of the recording" if summary["speed"] else ""


def _numbers(summary: dict) -> list[str]:
    """Return what the venues' own numbers say, if they say anything."""
    missing = [
        count_line("gaps", summary["gaps"], "in the venue's numbers"),
        count_line("duplicates", summary["duplicates"], "by the venue's numbers"),
    ]
    return [line for line, count in zip(missing, (summary["gaps"], summary["duplicates"]), strict=True) if count]


def _timing(summary: dict) -> list[str]:
    latency = summary["latency"]
    if not latency["sample_count"]:
        return ["  no update, hence no latency"]
    verdict = "PASS" if summary["passed"] else "FAIL"
    figures = "   ".join(f"{name[:-3]} {latency[name]:,.3f}" for name in _SHOWN)
    return [
        f"  latency of the last {latency['sample_count']:,} updates in us: {figures}",
        f"  {verdict}: p95 {latency['p95_us']:,.3f} us, target below {summary['target_p95_us']:,.0f} us",
    ]
