"""`pricecore top [NAME ...]`: an engine's figures, chart and prices on the terminal."""

import argparse
import json
import os
import sys
from contextlib import ExitStack

from pricecore.cli.output import complain, printed
from pricecore.cli.standing_back import stand_back
from pricecore.observe import Labelled, labelled
from pricecore.terminal.plain import PRICES, plain_state
from pricecore.terminal.watching import Watching

_EPILOG = """\
Without a name it starts an engine of its own, on the sample of real ticks that comes with pricecore. The keys stand in
the last line, and ? explains them. An engine that is not there is waited for. Needs the extra, unless --once is given:
pip install "pricecore[tui]".

Exit codes: 0 good, or with --once: every engine is live; 1 with --once: one is not; 2 wrong use; 130 stopped by Ctrl-C
or SIGTERM.
"""
_INSTALL = 'Textual is not installed: pip install "pricecore[tui]", or use --once'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="NAME", help="name of an engine; several to switch between")
    parser.add_argument(
        "--filter", default="", metavar="PATTERN", help="show the prices of these symbols: part of a name, or BINANCE:*"
    )
    parser.add_argument("--once", action="store_true", help="print the figures as text and end; for scripts")
    parser.add_argument("--json", action="store_true", help="with --once: print the state as one JSON object alone")


def main(args: argparse.Namespace) -> int:
    """Show the engines; return the exit code."""
    if args.json and not args.once:
        return _wrong_use("--json needs --once")
    if args.once and not args.names:
        return _wrong_use("--once needs the name of an engine")
    with ExitStack() as closed:
        try:
            engines = labelled(dict.fromkeys(args.names))
        except ValueError as error:
            return _wrong_use(str(error))
        for one in engines:
            closed.callback(one.close)
        return _once(engines, args) if args.once else _live(engines, args.filter, closed)


def _once(engines: list[Labelled], args: argparse.Namespace) -> int:
    """Print the engines as they are now; return 0 when all are live."""
    states = [one.state() for one in engines]
    if args.json:
        text = json.dumps(states[0] if len(states) == 1 else {"engines": states}, allow_nan=False)
    else:
        pairs = zip(engines, states, strict=True)
        text = "\n\n".join(plain_state(state, one.prices(args.filter, PRICES), args.filter) for one, state in pairs)
    return 0 if printed("top", text) and all(state["alive"] for state in states) else 1


def _live(engines: list[Labelled], pattern: str, closed: ExitStack) -> int:
    if why := _no_terminal():
        return _wrong_use(f"{why}: use --once")
    try:
        import textual  # noqa: F401 - only to know whether the extra is there
    except ImportError:
        return _wrong_use(_INSTALL)
    from pricecore.terminal.app import TopApp

    if engines:
        stand_back()
    app = TopApp(Watching(engines or [_sample(closed)], pattern))
    app.run()
    return app.return_code or 0


def _sample(closed: ExitStack) -> Labelled:
    from pricecore.feeds.sample import SAMPLE_LABEL, SampleEngine

    return Labelled(closed.enter_context(SampleEngine()).engine, SAMPLE_LABEL)


def _no_terminal() -> str:
    """Return why nothing can be drawn; empty when it can."""
    for stream, name in (
        (sys.stdin, "standard input"),
        (sys.stdout, "standard output"),
        (sys.stderr, "standard error"),
    ):
        if stream is None or not stream.isatty():
            return f"{name} is no terminal"
    term = os.environ.get("TERM", "")
    return f"a terminal of the kind {term or 'unknown'!r} cannot be drawn on" if term in ("", "dumb", "unknown") else ""


def _wrong_use(text: str) -> int:
    complain("top", text)
    return 2
