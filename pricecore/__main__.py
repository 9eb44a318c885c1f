"""`python -m pricecore` is the command `pricecore`."""

import sys

from pricecore.cli import main

sys.exit(main())
