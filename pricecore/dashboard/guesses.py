"""How many wrong tokens may come from one address: who tries them all gets ten a minute. Plain Python."""

import threading
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

MOST_GUESSES = 10
WINDOW_S = 60.0
MAX_ADDRESSES = 1_024


class Guesses:
    """Counts the wrong tokens of each address over the last minute.

    The same wrong token again is no other guess: a page that was left open, or a program that tries again, with a
    token that was good before the last restart, locks nobody out. Of more than `MAX_ADDRESSES` addresses the one
    that has guessed longest ago is forgotten, so that no flood of addresses takes memory.

    Parameters
    ----------
    clock : callable
        Monotonic seconds; tests pass their own.

    Threads: any. Cost: a lock for a moment; at most `MOST_GUESSES` small ints for each of `MAX_ADDRESSES` addresses.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made_at_s: dict[str, dict[int, float]] = {}  # by address and guess; the oldest come first

    def wait_s(self, address: str) -> float:
        """Return the seconds until a guess from this address is judged again; 0.0: it may try."""
        now_s = self._clock()
        with self._lock:
            recent = self._recent(address, now_s)
            return next(iter(recent.values())) + WINDOW_S - now_s if len(recent) >= MOST_GUESSES else 0.0

    def add(self, address: str, guess: str) -> None:
        """Count a wrong one."""
        now_s = self._clock()
        network = _network(address)
        with self._lock:
            recent = self._recent(address, now_s)
            recent.setdefault(hash(guess), now_s)
            self._made_at_s.pop(network, None)
            self._made_at_s[network] = recent
            while len(self._made_at_s) > MAX_ADDRESSES:
                del self._made_at_s[next(iter(self._made_at_s))]

    def _recent(self, address: str, now_s: float) -> dict[int, float]:
        made = self._made_at_s.get(_network(address), {})
        return {guess: at_s for guess, at_s in made.items() if now_s - at_s < WINDOW_S}


def _network(address: str) -> str:
    """Return what is one visitor's: an IPv4 address; of IPv6 the first 64 bits, for the rest he chooses himself."""
    try:
        found = ip_address(address)
    except ValueError:  # a socket of this machine has none
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if found.version == 6 else address
