"""A batch that took its tickets and stands still, while other threads go round the ring, and conflating readers.

It stands in the engine's own code: one of its rows is of a symbol whose slot is held. Rows behind that one are older
than what the readers have passed over, and come into the slots when the readers have looked there already.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers.crashes import held_slot
from helpers.stream import sequence_of
from helpers.waiting import until
from helpers.writers import READY, SMALL, writer

from pricecore import PriceEngine, WriterDiedError, attach

PATIENCE_S = 60.0
CHUNK = 64  # tickets that a batch takes at once
CAPACITY = SMALL["ring_capacity"]
LATER = [f"S{k}" for k in range(100)]  # the symbols of the batch that goes round
ALONE = [f"ALONE{k}" for k in range(CHUNK)]  # those that only the stalled batch brings
NAMES = ["STUCK", *LATER, *ALONE]


def stalled_names(stuck_row):
    """The batch that stands still at a row of its own: every other symbol is overtaken."""
    names = [LATER[k] if k % 2 else ALONE[k] for k in range(CHUNK)]
    names[stuck_row] = "STUCK"
    return names


def lap_names():
    """As many rows as the ring has cells: the last 64 of them wait for the stalled batch, tickets in hand."""
    return [LATER[k % len(LATER)] for k in range(CAPACITY)]


class Latest:
    """What a conflating subscription brought, per symbol; a record twice, or older than the one before, is an error."""

    def __init__(self, subscription):
        self.subscription = subscription
        self.found = {}

    def look(self):
        """Take what is there, some at a time."""
        while len(batch := self.subscription.poll(7)):
            for sequence, symbol_id, price in batch[["sequence", "symbol_id", "price"]].tolist():
                name = self.subscription.symbol(symbol_id)
                assert sequence > self.found.get(name, (0,))[0], f"{name}: twice, or an old one"
                self.found[name] = sequence, price


def latest_of(source, first):
    """What the slots hold of tickets from `first` on."""
    found = {name: source.get(name) for name in source.symbols()}
    return {name: (row.sequence, row.price) for name, row in found.items() if row and row.sequence >= first}


def wait_until_published(segment, sequence):
    cell = np.frombuffer(segment.view(), np.uint64, 1, segment.describe()["ring"] + (sequence - 1) % CAPACITY * 64)
    until(lambda: cell[0] == sequence)


def start(pool, engine, names, second=0):
    """Begin a batch whose rows are all of this second of a day long ago; return its future."""
    ids, prices = engine.register(names), np.arange(1.0, len(names) + 1)
    return pool.submit(engine.update_many, ids, prices, None, np.full(len(names), (10**9 + second) * 10**9))


def start_stalled(pool, engine, stuck_row):
    """Return its future and its first ticket, once its last row before the one that stands still is published."""
    first = sequence_of(engine) + 1
    stalled = start(pool, engine, stalled_names(stuck_row))
    until(lambda: sequence_of(engine) == first + CHUNK - 1)
    if stuck_row:
        wait_until_published(engine.segment, first + stuck_row - 1)
    return stalled, first


def wait_for_lap(source, first, stuck_row):
    """Return when the other batch can go no further: its last chunk waits for the stalled one's, `first` and on."""
    until(lambda: sequence_of(source) == first + CAPACITY + CHUNK - 1)
    wait_until_published(source.segment, first + CAPACITY + stuck_row - 1)


@pytest.fixture
def registered(engine):
    engine.register(NAMES)
    engine.update("STUCK", 0.5)
    return engine


@pytest.mark.parametrize("wanted", [None, "[SA]*"])
@pytest.mark.parametrize("looks_before", [False, True])
@pytest.mark.parametrize("stuck_row", [0, 31, CHUNK - 1])
def test_latest_of_all_comes_once_and_in_order(registered, source, folder, stuck_row, looks_before, wanted):
    engine = registered
    with ThreadPoolExecutor(2) as pool, source.subscribe(wanted) as subscription:
        latest = Latest(subscription)
        with held_slot(folder / "pricecore-md", subscription.segment, source.symbol_id("STUCK")):
            stalled, first = start_stalled(pool, engine, stuck_row)
            if looks_before:
                latest.look()
                assert sorted(latest.found) == sorted(stalled_names(stuck_row)[:stuck_row])
            lap = start(pool, engine, lap_names(), second=1)
            wait_for_lap(engine, first, stuck_row)
            for _ in range(3):
                latest.look()
                assert latest.found == latest_of(engine, first)
            assert len(subscription.poll(1, 0.01)) == 0
            assert "STUCK" not in latest.found
        assert stalled.result(PATIENCE_S) == CHUNK
        assert lap.result(PATIENCE_S) == CAPACITY
        latest.look()
        assert latest.found == latest_of(engine, first)
        assert latest.found.keys() == {*LATER, *stalled_names(stuck_row)}
        assert subscription.next_sequence == first + CHUNK + CAPACITY
        engine.update("STUCK", 9.0)
        assert subscription.poll()["price"].tolist() == [9.0]


