"""`pricecore log stats LOG`: what is in it?"""

import argparse
import json
import sys
from datetime import UTC, datetime

from pricecore.cli.output import printed
from pricecore.cli.percent_line import PercentLine
from pricecore.eventlog.log_stats import LogStats, log_stats
from pricecore.terminal.cells import harmless


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this action."""
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Print the counts; return 0, or 1 when they cannot be written."""
    with PercentLine(sys.stderr) as progress:
        stats = log_stats(args.log, progress)
    return 0 if printed("log stats", json.dumps(as_facts(stats)) if args.json else as_text(stats)) else 1


def as_facts(stats: LogStats) -> dict:
    """Return the counts as plain values; the source position as text, with escapes where it is none."""
    parts = {
        "gaps": [gap._asdict() for gap in stats.gaps],
        "source_position": stats.source_position.decode(errors="backslashreplace"),
        "busiest": dict(stats.busiest),
    }
    return {**stats._asdict(), **parts}


def as_text(stats: LogStats) -> str:
    """Return the counts for people."""
    rows = [
        ("log", stats.path),
        ("sequences", f"{stats.first_sequence:,} to {stats.last_sequence:,}"),
        ("records", f"{stats.records:,}: {stats.prices:,} prices, {stats.quotes:,} quotes"),
        ("", f"{stats.symbols:,} symbols, {stats.voids:,} unused tickets; {stats.missing:,} missing in gaps"),
        ("received", f"{_time(stats.first_received_ns)} to {_time(stats.last_received_ns)}"),
        ("rate", f"{stats.records_per_s:,.1f} prices and quotes/s"),
        ("size", f"{stats.size_bytes / 2**20:,.1f} MiB in {stats.files:,} files; {stats.snapshots:,} snapshots"),
        ("", f"{stats.bytes_per_record:,.1f} bytes a record, 1 : {stats.ratio:.2f}"),
        ("writers so far", f"{stats.generation:,}"),
        ("symbols known", f"{stats.known_symbols:,}"),
        ("source position", repr(stats.source_position)),
        *((f"  {harmless(name)}", f"{count:,}") for name, count in stats.busiest),
    ]
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name:<{width}}{value}" for name, value in rows)


def _time(time_ns: int) -> str:
    if not time_ns:
        return "-"
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
