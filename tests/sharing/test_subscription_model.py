"""Subscriptions against their models, and under a writer at full speed."""

import subprocess
import sys

import numpy as np
from helpers.stream import sequence_of
from helpers.threads import run_threads
from helpers.writers import SMALL, writer
from hypothesis import given, settings
from hypothesis import strategies as st
from models.subscription_model import AllModel, ConflateModel, Published

from pricecore import LaggedError, PriceEngine, attach

SYMBOLS = [f"S{i}" for i in range(8)]
WANTED = {"S[0-4]": lambda symbol: symbol < "S5", None: lambda symbol: True}

trades = st.tuples(st.just("trade"), st.sampled_from(SYMBOLS), st.integers(1, 5))
quotes = st.tuples(st.just("quote"), st.sampled_from(SYMBOLS), st.integers(1, 5))
floods = st.tuples(st.just("flood"), st.sampled_from(SYMBOLS), st.sampled_from([100, 1_020, 1_100, 2_500]))
polls = st.tuples(st.just("poll"), st.integers(1, 12), st.just(0))


def publish(engine, stream, step, symbol, count):
    """Do one step and write down what it published; only the last of a flood matters to anyone but its neighbours."""
    registered = len(engine)
    before = sequence_of(engine)
    if step == "trade":
        engine.update_many([symbol] * count, [float(count)] * count)
    elif step == "quote":
        for _ in range(count):
            engine.update_quote(symbol, count, count + 1)
    else:
        engine.update_many([symbol] * count, np.full(count, float(count)))
    kind = int(step == "quote")
    first = before + 1 + len(engine) - registered  # a new symbol's own record comes first
    stream.extend(Published(first + i, symbol, kind, float(count)) for i in range(count))


def read(engine, batch):
    return [
        Published(sequence, engine.symbol(symbol_id), kind, price)
        for sequence, symbol_id, kind, price in batch[["sequence", "symbol_id", "kind", "price"]].tolist()
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(trades, quotes), max_size=5),
    st.lists(st.one_of(trades, quotes, polls, floods), max_size=40),
    st.sampled_from(list(WANTED)),
)
def test_both_modes_deliver_what_their_models_deliver(before, steps, pattern):
    stream = []
    with PriceEngine(**SMALL) as engine:
        for step in before:
            publish(engine, stream, *step)
        every, latest = engine.subscribe(pattern, "all"), engine.subscribe(pattern)
        models = [kind(stream, sequence_of(engine), 1_024, WANTED[pattern]) for kind in (AllModel, ConflateModel)]
        for step, what, count in [*steps, ("poll", 1 << 20, 0)]:
            if step != "poll":
                publish(engine, stream, step, what, count)
                continue
            sequence = sequence_of(engine)
            assert read(engine, every.poll(1 << 20)) == models[0].poll(sequence)
            assert every.stats().lost == models[0].lost
            expected = models[1].poll(sequence, what)
            assert read(engine, latest.poll(what)) == expected
            assert latest.stats().pending == len(models[1].pending)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(trades, quotes, polls), max_size=60))
def test_records_are_delivered_or_conflated_and_none_is_both(steps):
    stream = []
    with PriceEngine(**SMALL) as engine, engine.subscribe() as subscription:
        for step, what, count in [*steps, ("poll", 1 << 20, 0)]:
            if step == "poll":
                subscription.poll(what)
            else:
                publish(engine, stream, step, what, count)
        stats = subscription.stats()
    assert (stats.delivered + stats.conflated, stats.pending) == (len(stream), 0)


ROWS = 3_000
ROUNDS = 200
NAMES = [f"S{i}" for i in range(50)]


def write_at_full_speed(engine):
    ids = engine.register(NAMES)
    columns = np.resize(ids, ROWS).astype(np.int32)
    for turn in range(ROUNDS):
        prices = np.arange(1.0, ROWS + 1) + turn * ROWS
        engine.update_many(columns, prices, 2 * prices, None, 3 * prices)
        engine.update_quotes(columns, prices, 2 * prices, 3 * prices, 4 * prices)


def check(batch):
    """Every record is whole: its other figures follow from the price, or from the bid."""
    trades, quotes = batch[batch["kind"] == 0], batch[batch["kind"] == 1]
    assert (trades["volume"] == 2 * trades["price"]).all()
    assert (trades["change_24h"] == 3 * trades["price"]).all()
    assert (quotes["volume"] == 2 * quotes["price"]).all()
    assert (quotes["reserved"] == 4 * quotes["price"]).all()


