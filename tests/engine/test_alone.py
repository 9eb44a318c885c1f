"""Single updates beside batches: who finds itself alone writes with plain stores, so it must be alone."""

import gc
import sysconfig
import threading

import numpy as np
import pytest
from helpers.rooms import native_module
from helpers.stream import PRICE, QUOTE, of_kind, records_of
from helpers.threads import at_once, run_threads, tries

HAS_GIL = not sysconfig.get_config_var("Py_GIL_DISABLED")
NAMES = [f"S{i}" for i in range(4)]
ROWS = 10_000  # names to look up with the GIL, for longer than another thread waits for it


@pytest.fixture(scope="module")
def native():
    return native_module("alone")


def watched(native, engine, batch):
    """Run batches beside a thread that looks whether it is alone; return what it saw, added up."""
    stop = threading.Event()

    def body(index):
        if index == 0:
            while not stop.is_set():
                batch()
            return None
        try:
            return [sum(column) for column in zip(*(native.watch(engine) for _ in range(10)), strict=True)]
        finally:
            stop.set()

    return run_threads(2, body)[1]


@at_once
@pytest.mark.skipif(not HAS_GIL, reason="without a GIL nobody is ever alone")
@pytest.mark.parametrize("rows", [ROWS, 63])
def test_who_finds_itself_alone_stays_alone_as_long_as_it_keeps_the_gil(make_engine, native, rows):
    engine, seen = make_engine(), np.zeros(3, int)
    names, prices = [NAMES[i % 4] for i in range(rows)], np.ones(rows)
    for _ in tries():
        seen += watched(native, engine, lambda: engine.update_many(names, prices))
        assert seen[2] == 0
        if seen[0] > 1_000 and (seen[1] or rows < 64):  # a small batch keeps the GIL: nobody sees it at work
            return
    pytest.fail(f"alone, beside a batch, wrong: {seen}")


@at_once
@pytest.mark.skipif(not HAS_GIL, reason="without a GIL nobody is ever alone")
def test_a_batch_that_says_so_once_it_has_let_the_gil_go_is_noticed(make_engine, native):
    for _ in tries():
        engine = make_engine()
        if watched(native, engine, lambda e=engine: native.late_batch(e, 2_000))[2]:
            return
    pytest.fail("nobody noticed")


def test_without_a_gil_nobody_is_alone(engine, native):
    assert native.watch(engine, 1) == ((1, 0, 0) if HAS_GIL else (0, 1, 0))


def write_trades(engine, index, count):
    """Trades that carry their own check, of symbols that all threads write."""
    for i in range(count):
        x = index * 1e6 + i + 1
        assert engine.update(NAMES[i % 4], x, 2 * x, 0, 3 * x)


def write_quotes(engine, index, count):
    for i in range(count):
        x = index * 1e6 + i + 1
        assert engine.update_quote(NAMES[i % 4], x, 2 * x, 3 * x, 4 * x)


def write_batches(engine, index, count, rows):
    for begin in range(0, count, rows):
        n = min(rows, count - begin)
        x = index * 1e6 + np.arange(begin + 1.0, begin + n + 1)
        assert engine.update_many([NAMES[i % 4] for i in range(n)], x, 2 * x, None, 3 * x) == n


def read(engine, stop):
    """Read slots until the end; return what was seen of each symbol."""
    seen = {name: [] for name in NAMES}
    while not stop.is_set():
        for name in NAMES:
            trade = engine.get(name)
            if trade is not None:
                assert (trade.volume, trade.change_24h) == (2 * trade.price, 3 * trade.price), "torn"
                seen[name].append((trade.sequence, trade.price))
    return seen


def follow(engine, stop):
    """Return every record that a subscriber gets until the end."""
    parts = []
    with engine.subscribe(mode="all", start=1) as subscription:
        while True:
            ended = stop.is_set()
            parts.append(np.array(subscription.poll(65_536, timeout_s=0.0)))
            if ended and not len(parts[-1]):
                return np.concatenate(parts)


def check_order(records, writers, count):
    """Every thread's records are all there, whole, and stand in its order."""
    own = records["price"] // 1e6
    assert (records["volume"] == 2 * records["price"]).all()
    assert (records["change_24h"] == 3 * records["price"]).all()
    for index in range(len(writers)):
        assert records["price"][own == index].tolist() == (index * 1e6 + np.arange(1.0, count + 1)).tolist()


def check_slots(engine, records, seen):
    """Slots end with what the ring ends with, and were read in the order of the ring."""
    for symbol_id, name in enumerate(NAMES):
        own = records[records["symbol_id"] == symbol_id]
        trades, quotes = of_kind(own, PRICE), of_kind(own, QUOTE)
        assert engine.get(name).sequence == trades["sequence"][-1]
        assert engine.quote(name).sequence == quotes["sequence"][-1]
        by_sequence = dict(zip(trades["sequence"].tolist(), trades["price"].tolist(), strict=True))
        assert [sequence for sequence, _ in seen[name]] == sorted(sequence for sequence, _ in seen[name])
        assert all(by_sequence[sequence] == price for sequence, price in seen[name])


WRITERS = {
    "singles": [write_trades, write_quotes, write_trades],
    "singles and a batch": [write_trades, write_quotes, lambda e, i, n: write_batches(e, i, n, 500)],
    "singles and batches of both sizes": [
        write_trades,
        write_quotes,
        lambda e, i, n: write_batches(e, i, n, 63),
        lambda e, i, n: write_batches(e, i, n, 64),
        lambda e, i, n: write_batches(e, i, n, 1_000),
    ],
}


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.stress)])
@pytest.mark.parametrize("writers", WRITERS.values(), ids=WRITERS)
def test_singles_beside_batches_lose_no_ticket_and_tear_no_slot(make_engine, writers, count):
    engine, stop = make_engine(ring_capacity=1 << 20), threading.Event()
    engine.register(NAMES)
    ends = threading.Barrier(len(writers), action=stop.set)
    watchers = [read, follow]

    def body(index):
        if index < len(watchers):
            return watchers[index](engine, stop)
        try:
            return writers[index - len(watchers)](engine, index - len(watchers), count)
        finally:
            ends.wait()

    seen, followed, *_ = run_threads(len(watchers) + len(writers), body)
    records, updates = records_of(engine), len(writers) * count
    assert records["sequence"].tolist() == list(range(1, len(NAMES) + updates + 1))
    records = records[len(NAMES) :]
    assert followed.tobytes() == records.tobytes()
    check_order(records, writers, count)
    check_slots(engine, records, seen)
    assert engine.metrics().messages_processed == updates


def test_the_collector_never_finds_a_ticket_that_is_open(engine, native):
    """It may run any Python, which may wait for that ticket; up to Python 3.11 it runs wherever an object is made."""
    published, kept = [], [{} for _ in range(500)]
    names = [f"T{i}" for i in range(200)]
    thresholds = gc.get_threshold()
    look = lambda *_: published.append(native.is_last_published(engine))  # noqa: E731
    gc.callbacks.append(look)
    gc.set_threshold(1, 0)  # the second, of a build without a GIL: however many objects there are
    try:
        for i in range(200):
            kept.extend({} for _ in range(3))  # more than the interpreter has in reserve: the next is really made
            engine.update(names[i], 1.0)
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(look)
    assert published
    assert all(published)
