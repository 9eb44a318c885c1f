"""`pricecore dashboard`: a live page about one or several engines, as a process of its own."""

import argparse
import errno
import os
import socket
import webbrowser
from contextlib import ExitStack

from pricecore.cli.output import complain
from pricecore.cli.standing_back import stand_back
from pricecore.dashboard import need_nicegui
from pricecore.dashboard.addresses import is_loopback, listening_socket
from pricecore.errors import MissingExtraError
from pricecore.observe import Labelled
from pricecore.primitives.segment_list import list_segments
from pricecore.primitives.segment_names import check_name

_EPILOG = """\
With names it attaches to these engines, as often as they come and go; of several, the page has a choice. Without a
name it starts an engine of its own, on the sample of real ticks that comes with pricecore, in a loop.

Only this machine can see the page. With another --host it asks every visitor for --token, or for what the environment
variable PRICECORE_TOKEN holds, which does not show in lists of processes; put TLS in front of it there.

Needs the extra: pip install "pricecore[dashboard]". GET /healthz answers "ok".

Exit codes: 2 wrong use, or the port is taken; 130 stopped by Ctrl-C or SIGTERM.
"""
_LEAST_TOKEN = 8


class UseError(ValueError):
    """Wrong use; the message says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="name of an engine; by default a sample is shown")
    add("--host", default="127.0.0.1", help="address to listen at (default 127.0.0.1)")
    add("--port", type=_port, default=8765, help="port to listen at (default 8765); 0: any that is free")
    add("--token", metavar="T", help="what visitors must know; needed unless --host is this machine alone")
    add("--show", action="store_true", help="open the page in the browser")


def main(args: argparse.Namespace) -> int:
    """Serve the page; return 2 when it cannot be."""
    token = args.token if args.token is not None else os.environ.get("PRICECORE_TOKEN")
    try:
        need_nicegui()
        _check(args, token)
        listening = _listening(args.host, args.port)
    except (UseError, MissingExtraError) as error:
        complain("dashboard", error)
        return 2
    with ExitStack() as opened:
        opened.enter_context(listening)
        _serve(args, token, listening, opened)
    return 0


def _serve(args: argparse.Namespace, token: str | None, listening: socket.socket, opened: ExitStack) -> None:
    from pricecore.dashboard.serving import serve

    host, port = listening.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def ready() -> None:
        print(f"pricecore dashboard: {address}{_about(args.names)}", flush=True)
        if args.show:
            webbrowser.open(address)

    if args.names:
        stand_back()
        serve(dict.fromkeys(args.names), listening, ready, token)
        return
    from pricecore.feeds.sample import SAMPLE_LABEL, SampleEngine  # needs msgspec

    sample = opened.enter_context(SampleEngine())
    serve(Labelled(sample.engine, SAMPLE_LABEL), listening, ready, token)


def _about(names: list[str]) -> str:
    """Return what is shown, and which of the names are not there yet."""
    if not names:
        return "  (an engine of its own, on the bundled sample; give the NAME of yours to see that)"
    there = [one.name for one in list_segments()]
    missing = [name for name in names if name not in there]
    if not missing:
        return f"  ({', '.join(names)})"
    others = f"; there are: {', '.join(there)}" if there else "; there is none with a name"
    return f"  (waiting for {', '.join(missing)}{others})"


def _check(args: argparse.Namespace, token: str | None) -> None:
    for name in args.names:
        try:
            check_name(name)
        except ValueError as error:
            raise UseError(str(error)) from None
    if token is not None and len(token) < _LEAST_TOKEN:
        raise UseError(f"the token has {len(token)} characters; it needs {_LEAST_TOKEN} or more")
    if token is None and not is_loopback(args.host):
        raise UseError(f"--host {args.host} can be reached from other machines: give --token, or set PRICECORE_TOKEN")


def _listening(host: str, port: int) -> socket.socket:
    try:
        return listening_socket(host, port)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        advice = "; --port 0 takes any that is free" if error.errno == errno.EADDRINUSE else ""
        raise UseError(f"cannot listen at {host} port {port}: {why}{advice}") from None


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return port
