"""`pricecore info`: what is installed, on what, with which clock and which sizes."""

import argparse
import inspect
import json
import platform
import sysconfig

from pricecore.cli.output import printed
from pricecore.dtypes import RECORD_DTYPE
from pricecore.engine.price_engine import PriceEngine
from pricecore.primitives import clock
from pricecore.version import __version__

_SLOT_BYTES = 256  # four cache lines a symbol


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Print the facts; return 0, or 1 when they cannot be written."""
    with PriceEngine():  # calibrates the clock
        facts = collect()
    return 0 if printed("info", json.dumps(facts) if args.json else as_text(facts)) else 1


def collect() -> dict:
    """Return version, platform, clock and the engine's defaults as plain values.

    Threads: any.
    Cost: some microseconds.
    """
    parameters = inspect.signature(PriceEngine.__init__).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
    return {
        "version": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "platform": platform.platform(),
        "clock": clock.describe(),
        "defaults": defaults,
        "memory_bytes": {
            "slots": defaults["max_symbols"] * _SLOT_BYTES,
            "ring": defaults["ring_capacity"] * RECORD_DTYPE.itemsize,
            "pool": defaults["pool_buffers"] * defaults["buffer_size"],
        },
    }


def as_text(facts: dict) -> str:
    """Return the facts for people."""
    clock_facts, memory = facts["clock"], facts["memory_bytes"]
    threads = "free-threaded" if facts["free_threaded"] else "with the GIL"
    rows = [
        ("pricecore", facts["version"]),
        ("python", f"{facts['python']}, {threads}"),
        ("platform", facts["platform"]),
        ("clock", f"{clock_facts['source']}, {clock_facts['ns_per_tick']:.6f} ns a tick: {clock_facts['reason']}"),
        *((name, f"{value:,}" if type(value) is int else str(value)) for name, value in facts["defaults"].items()),
        *((f"{name} memory", f"{size / 2**20:,.1f} MiB") for name, size in memory.items()),
    ]
    return "\n".join(f"{name:<20}{value}" for name, value in rows)
