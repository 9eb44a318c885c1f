"""`pricecore log repair LOG`: damage is cut out."""

import argparse
import json
import sys

from pricecore.cli.output import printed
from pricecore.cli.percent_line import PercentLine
from pricecore.eventlog.repairing import RepairReport, repair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this action."""
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Repair, and print what was lost; return 0 when the log is good now, else 1."""
    with PercentLine(sys.stderr) as progress:
        report = repair(args.log, progress)
    text = json.dumps(as_facts(report)) if args.json else as_text(report)
    return 0 if printed("log repair", text) else 1


def as_facts(report: RepairReport) -> dict:
    """Return the report as plain values."""
    parts = {
        "lost": [gap._asdict() for gap in report.lost],
        "damages": [damage._asdict() for damage in report.damages],
    }
    return {**report._asdict(), **parts}


def as_text(report: RepairReport) -> str:
    """Return the report for people."""
    if not report.damages:
        return f"{report.path}: nothing is damaged, nothing was changed"
    lines = [f"DAMAGED: {damage.file}, byte {damage.offset:,}: {damage.reason}" for damage in report.damages]
    lines += [f"lost: sequences {gap.first_sequence:,} to {gap.last_sequence:,}" for gap in report.lost]
    lines += [f"kept: {path}" for path in report.kept]
    lines.append(f"{report.path}: {report.records:,} records are good, {report.records_lost:,} are lost")
    return "\n".join(lines)
