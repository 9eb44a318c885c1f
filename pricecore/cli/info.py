"""`pricecore info`: what is installed, on what, with which clock and which sizes; and the segments of this machine."""

import argparse
import inspect
import json
import platform
import sysconfig
from collections.abc import Sequence

from pricecore.cli.output import printed
from pricecore.dtypes import RECORD_DTYPE
from pricecore.engine.price_engine import PriceEngine
from pricecore.primitives import clock, segment_list
from pricecore.primitives.segment_list import SegmentFacts
from pricecore.primitives.segment_names import segments_folder
from pricecore.version import __version__

_SLOT_BYTES = 256  # four cache lines a symbol
_EPILOG = """\
The sizes are those of PriceEngine() without arguments. Named engines lie in /dev/shm, or in the folder that the
environment variable PRICECORE_SHM_DIR names.

Exit codes: 0 good; 1 the report cannot be written; 2 wrong use.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--segments", action="store_true", help="list the named engines of this machine instead")
    parser.add_argument(
        "--remove-orphaned",
        action="store_true",
        help="delete the segments of named engines whose writer is gone, with their last prices, and list them",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")


def main(args: argparse.Namespace) -> int:
    """Print what was asked for; return 0, or 1 when it cannot be written."""
    if args.remove_orphaned:
        text = removed(as_json=args.json)
    elif args.segments:
        text = segments(as_json=args.json)
    else:
        with PriceEngine():  # calibrates the clock
            facts = collect()
        text = json.dumps(facts) if args.json else as_text(facts)
    return 0 if printed("info", text) else 1


def removed(*, as_json: bool) -> str:
    """Delete the named engines whose writer is gone; return what to say of it."""
    names = segment_list.remove_orphaned()
    if as_json:
        return json.dumps({"removed": names})
    return "\n".join(f"removed {name}" for name in names) or "nothing to remove"


def segments(*, as_json: bool) -> str:
    """Return the named engines of this machine, for programs or for people."""
    found = segment_list.list_segments()
    return json.dumps({"segments": [one._asdict() for one in found]}) if as_json else segments_as_text(found)


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


def segments_as_text(found: Sequence[SegmentFacts]) -> str:
    """Return a table of segments for people."""
    if not found:
        return f"no named engine in {segments_folder()}"
    width = max(4, *(len(one.name) for one in found))
    rows = [f"{'name':<{width}}  {'writer':<16}{'generation':>10}{'size':>12}"]
    for one in found:
        writer = f"{one.writer_pid} {'alive' if one.alive else 'gone'}"
        size = f"{one.size_bytes / 2**20:,.1f} MiB"
        rows.append(f"{one.name:<{width}}  {writer:<16}{one.generation:>10}{size:>12}  {one.trouble}".rstrip())
    return "\n".join(rows)


def as_text(facts: dict) -> str:
    """Return the facts for people."""
    clock_facts, memory = facts["clock"], facts["memory_bytes"]
    threads = "free-threaded" if facts["free_threaded"] else "with the GIL"
    rows = [
        ("pricecore", facts["version"]),
        ("python", f"{facts['python']}, {threads}"),
        ("platform", facts["platform"]),
        ("clock", f"{clock_facts['source']}, {clock_facts['ns_per_tick']:.6f} ns a tick: {clock_facts['reason']}"),
        *((name, _shown(name, value)) for name, value in facts["defaults"].items()),
        *((f"{name} memory", f"{size / 2**20:,.1f} MiB") for name, size in memory.items()),
    ]
    return "\n".join(f"{name:<20}{value}" for name, value in rows)


def _shown(name: str, value: object) -> str:
    """Return a default as people write it: permissions in octal, thousands apart."""
    if name == "permissions":
        return f"0o{value:o}"
    return f"{value:,}" if type(value) is int else str(value)