def follow_latest(subscription, last):
    """Poll until the last record has come; return the newest of each key and the largest backlog."""
    newest, backlog = {}, 0
    while newest.get(last[0]) != last[1]:
        batch = subscription.poll(64, 60.0)
        assert len(batch), "nothing came any more"
        check(batch)
        backlog = max(backlog, subscription.stats().pending)
        for record in batch:
            key = int(record["symbol_id"]), int(record["kind"])
            assert record["price"] > newest.get(key, 0.0), "an old record, or one twice"
            newest[key] = float(record["price"])
    return newest, backlog


def test_conflation_ends_with_the_latest_of_all_under_a_writer_at_full_speed():
    last = (len(NAMES) - 1, 1), float(ROWS * ROUNDS)
    with PriceEngine(**SMALL) as engine, engine.subscribe() as subscription:
        sides = [lambda: write_at_full_speed(engine), lambda: follow_latest(subscription, last)]
        newest, backlog = run_threads(2, lambda i: sides[i]())[1]
        for record in subscription.poll(1 << 20):
            newest[int(record["symbol_id"]), int(record["kind"])] = float(record["price"])
        expected = {(i, 0): engine.price(name) for i, name in enumerate(NAMES)}
        expected |= {(i, 1): engine.quote(name).bid for i, name in enumerate(NAMES)}
    assert newest == expected
    assert backlog <= 2 * len(NAMES)


def test_every_record_is_delivered_or_counted_as_lost_under_a_writer_at_full_speed():
    def follow():
        delivered, position = 0, 0
        while position < total:
            batch = subscription.poll(512, 60.0)
            assert len(batch), "nothing came any more"
            check(batch)
            assert batch["sequence"][0] > position
            assert (np.diff(batch["sequence"].astype(np.int64)) >= 1).all()
            position = int(batch["sequence"][-1])
            delivered += len(batch)
        return delivered

    total = len(NAMES) + 2 * ROWS * ROUNDS
    with PriceEngine(**SMALL) as engine, engine.subscribe(mode="all", start=1) as subscription:
        sides = [lambda: write_at_full_speed(engine), follow]
        delivered = run_threads(2, lambda i: sides[i]())[1]
        stats = subscription.stats()
    assert stats.delivered == delivered
    assert total - len(NAMES) <= delivered + stats.lost <= total  # a symbol's record may be among the lost


def test_what_a_lag_says_is_lost_is_all_that_is_not_delivered():
    """Row after row the symbols take turns, so that a sequence says whose record it is."""
    first = len(NAMES) + 1
    total = len(NAMES) + 2 * ROWS * ROUNDS
    wanted = {sequence for sequence in range(first, total + 1) if (sequence - first) % len(NAMES) < 5}

    def follow():
        missing = set(wanted)
        while subscription.next_sequence <= total:
            try:
                batch = subscription.poll(512, 0.1)
            except LaggedError as lag:
                missing.difference_update(range(lag.next_sequence - lag.lost, lag.next_sequence))
                continue
            got = batch["sequence"].tolist()
            assert missing.issuperset(got), "not wanted, or twice"
            missing.difference_update(got)
        return missing

    with PriceEngine(**SMALL) as engine, engine.subscribe("S[0-4]", "all", on_lag="raise") as subscription:
        sides = [lambda: write_at_full_speed(engine), follow]
        assert run_threads(2, lambda i: sides[i]())[1] == set()


READER = """
import sys
import numpy as np
import pricecore
with pricecore.attach("md") as view, view.subscribe(mode=sys.argv[1], start=1) as subscription:
    newest = 0
    while newest < 200_000:
        batch = subscription.poll(256, 60.0)
        assert len(batch)
        trades, quotes = batch[batch["kind"] == 0], batch[batch["kind"] == 1]
        assert (trades["volume"] == 2 * trades["price"]).all() and (trades["change_24h"] == 3 * trades["price"]).all()
        assert (quotes["volume"] == 2 * quotes["price"]).all() and (quotes["reserved"] == 4 * quotes["price"]).all()
        if sys.argv[1] == "all":
            assert (np.diff(batch["sequence"].astype(np.int64)) >= 1).all() and batch["sequence"][0] > newest
        newest = max(newest, int(batch["sequence"].max()))
print("whole")
"""


def test_readers_in_other_processes_get_whole_records_in_both_modes(folder):
    from helpers.writers import FOREVER

    with writer("md", FOREVER):
        readers = [
            subprocess.Popen([sys.executable, "-c", READER, mode], stdout=subprocess.PIPE, text=True)
            for mode in ("all", "conflate")
        ]
        assert [reader.communicate(timeout=120)[0] for reader in readers] == ["whole\n", "whole\n"]


def test_view_and_engine_deliver_the_same(folder):
    with PriceEngine("md", **SMALL) as engine, attach("md") as view:
        sides = [source.subscribe(mode="all") for source in (engine, view)]
        engine.update_many(SYMBOLS * 10, range(1, 81))
        first, second = (side.poll() for side in sides)
        assert first.tobytes() == second.tobytes()
