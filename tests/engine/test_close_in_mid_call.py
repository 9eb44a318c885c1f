"""Close while a call is under way: once it has returned, nothing of the engine is written any more."""

import logging
import re
import threading

import numpy as np
import pytest
from helpers.stream import records_of
from helpers.threads import tries
from helpers.waiting import PATIENCE_S, until

from pricecore import EngineClosedError

ROWS = 5_000
IDS, PRICES = np.zeros(ROWS, np.int32), np.arange(1.0, ROWS + 1)


def sequence_of(engine):
    return int(records_of(engine)["sequence"][-1])


class Closing:
    """An argument that closes the engine when it is converted."""

    def __init__(self, engine):
        self.engine = engine

    def __float__(self):
        self.engine.close()
        return 1.0

    def __index__(self):
        self.engine.close()
        return 1

    def __bool__(self):
        self.engine.close()
        return True

    def __array__(self, dtype=None, copy=None):
        self.engine.close()
        return np.ones(1, dtype)


CONVERSIONS = {
    "price": lambda e, x: e.update("A", x),
    "new symbol": lambda e, x: e.update("NEW", x),
    "volume": lambda e, x: e.update("A", 1.0, x),
    "time": lambda e, x: e.update("A", 1.0, 0.0, x),
    "bid": lambda e, x: e.update_quote("A", x, 2.0),
    "partial": lambda e, x: e.update_quote("A", 1.0, 2.0, partial=x),
    "new quote": lambda e, x: e.update_quote("NEW", x, 2.0),
    "prices": lambda e, x: e.update_many(["A"], x),
    "prices of a new symbol": lambda e, x: e.update_many(["NEW"], x),
    "bids": lambda e, x: e.update_quotes([0], x, [2.0]),
}


@pytest.mark.parametrize("call", CONVERSIONS.values(), ids=CONVERSIONS)
@pytest.mark.parametrize("of", ["engine", "writer"])
def test_argument_that_closes_the_engine_publishes_nothing(engine, call, of):
    engine.update("A", 5.0)
    source = engine if of == "engine" else engine.writer()
    with pytest.raises(EngineClosedError):
        call(source, Closing(engine))
    assert sequence_of(engine) == 2


def test_logging_that_closes_the_engine_adds_no_symbol(engine):
    names = [f"S{i}" for i in range(820)]  # over 80 % of 1,024: the next one warns
    engine.register(names)

    class CloseAtOnce(logging.Handler):
        def emit(self, record):
            engine.close()

    handler = CloseAtOnce()
    logging.getLogger("pricecore").addHandler(handler)
    try:
        with pytest.raises(EngineClosedError):
            engine.update("NEW", 1.0)
    finally:
        logging.getLogger("pricecore").removeHandler(handler)
    assert sequence_of(engine) == len(names)


BATCHES = {
    "update_many": lambda e: e.update_many(IDS, PRICES),
    "update_quotes": lambda e: e.update_quotes(IDS, PRICES, PRICES),
    "names": lambda e: e.update_many(["A"] * ROWS, PRICES),
    "small batches": lambda e: e.update_many(IDS[:60], PRICES[:60]),
    "writer": lambda e: e.writer().update_many(IDS, PRICES),
    "single updates": lambda e: sum(e.update("A", 1.0 + i) for i in range(100)),
    "single updates of a writer": lambda e: sum(map(e.writer().update_quote, "A" * 100, PRICES, PRICES)),
    "new symbols of a writer": lambda e: sum(e.writer().update(f"{threading.get_ident()}-{i}", 1.0) for i in range(9)),
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_nothing_is_published_once_close_has_returned(make_engine, batch):
    for _ in range(10):
        engine = make_engine()
        engine.register("A")
        written, told = [0], []

        def write(engine=engine, written=written, told=told):
            try:
                while True:
                    written[0] += batch(engine)
            except EngineClosedError as error:
                told.append(str(error))

        threads = [threading.Thread(target=write, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        until(lambda written=written: written[0] > 0)
        engine.close()
        before = records_of(engine)
        for thread in threads:
            thread.join(PATIENCE_S)
        assert len(told) == 2
        assert records_of(engine).tobytes() == before.tobytes()
        assert before["sequence"].tolist() == list(range(before["sequence"][0], before["sequence"][-1] + 1))


def stored_before(error):
    """Return how many rows of its batch an error says were stored."""
    found = re.search(r"([\d,]+) of the 5,000 rows of this batch were stored", str(error))
    return int(found[1].replace(",", "")) if found else 0


def write_until_closed(engine, errors):
    """Return how many rows the batches have stored that came to their end."""
    stored = 0
    try:
        while stored < 500_000:
            stored += engine.update_many(IDS, PRICES)
    except EngineClosedError as error:
        errors.append(error)
    return stored


def test_batch_stops_when_the_engine_closes_and_says_how_many_rows_were_stored(make_engine):
    for _ in tries():
        engine, errors, stored = make_engine(ring_capacity=1 << 19), [], []
        engine.register("A")
        thread = threading.Thread(target=lambda e=engine, s=stored, r=errors: s.append(write_until_closed(e, r)))
        thread.start()
        until(lambda e=engine: e.metrics().ring.sequence > 1)
        engine.close()
        thread.join(PATIENCE_S)
        cut = sum(map(stored_before, errors))
        assert sequence_of(engine) == 1 + stored[0] + cut
        assert cut % 64 == 0
        if cut:
            return
    pytest.fail("no close met a batch that was under way")


def test_batch_that_is_closed_while_it_waits_for_room_says_it_too(engine):
    engine.register("A")
    consumer = engine.consumer("log", full_timeout_s=50.0)
    errors = []

    def write():
        try:
            engine.update_many(IDS, PRICES)
        except EngineClosedError as error:
            errors.append(error)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    until(lambda: consumer.behind == 1_024)
    engine.close()
    thread.join(PATIENCE_S)
    assert stored_before(errors[0]) == 1_024
    assert sequence_of(engine) == 1_025
