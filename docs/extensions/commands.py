"""The page of the command line: each command with what it prints with `--help`."""

import contextlib
import io
import os
from typing import Any

from pricecore.cli import COMMANDS, main
from pricecore.cli.log import ACTIONS

os.environ["COLUMNS"] = "100"
LOG_ACTIONS = tuple(ACTIONS)


def help_of(*words: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return printed.getvalue().strip()


def sections() -> str:
    calls = [(name,) for name in COMMANDS]
    after = calls.index(("log",)) + 1
    calls[after:after] = [("log", action) for action in LOG_ACTIONS]
    return "\n\n".join(f"## pricecore {' '.join(words)}\n\n```text\n{help_of(*words)}\n```" for words in calls)


def fill_in(app: Any, docname: str, content: list[str]) -> None:
    if docname == "command-line":
        content[0] += f"\n{sections()}\n"


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True}
