"""`python -m soak --hours 24`: runs a real engine under load and faults, and judges what becomes of it."""

import signal
import sys

from soak.options import parse
from soak.report import text, write
from soak.run import Run


def main() -> int:
    """Return 0 when nothing is wrong, 1 when something is."""
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for jobs in the background
    run = Run(options)
    try:
        run.go()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the report takes seconds
        run.finish()
        found = write(run)
    finally:
        run.close()
    print(text(found), end="")
    print(f"report: {options.out}/report.txt, report.json, samples.csv, soak.svg")
    return 0 if found["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
