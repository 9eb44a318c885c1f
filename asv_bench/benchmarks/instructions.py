"""Instructions of each call, counted by callgrind: the figures that `ci/bench` judges by."""

from . import callgrind
from .loops import LOOPS


class Instructions:
    """Of one call, or of one row of a batch. Skipped without valgrind."""

    params = tuple(LOOPS)
    param_names = ("call",)
    unit = "instructions"
    timeout = 600

    def setup_cache(self):
        return callgrind.count() if callgrind.is_available() else {}

    setup_cache.timeout = 600

    def setup(self, counts, call):
        if call not in counts:
            raise NotImplementedError("valgrind is not installed, or the package has no such call")

    def track_instructions(self, counts, call):
        return counts[call]
