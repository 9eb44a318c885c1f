"""Values that more than one command takes."""

import argparse


def whole_number(text: str) -> int:
    """Return a whole number of at least 1; argparse shows the error."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number
