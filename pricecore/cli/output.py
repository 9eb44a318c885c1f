"""What a command prints on stdout, which may be gone or full."""

import os
import sys


def printed(command: str, text: str) -> bool:
    """Print the result of a command; False when nobody reads it, or, with a line on stderr, when it cannot be written.

    Threads: the main thread.
    Cost: some system calls.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        drop_output()
    except OSError as error:
        drop_output()
        print(f"pricecore {command}: error: cannot write the report: {error.strerror}", file=sys.stderr)
    else:
        return True
    return False


def drop_output() -> None:
    """Send what is left of stdout nowhere; without this the interpreter complains again while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
