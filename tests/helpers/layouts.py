"""Arrays that lie in memory in every odd way."""

import numpy as np


class Subclass(np.ndarray):
    pass


def spaced(values, dtype):
    wide = np.zeros(3 * len(values), dtype)
    wide[::3] = values
    return wide[::3]


def unaligned(values, dtype):
    memory = np.zeros(len(values) * np.dtype(dtype).itemsize + 1, np.uint8)[1:]
    made = memory.view(dtype)
    made[:] = values
    assert made.flags.aligned == (made.itemsize == 1)
    return made


def read_only(values, dtype):
    made = np.array(values, dtype)
    made.flags.writeable = False
    return made


def variants(values, dtype):
    """Return arrays of these values that are laid out in every odd way."""
    plain = np.array(values, dtype)
    return {
        "plain": plain,
        "spaced": spaced(values, dtype),
        "reversed": plain[::-1].copy()[::-1],
        "swapped": plain.astype(plain.dtype.newbyteorder()),
        "unaligned": unaligned(values, dtype),
        "read-only": read_only(values, dtype),
        "subclass": plain.view(Subclass),
        "unmasked": np.ma.array(plain),
        "column of a matrix": np.stack([plain, plain], axis=1)[:, 0],
    }
