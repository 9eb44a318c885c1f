"""Proves that the gate sees what it must: each gated call is slowed down in turn, in a patched copy that is built once.

    python asv_bench/prove_gate.py [--only CALLS]

Into the copy's methods goes a loop of no-operations whose length an environment variable sets. 5 % more instructions
must be red, 2 % must stay green. Takes about five minutes.
"""

import argparse
import math
import re
import sys
import tempfile
from pathlib import Path

import built_copy
import gate
from benchmarks import callgrind
from benchmarks.loops import LOOPS, expected

JITTER, SLOWDOWN = 0.02, 0.05
TURN = 3  # instructions of a turn of the loop: nothing, count, jump
PLACES = {
    "update": ("engine/updater.pyx", "put_trade"),
    "update_new_str": ("engine/updater.pyx", "put_trade"),
    "update_ints": ("engine/updater.pyx", "put_trade"),
    "update_keywords": ("engine/updater.pyx", "bind_trade"),
    "update_quote": ("engine/updater.pyx", "put_quote"),
    "update_many_100": ("engine/batch_updater.pyx", "update_many"),
    "update_many_1000": ("engine/batch_updater.pyx", "update_many"),
    "update_many_10000": ("engine/batch_updater.pyx", "update_many"),
    "update_many_names": ("engine/batch_updater.pyx", "update_many"),
    "price": ("engine/reader.pyx", "price_as_given"),
    "get": ("engine/reader.pyx", "get"),
    "view_price": ("engine/reader.pyx", "price_as_given"),
    "view_get": ("engine/reader.pyx", "get"),
    "update_named": ("engine/updater.pyx", "put_trade"),
    "update_watched": ("engine/updater.pyx", "put_trade"),
    "poll_all_64": ("delivery/subscription_core.pyx", "poll"),
    "poll_conflate_64": ("delivery/subscription_core.pyx", "poll"),
    "poll_empty": ("delivery/subscription_core.pyx", "poll"),
    "metrics": ("engine/core.pyx", "_gather"),
    "price_map_update": ("prices/price_map.pyx", "update"),
    "counter_add": ("primitives/counter.pyx", "add_as_given"),
    "latency_record": ("metrics/latency.pyx", "record"),
    "pool_cycle": ("primitives/pool.pyx", "acquire"),
    "pool_cycle_100": ("primitives/pool.pyx", "acquire"),
    "queue_push_pop": ("primitives/queue.pyx", "try_push"),
    "queue_batch_16": ("primitives/queue.pyx", "try_push_many"),
    "queue_batch_64": ("primitives/queue.pyx", "try_push_many"),
    "cache_get": ("caching/store.pyx", "get_given"),
    "cache_get_timed": ("caching/store.pyx", "get_given"),
    "cache_put": ("caching/store.pyx", "put_given"),
    "cache_put_timed": ("caching/store.pyx", "put_given"),
    "cache_mixed": ("caching/store.pyx", "get_given"),
} | {name: ("feeds/intake.pyx", "feed") for name in LOOPS if name.startswith("feed_")}
"""Of each gated call: the file and the method, or function, that it goes through once."""
AROUND = {("feeds/intake.pyx", "feed"), ("engine/updater.pyx", "bind_trade")}
"""Places behind which another one comes: they are slowed down without it."""
BURN = """
cdef extern from *:
    '''
    #include <stdlib.h>
    static inline void {name}(void) {{
        static long turns = -1;
        if (turns < 0) turns = getenv("{name}") ? atol(getenv("{name}")) : 0;
        for (long i = turns; i > 0; i--) __asm__ volatile("nop");
    }}
    '''
    void {name}() noexcept nogil

"""


def switch_of(place: tuple[str, str]) -> str:
    """Return the name of the function that is put in, and of the variable that sets its turns."""
    path, method = place
    return f"burn_{Path(path).stem}_{method}"


def patched(source: str, method: str, name: str) -> str:
    """Return the source with a call of `name` as the first statement of the only method, or function, `method`."""
    body = re.compile(rf'^( *)(?:def|cdef object) {method}\([^"]*?\):\n(?: +""".*?"""\n)?', re.DOTALL | re.MULTILINE)
    source, found = body.subn(rf"\g<0>\1    {name}()\n", source, count=1)
    if not found:
        raise RuntimeError(f"no method {method} to slow down: correct PLACES")
    head = source.index("\ncimport ") if "\ncimport " in source else source.index("\nfrom ")
    return source[:head] + BURN.format(name=name) + source[head:]


def build_copy(folder: Path) -> str:
    """Build the package in a patched copy; return its folder."""
    copy = built_copy.copy_sources(folder / "source")
    for place in set(PLACES.values()):
        path = copy / "pricecore" / place[0]
        path.write_text(patched(path.read_text(), place[1], switch_of(place)))
    return str(built_copy.build(copy))


def groups(calls: list[str]) -> list[list[str]]:
    """Return the calls in groups that can be slowed down in one run: no two of a group go through one place."""
    made: list[dict[str, str]] = []
    for call in calls:
        switch = switch_of(PLACES[call])
        within = "around" if PLACES[call] in AROUND else switch
        group = next((one for one in made if within not in one and ("around" in one) == (within == "around")), None)
        if group is None:
            made.append(group := {})
        group[within] = call
    return [list(group.values()) for group in made]


def slowed(calls: list[str], package: str, before: dict[str, float], share: float) -> dict[str, float]:
    """Count the calls with so many instructions more: at least that share if it must be red, at most if it must not."""
    whole = math.ceil if share >= SLOWDOWN else math.floor
    turns = {call: whole(share * before[call] * LOOPS[call].rows / TURN) for call in calls}
    switches = {switch_of(PLACES[call]): str(turns[call]) for call in calls}
    callgrind.FIXED.update(switches)
    try:
        return callgrind.count(calls, package)
    finally:
        for switch in switches:
            del callgrind.FIXED[switch]


def prove(call: str, before: float, jittered: float, slower: float) -> bool:
    """Print what the gate says of the counts with 2 % and with 5 % more; tell whether it is right."""
    red = [bool(gate.faults({call: now}, {call: before}, {call})) for now in (jittered, slower)]
    shown = [
        f"{now / before - 1:>+9.2%} {'red' if bad else 'green':<6}"
        for now, bad in zip((jittered, slower), red, strict=True)
    ]
    print(f"{call:<24}{before:>12,.1f}{''.join(shown)}{'' if red == [False, True] else '  WRONG'}", flush=True)
    return red == [False, True]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", metavar="CALLS", default=",".join(name for name in LOOPS if name in expected()), help="with commas"
    )
    calls = parser.parse_args().only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        package = build_copy(Path(folder))
        before = callgrind.count(calls, package)
        print(f"{'call':<24}{'instructions':>12}{'2 % more':>12}{'5 % more':>16}")
        right = []
        for group in groups(calls):
            jittered, slower = (slowed(group, package, before, share) for share in (JITTER, SLOWDOWN))
            right += [prove(call, before[call], jittered[call], slower[call]) for call in group]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
