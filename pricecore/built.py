"""Level 0: what to do when the sources were found before the package that was built from them."""

from importlib.util import find_spec
from pathlib import Path


def check_built() -> None:
    """Raise when this package has no compiled modules: Python was started in the folder of a clone.

    Raises
    ------
    ImportError
        The message says how to import the installed package instead.

    Threads: any. Cost: looks for one file.
    """
    if find_spec("pricecore.primitives.clock") is None:
        raise ImportError(
            f"{Path(__file__).parent} holds the sources of pricecore, which are not compiled, and Python found them "
            "first because it was started there: start it in another folder, or with -P, to import the package that "
            "`pip install .` has built and installed"
        )


check_built()
