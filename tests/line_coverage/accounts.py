"""missed.toml: the lines that no test reaches, by their text and not by their number, and why; the files that are not
counted, since nothing in this build can run them."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

LIST = Path(__file__).with_name("missed.toml")


@dataclass(slots=True)
class Account:
    """A reason why lines are missed: those of these texts in a file, or in all files when `file` is "*"."""

    file: str
    lines: list[str]
    reason: str
    sometimes: bool = False  # reached or not as threads happen to meet
    unused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.unused = set(self.lines)

    def holds(self, file: str, text: str) -> bool:
        """Tell whether it is the reason for this line, and remember that it was needed."""
        if self.file not in ("*", file) or text not in self.lines:
            return False
        self.unused.discard(text)
        return True


def accounts(path: Path = LIST) -> list[Account]:
    return [Account(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("missed", [])]


def excluded(path: Path = LIST) -> dict[str, str]:
    """Return the files that are not counted, and why."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("excluded", [])
    return {entry["file"]: entry["reason"] for entry in entries}


def judged(missed: Iterable[tuple[str, int, str]], known: list[Account]) -> list[str]:
    """Return what is wrong: a missed line (file, number, text) without a reason, a reason not needed any more."""
    wrong = []
    for file, number, text in missed:
        holding = [account for account in known if account.holds(file, text)]  # each of them: it was needed
        if not holding:
            wrong.append(f"{file}:{number}: missed, and not in missed.toml: {text}")
    stale = [
        f"missed.toml: {account.file}: reached, or gone; take it out: {text}"
        for account in known
        if not account.sometimes
        for text in account.lines
        if text in account.unused
    ]
    return wrong + stale