def test_overtaken_rows_are_published_and_change_no_price_and_come_to_nobody(registered, source, folder):
    engine = registered
    with ThreadPoolExecutor(2) as pool, source.subscribe() as subscription:
        with held_slot(folder / "pricecore-md", subscription.segment, source.symbol_id("STUCK")):
            stalled, first = start_stalled(pool, engine, 0)
            lap = start(pool, engine, lap_names(), second=1)
            wait_for_lap(engine, first, 0)
            latest = Latest(subscription)
            latest.look()
            before = {name: latest.found[name] for name in stalled_names(0) if name in LATER}
        assert stalled.result(PATIENCE_S) == CHUNK  # older, by sequence and by time: no row is out of order
        assert lap.result(PATIENCE_S) == CAPACITY
        rewritten = set(lap_names()[-CHUNK:])
        unchanged = {name: row for name, row in before.items() if name not in rewritten}
        assert len(unchanged) >= 10
        assert all((engine.get(name).sequence, engine.price(name)) == row for name, row in unchanged.items())
        assert all(int(i) not in map(source.symbol_id, unchanged) for i in subscription.poll(1_024)["symbol_id"])


def test_every_record_that_a_stalled_batch_kept_back_for_a_lap_is_counted_as_lost(registered, source, folder):
    engine = registered
    with ThreadPoolExecutor(2) as pool, source.subscribe(mode="all") as subscription:
        with held_slot(folder / "pricecore-md", subscription.segment, source.symbol_id("STUCK")):
            stalled, first = start_stalled(pool, engine, 0)
            lap = start(pool, engine, lap_names(), second=1)
            wait_for_lap(engine, first, 0)
            got = subscription.poll(1 << 20)["sequence"].tolist()
            assert got == list(range(first + CHUNK, first + CAPACITY))
            assert subscription.stats().lost == CHUNK
        stalled.result(PATIENCE_S)
        lap.result(PATIENCE_S)
        got = subscription.poll(1 << 20)["sequence"].tolist()
        assert got == list(range(first + CAPACITY, first + CAPACITY + CHUNK))


STALL = f"""
import threading
import numpy as np
engine.register({NAMES!r})
engine.update("STUCK", 0.5)
{READY}
for line in sys.stdin:
    names = line.split()
    batch = engine.register(names), np.arange(1.0, len(names) + 1)
    threading.Thread(target=engine.update_many, args=batch, daemon=True).start()
"""


@pytest.mark.parametrize("stuck_row", [0, 31, CHUNK - 1])
def test_batch_that_is_killed_where_it_stood_still_is_missed_by_nobody(folder, stuck_row):
    with writer("md", STALL) as process, attach("md") as view, view.subscribe() as subscription:

        def write(names):
            process.stdin.write(" ".join(names) + "\n")
            process.stdin.flush()

        latest, first = Latest(subscription), sequence_of(view) + 1
        with held_slot(folder / "pricecore-md", subscription.segment, view.symbol_id("STUCK")):
            write(stalled_names(stuck_row))
            until(lambda: sequence_of(view) == first + CHUNK - 1)
            write(lap_names())
            wait_for_lap(view, first, stuck_row)
            latest.look()
            process.kill()
            process.wait()
        with pytest.raises(WriterDiedError):
            subscription.poll(1, PATIENCE_S)
        with PriceEngine("md", **SMALL) as engine:
            assert sequence_of(engine) == first + CHUNK + CAPACITY - 1
            latest.look()
            assert latest.found == latest_of(engine, first)
            engine.update("STUCK", 9.0)
            assert subscription.poll(1, PATIENCE_S)["price"].tolist() == [9.0]
