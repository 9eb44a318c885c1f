"""What a command prints: on stdout, which may be gone or full, and nothing that a terminal would obey."""

import os
import sys


def visible(text: str) -> str:
    """Return the text with all but its line ends escaped that a terminal would obey or hide.

    Names come from feeds, logs and archives: an escape sequence in one could clear the screen or change its title.

    Threads: any. Cost: one look at each line.
    """
    return "\n".join(line if line.isprintable() else "".join(map(_visible, line)) for line in text.split("\n"))


def _visible(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")


def words_of(error: object) -> str:
    """Return what an error says; of one of the system the file and the reason, without the number.

    Threads: any. Cost: microseconds.
    """
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def complain(command: str, text: object, kind: str = "error") -> None:
    """Say on stderr what is wrong. Threads: the main thread. Cost: some system calls."""
    print(f"pricecore {command}: {kind}: {visible(words_of(text))}", file=sys.stderr)


def printed(command: str, text: str, *, exact: bool = False) -> bool:
    """Print the result of a command; False when nobody reads it, or, with a line on stderr, when it cannot be written.

    `exact` is for what a program reads: it gets all as it is, a terminal what is `visible`.

    Threads: the main thread.
    Cost: some system calls.
    """
    try:
        print(text if exact and not sys.stdout.isatty() else visible(text), flush=True)
    except BrokenPipeError:
        drop_output()
    except OSError as error:
        drop_output()
        complain(command, f"cannot write the report: {error.strerror}")
    else:
        return True
    return False


def drop_output() -> None:
    """Send what is left of stdout nowhere; without this the interpreter complains again while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
