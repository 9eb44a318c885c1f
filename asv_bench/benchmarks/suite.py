"""What every suite shares: its first method is ours, the clock is CPU time, what an older version lacks is skipped."""

import time

from .loops import ready


class Suite:
    """One of our calls beside what the standard library offers for the same work: the methods `time_...` of a subclass.

    A subclass names the loop in `ours` (with `{}` for a parameter) and how often a method calls it in `operations`, so
    that what asv adds around a method does not show.
    """

    ours = ""
    operations = 1_000
    timer = time.process_time  # what other programs do on the machine is not in it
    repeat = (5, 100, 0.2)
    warmup_time = 0.02

    def setup(self, *params):
        try:
            ready(self.ours.format(*params))
        except (AttributeError, ImportError, KeyError, TypeError, ValueError) as error:
            raise NotImplementedError(f"this version cannot do it: {error!r}") from None

    def time_pricecore(self, *params):
        ready(self.ours.format(*params))(self.operations)
