"""`pricecore log ACTION LOG`: what can be done with an event log. Each action is a module `pricecore.cli.log_ACTION`
with `add_arguments(parser)` and `main(args) -> int`, as commands are."""

import argparse
from importlib import import_module
from types import ModuleType

from pricecore.cli.output import complain
from pricecore.errors import LogCorruptError, PricecoreError

ACTIONS = {
    "verify": "judge every byte and change nothing; exit code 1 when there is damage",
    "repair": "cut out what is damaged, keep a copy, and say what was lost",
    "stats": "count what is in it",
    "compress": "make sealed files smaller with zstd; the file that is being written stays as it is",
    "export": "write prices and quotes as csv, ndjson, parquet or arrow",
}
"""Name and one line of help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        action.add_argument("log", metavar="LOG", help="the log's folder")
        _module(name).add_arguments(action)


def main(args: argparse.Namespace) -> int:
    """Run the action; with a line on stderr 1 when the log is damaged, 2 when there is none or it cannot be read."""
    code: int
    try:
        code = _module(args.action).main(args)
    except BrokenPipeError:
        raise  # of who reads our output: no error of the log
    except (PricecoreError, OSError) as error:
        complain(f"log {args.action}", error)
        return 1 if isinstance(error, LogCorruptError) else 2
    return code


def _module(action: str) -> ModuleType:
    return import_module(f"pricecore.cli.log_{action}")
