"""A second process that reads an engine all the while, and tells what it saw when asked."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.crashes import python, tell

# Reads every slot and follows the ring. A line that comes in is answered after one more whole pass.
WATCH = """
import json, select, sys
import numpy as np
import pricecore
from pricecore.delivery.ring import RingReader

view = pricecore.attach(sys.argv[1])
ring, segment, newest = None, None, {}
seen = dict.fromkeys(("reads", "torn", "back", "records", "holes"), 0)

def look(name):
    trade, quote = view.get(name), view.quote(name)
    if view.segment is not segment:             # the view has just followed the name: so does the next pass
        return
    for row, kind in ((trade, 0), (quote, 1)):
        if row is None:
            seen["back"] += (name, kind) in newest
            continue
        fields = (row.price, row.volume, row.change_24h) if kind == 0 else (row.bid, row.ask, row.bid_size)
        price, second, third = fields
        seen["reads"] += 1
        seen["torn"] += (second, third) != (2 * price, 3 * price) or (kind == 1 and row.ask_size != 4 * price)
        seen["back"] += row.sequence < newest.get((name, kind), 0)
        newest[name, kind] = row.sequence

def follow():
    global ring, segment
    if view.segment is not segment:             # another one: another stream, and other symbols
        segment = view.segment
        ring = RingReader(segment)
        newest.clear()
    before, lost = ring.next_sequence, ring.lost
    rows = ring.read()
    seen["records"] += len(rows)
    seen["holes"] += ring.next_sequence - before != len(rows) + ring.lost - lost
    seen["holes"] += int((np.diff(rows["sequence"].astype(np.int64)) != 1).sum())
    trades, quotes = rows[rows["kind"] == 0], rows[rows["kind"] == 1]
    seen["torn"] += int((trades["volume"] != 2 * trades["price"]).sum())
    seen["torn"] += int((trades["change_24h"] != 3 * trades["price"]).sum())
    seen["torn"] += int((quotes["volume"] != 2 * quotes["price"]).sum())

def one_pass():
    view.generation                             # follows the name
    follow()
    for name in view.symbols()[-50:] + view.symbols()[:8]:
        look(name)

print("ready", flush=True)
while True:
    asked = bool(select.select([sys.stdin], [], [], 0)[0])
    if asked and not sys.stdin.readline():
        break
    one_pass()
    if asked:
        told = {**seen, "alive": view.alive, "generation": view.generation, "sequence": view.metrics().ring.sequence,
                "next": ring.next_sequence, "symbols": len(view)}
        print(json.dumps(told), flush=True)
"""


@contextmanager
def watcher(name: str) -> Iterator[subprocess.Popen]:
    """Run a process that reads the engine of this name until the block ends."""
    with python(WATCH, name) as process:
        assert process.stdout.readline() == b"ready\n", "the reader could not attach"
        yield process


def ask(process: subprocess.Popen) -> dict[str, int]:
    """Let a watcher go once more through everything; return what it has seen so far."""
    seen = json.loads(tell(process, "?"))
    assert (seen["torn"], seen["back"], seen["holes"]) == (0, 0, 0)
    return seen
