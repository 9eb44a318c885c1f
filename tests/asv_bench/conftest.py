"""Makes the modules of asv_bench/ importable; without msgspec (free-threaded Python) they are left out."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "asv_bench"))
