"""The report of a soak: JSON with everything, text for people, and one picture."""

import json
import math
import os
import platform
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from soak.figures import disk_ceiling_mib, judged
from soak.plot import plot
from soak.run import Run, clock

from pricecore.version import __version__


def write(run: Run) -> dict[str, Any]:
    """Write `report.json`, `report.txt` and `soak.svg` beside the samples; return the report."""
    samples = run.samples.read()
    found = gather(run, samples)
    out = run.options.out
    (out / "report.json").write_text(json.dumps(_without_nan(found), indent=1) + "\n")
    (out / "report.txt").write_text(text(found))
    (out / "soak.svg").write_text(plot(samples, [(event.t_s, event.fault) for event in run.events]))
    return found


def gather(run: Run, samples: dict[str, list[float]]) -> dict[str, Any]:
    """Return all that the report says."""
    slopes = judged(samples)
    problems = list(dict.fromkeys(run.problems))
    problems += [f"{one.figure} grows" for one in slopes if one.passed is False]
    most_mib, ceiling_mib = _most(samples, "disk.log_mib"), disk_ceiling_mib(run.options.keep_mib)
    if most_mib > ceiling_mib:
        problems.append(
            f"the log takes {most_mib:.1f} MiB, and keeps {run.options.keep_mib:g}: {ceiling_mib:.1f} allowed"
        )
    stage, options = run.stage, run.options
    return {
        "passed": not problems,
        "problems": problems,
        "ran_s": run.ran_s,
        "asked_s": options.run_s,
        "played": stage.played,
        "rate_per_s": options.rate_per_s,
        "fault_every_s": options.fault_every_s,
        "disk": stage.disk.kind,
        "disk_most_mib": most_mib,
        "disk_ceiling_mib": ceiling_mib,
        "dashboard": stage.dashboard.why_not or "running",
        "compressed": stage.settings["compress"],
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "version": __version__,
        "published": max(_most(samples, "sequence"), stage.audit.durable),
        "audit": {
            "chunks_compared": stage.audit.compared,
            "chunks_with_gaps": stage.audit.with_gaps,
            "durable": stage.audit.durable,
            "gaps": [gap._asdict() for gap in sorted(stage.audit.gaps)],
            "restarted": run.restarted,
        },
        "slopes": [one._asdict() for one in slopes],
        "typical": {name: _typical(values) for name, values in samples.items() if name != "t_s"},
        "events": [event._asdict() for event in run.events],
    }


def text(found: dict[str, Any]) -> str:
    """Return the report for people."""
    audit = found["audit"]
    missing = sum(gap["last"] - gap["first"] + 1 for gap in audit["gaps"])
    faults = Counter(event["fault"] for event in found["events"])
    rows = [
        f"{'PASS' if found['passed'] else 'FAIL'}: soak of {clock(found['ran_s'])}, {clock(found['asked_s'])} asked",
        f"  pricecore {found['version']}; {found['machine']}",
        f"  {found['played']} at {found['rate_per_s']:,.0f} messages/s, a fault every {found['fault_every_s']:g} s",
        f"  disk: {found['disk']}; dashboard: {found['dashboard']}; sealed files compressed: {found['compressed']}",
        f"  published {found['published']:,.0f} records, acknowledged {audit['durable']:,}; "
        f"{audit['chunks_compared']:,} chunks of 4,096 read back from the log and compared",
        f"  the log took {found['disk_most_mib']:.1f} MiB at most, {found['disk_ceiling_mib']:.1f} allowed",
        f"  gaps that the log reports: {len(audit['gaps'])}, {missing:,} records; restarted {audit['restarted']}",
        f"  faults: {', '.join(f'{count} {name}' for name, count in faults.items()) or 'none'}",
        "",
        *(f"  PROBLEM {problem}" for problem in found["problems"]),
        "  growth over the second half of the run (Theil-Sen slope of medians x time):",
        f"    {'figure':<28}{'unit':>8}{'median':>12}{'growth':>12}{'allowed':>12}{'seen from, /h':>15}",
        *(_slope_row(one) for one in found["slopes"]),
    ]
    return "\n".join(rows) + "\n"


def _slope_row(one: dict[str, Any]) -> str:
    verdict = {True: "", False: "  GROWS", None: "  not judged: too short"}[one["passed"]]
    numbers = (one["median"], one["growth"], one["allowed"], one["least_seen_per_hour"])
    widths = (12, 12, 12, 15)
    cells = "".join(f"{_number(value):>{width}}" for value, width in zip(numbers, widths, strict=True))
    return f"    {one['figure']:<28}{one['unit']:>8}{cells}{verdict}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _typical(values: list[float]) -> dict[str, float]:
    there = np.array([value for value in values if not math.isnan(value)])
    if not len(there):
        return {}
    return {"median": float(np.median(there)), "most": float(there.max()), "last": float(there[-1])}


def _most(samples: dict[str, list[float]], name: str) -> float:
    return max(samples.get(name, []), default=0.0)


def _without_nan(value: Any) -> Any:
    """Return what JSON can hold: null where there is no figure."""
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
