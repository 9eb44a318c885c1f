"""`pricecore log verify LOG`: is it what its format says?"""

import argparse
import json
import sys

from pricecore.cli.output import printed
from pricecore.cli.percent_line import PercentLine
from pricecore.eventlog.verifying import VerifyReport, verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this action."""
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Print what was found; return 0 when there is no damage, else 1."""
    with PercentLine(sys.stderr) as progress:
        report = verify(args.log, progress)
    text = json.dumps(as_facts(report)) if args.json else as_text(report)
    return 0 if printed("log verify", text) and report.ok else 1


def as_facts(report: VerifyReport) -> dict:
    """Return the report as plain values."""
    parts = {
        "gaps": [gap._asdict() for gap in report.gaps],
        "torn": report.torn and report.torn._asdict(),
        "damages": [damage._asdict() for damage in report.damages],
    }
    return {"ok": report.ok, **report._asdict(), **parts}


def as_text(report: VerifyReport) -> str:
    """Return the report for people."""
    lines = [
        f"{report.path}: {report.records:,} records in {report.blocks:,} blocks and {report.files:,} files, "
        f"{report.size_bytes / 2**20:,.1f} MiB; sequences {report.first_sequence:,} to {report.last_sequence:,}, "
        f"{report.symbols:,} symbols, {report.snapshots:,} snapshots"
    ]
    lines += [f"gap: {gap.first_sequence:,} to {gap.last_sequence:,} ({gap.reason})" for gap in report.gaps]
    if report.torn is not None:
        lost = "an unknown number of" if report.torn.records is None else f"{report.torn.records:,}"
        where = f"{report.torn.path}, byte {report.torn.offset:,}"
        lines.append(f"torn tail: {where}: {report.torn.size_bytes:,} bytes with {lost} records, left by a crash")
    lines += [f"note: {note}" for note in report.notes]
    lines += [f"DAMAGED: {damage.file}, byte {damage.offset:,}: {damage.reason}" for damage in report.damages]
    lines.append("good" if report.ok else f"pricecore log repair {report.path}  cuts this out and keeps a copy")
    return "\n".join(lines)
