"""`pricecore log ACTION LOG`: what can be done with an event log. Each action is a module `pricecore.cli.log_ACTION`
with `add_arguments(parser)` and `main(args) -> int`, as commands are."""

import argparse
from importlib import import_module
from types import ModuleType

from pricecore.cli.output import complain
from pricecore.errors import LogCorruptError, PricecoreError

ACTIONS = {
    "stats": "count records, symbols, gaps and bytes of a log",
    "verify": "judge every byte of a log and change nothing; exit code 1 when there is damage",
    "repair": "cut out what is damaged in a log, keep a copy, and say what was lost",
    "compress": "make sealed files of a log smaller with zstd; the file that is being written stays as it is",
    "export": "write the prices and quotes of a log as csv, ndjson, parquet or arrow",
}
"""Name and one line of help."""

_EXIT_CODES = """\
Exit codes: 0 good; 1 the log is damaged, or the report cannot be written; 2 wrong use, or there is no such log.
"""
_EPILOG = f"""\
LOG is the folder that an engine writes (PriceEngine(log=...), pricecore run --log). Every action but `repair` may run
beside the engine that writes it. `pricecore log ACTION --help` says more of each; `pricecore replay` plays a log.

{_EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their arguments."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        action.epilog = _EXIT_CODES
        action.add_argument("log", metavar="LOG", help="the folder of the log")
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
