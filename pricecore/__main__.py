"""`python -m pricecore` is the command `pricecore`."""

import sys

from pricecore.cli import main

if __name__ == "__main__":
    sys.exit(main())
