"""Level 0: where the C headers stand, for Cython projects that cimport from pricecore."""

from pathlib import Path


def get_include() -> str:
    """Return the folder to add to `include_dirs` of an extension that cimports from pricecore.

    Returns
    -------
    str
        Absolute path of the folder that holds `atomics.h`.

    Threads: any. Cost: allocates one str; no file is read.
    """
    return str(Path(__file__).resolve().parent / "primitives")
