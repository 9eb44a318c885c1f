"""`pricecore metrics NAME ...`: what Prometheus wants to know of named engines, once or as an endpoint."""

import argparse
import sys
import threading
from typing import TYPE_CHECKING

from pricecore.cli.output import complain, printed, visible
from pricecore.cli.standing_back import stand_back
from pricecore.cli.stop import Stop
from pricecore.errors import MissingExtraError
from pricecore.primitives.segment_names import segment_names

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_PORTS = range(65_536)
_EPILOG = """\
An engine that is not there yet has pricecore_up 0. With --serve it is asked for again at each scrape, and so is a
pattern. Needs the extra: pip install "pricecore[prometheus]".

Exit codes: 0 good; 1 without --serve: none of the engines is there; 2 wrong use, or the port is taken.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("names", nargs="+", metavar="NAME", help="an engine, or a pattern for all that match, as 'md-*'")
    add("--serve", type=_port, metavar="PORT", help="answer Prometheus at /metrics on this port; 0: any free one")
    add("--host", default="127.0.0.1", help="address to listen at (default 127.0.0.1: this machine alone)")
    add("--symbols", action="append", metavar="PATTERN", help="also prices of these, four series each; repeatable")


def main(args: argparse.Namespace) -> int:
    """Print the metrics, or serve them until stopped; return 0, 1 when no engine is there, 2 for wrong use."""
    try:
        registry = _registry(args)
    except (MissingExtraError, ValueError) as error:
        complain("metrics", error)
        return 2
    return _print(registry, args) if args.serve is None else _serve(registry, args)


def _registry(args: argparse.Namespace) -> "CollectorRegistry":
    from pricecore.observe.prometheus import metrics_registry

    return metrics_registry(*args.names, symbols=args.symbols)


def _print(registry: "CollectorRegistry", args: argparse.Namespace) -> int:
    """Print OpenMetrics text once."""
    from prometheus_client.openmetrics.exposition import generate_latest

    text: str = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    if not printed("metrics", text.removesuffix("\n"), exact=True):
        return 1
    if any(line.endswith(" 1.0") for line in text.splitlines() if line.startswith("pricecore_up{")):
        return 0
    known = ", ".join(segment_names()) or "none"
    wanted = visible(", ".join(args.names))
    print(f"pricecore metrics: no engine writes {wanted}; on this machine: {known}", file=sys.stderr)
    return 1


def _serve(registry: "CollectorRegistry", args: argparse.Namespace) -> int:
    """Answer until Ctrl-C or SIGTERM, which are the way to end it."""
    from prometheus_client import start_http_server

    stand_back()
    try:
        server, thread = start_http_server(args.serve, args.host, registry)
    except OSError as error:
        reason = error.strerror or error
        print(
            f"pricecore metrics: error: cannot listen on {args.host} port {args.serve}: {reason}; "
            f"another one by --serve PORT, or any free one by --serve 0",
            file=sys.stderr,
        )
        return 2
    print(
        f"http://{args.host}:{server.server_port}/metrics tells of {', '.join(args.names)}", file=sys.stderr, flush=True
    )
    try:
        with Stop() as stop, stop.waiting_for_input():
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    server.shutdown()
    server.server_close()
    thread.join()
    return 0


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) not in _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)
