"""`pricecore log compress LOG`: sealed files become smaller."""

import argparse
import json
import re
import sys

from pricecore.cli.arguments import whole_number
from pricecore.cli.output import printed
from pricecore.cli.percent_line import PercentLine
from pricecore.eventlog.compressing import DEFAULT_LEVEL, CompressReport, compress_log

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this action."""
    add = parser.add_argument
    add(
        "--older-than",
        type=age_s,
        default=0.0,
        metavar="AGE",
        help="only files that were last written so long ago: 30s, 10m, 1h, 2d (default: all)",
    )
    add(
        "--level",
        type=_level,
        default=DEFAULT_LEVEL,
        metavar="N",
        help="level of zstd, 1 (fast) to 22 (small); default 3",
    )
    add("--most-files", type=whole_number, metavar="N", help="stop after so many files")
    add("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Compress, and print by how much; return 0, or 1 when the report cannot be written."""
    with PercentLine(sys.stderr) as progress:
        report = compress_log(
            args.log,
            level=args.level,
            older_than_s=args.older_than,
            most_files=args.most_files,
            on_progress=progress,
        )
    text = json.dumps(as_facts(report)) if args.json else as_text(args.log, report)
    return 0 if printed("log compress", text) else 1


def age_s(text: str) -> float:
    """Return an age such as `90`, `90s`, `10m`, `1h` or `2d` in seconds; argparse shows the error."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age such as 30s, 10m, 1h or 2d")
    return float(match[1]) * _SECONDS[match[2]]


def _level(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 22):
        raise argparse.ArgumentTypeError(f"{text!r} is no level from 1 to 22")
    return int(text)


def as_facts(report: CompressReport) -> dict:
    """Return the report as plain values."""
    files = [{**file._asdict(), "ratio": file.ratio} for file in report.files]
    return {**report._asdict(), "files": files, "ratio": report.ratio}


def as_text(log: str, report: CompressReport) -> str:
    """Return the report for people."""
    lines = [
        f"{file.path}: {_mib(file.before_bytes)} -> {_mib(file.after_bytes)}, 1 : {file.ratio:.2f}, "
        f"{file.records:,} records in {file.time_s:.2f} s"
        for file in report.files
    ]
    left = {"compressed before": report.compressed_before, "too young": report.too_young, "removed": report.removed}
    rest = "".join(f"; {count:,} {what}" for what, count in left.items() if count)
    lines.append(f"{log}: {len(report.files):,} files compressed{rest}; the last file is left as it is")
    if report.ratio is not None:
        lines.append(f"{_mib(report.before_bytes)} -> {_mib(report.after_bytes)}, 1 : {report.ratio:.2f}")
    return "\n".join(lines)


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.1f} MiB"
