"""Level 8: the command line. Each command is a module with `add_arguments(parser)` and `main(args) -> int`.

Exit codes: 0 good; 1 the latency target was missed, damage was found or the report could not be written; 2 wrong use;
130 stopped by Ctrl-C or SIGTERM.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from pricecore.cli.output import drop_output
from pricecore.version import __version__

COMMANDS = {
    "run": "feed recorded market data through the engine and report",
    "replay": "play an event log into an engine, as fast as it goes or at the recorded speed, and report",
    "perf-test": "measure the engine's latency under load; PASS needs p95 below 1 ms",
    "info": "show the version, the platform, the clock and the sizes, or the named engines",
    "log": "verify, repair, measure, compress or export the event log of an engine",
    "dashboard": "show a live page about an engine; without a name, one on the bundled sample",
    "top": "watch one or several named engines on the terminal: figures, chart and prices",
    "metrics": "print the metrics of named engines as OpenMetrics text, or serve them to Prometheus",
    "grafana": "print the Grafana dashboard, or the alert rules for Prometheus",
    "health": "say in one line whether a named engine lives and is fresh; for container probes",
}
"""Name and one line of help; the module is `pricecore.cli.NAME`, with `_` for `-`, and is imported on use."""

_EPILOG = "Begin with `pricecore run --sample`. `pricecore COMMAND --help` says more of each."

Main = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; by default those of the process.

    Returns
    -------
    int
        The exit code. Wrong use leaves through `SystemExit` with code 2, as argparse does it.

    Threads: the main thread.
    Cost: that of the command.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser, run_command = _parser(arguments)
    args = parser.parse_args(arguments)
    if run_command is None:
        parser.error("a command is needed; pricecore --help lists them")
    try:
        return run_command(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        drop_output()
        return 1


def _parser(arguments: list[str]) -> tuple[argparse.ArgumentParser, Main | None]:
    """Return the parser, with the arguments of the one command that was asked for, and that command's `main`."""
    parser = argparse.ArgumentParser(prog="pricecore", description="In-process price engine.", epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"pricecore {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    asked_for = next((word for word in arguments if not word.startswith("-")), None)
    run_command = None
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == asked_for:
            module = import_module(f"pricecore.cli.{name.replace('-', '_')}")
            module.add_arguments(command)
            run_command = module.main
    return parser, run_command
