"""Close: later calls raise, calls in other threads finish, nothing crashes; and engines that were never opened."""

import copy
import gc
import pickle
import re
import threading
import time

import numpy as np
import pytest
from helpers.stream import records_of
from helpers.threads import run_threads

import pricecore
from pricecore import EngineClosedError, PriceCache, PriceEngine
from pricecore.delivery.ring import RingReader

CALLS = {
    "update": lambda e: e.update("A", 1.0),
    "update_quote": lambda e: e.update_quote("A", 1.0, 2.0),
    "update_many": lambda e: e.update_many(["A"], [1.0]),
    "update_quotes": lambda e: e.update_quotes(["A"], [1.0], [2.0]),
    "register": lambda e: e.register("B"),
    "symbol_id": lambda e: e.symbol_id("A"),
    "symbol": lambda e: e.symbol(0),
    "symbols": lambda e: e.symbols(),
    "price": lambda e: e.price("A"),
    "mid": lambda e: e.mid("A"),
    "age_s": lambda e: e.age_s("A"),
    "subscribe": lambda e: e.subscribe(),
    "stale_symbols": lambda e: e.stale_symbols(1.0),
    "get": lambda e: e.get("A"),
    "quote": lambda e: e.quote("A"),
    "snapshot": lambda e: e.snapshot(),
    "to_pandas": lambda e: e.to_pandas(),
    "to_polars": lambda e: pytest.importorskip("polars", reason="no polars for this interpreter") and e.to_polars(),
    "metrics": lambda e: e.metrics(),
    "reset_stats": lambda e: e.reset_stats(),
    "run_performance_test": lambda e: e.run_performance_test(10),
    "writer": lambda e: e.writer(),
    "consumer": lambda e: e.consumer("log"),
    "add_cache": lambda e: e.add_cache("A", PriceCache(1)),
    "len": len,
    "in": lambda e: "A" in e,
    "[]": lambda e: e["A"],
    "iter": iter,
}
WRITES = ["update", "update_quote", "update_many", "update_quotes"]
READS = ["price", "mid", "age_s", "get", "quote", "snapshot", "symbols", "len", "in", "[]", "iter", "symbol_id"]
OF_PYTHON = {"__getitem__", "__contains__", "__len__", "__iter__"}
STAY = {"close", "closed", "log", "name", "pool", "segment"}


def every_call(names=CALLS):
    return pytest.mark.parametrize("call", [CALLS[name] for name in names], ids=names)


def test_list_of_calls_is_complete():
    public = {name for name in dir(PriceEngine) if not name.startswith("_")} - STAY
    assert public <= set(CALLS)
    assert {*WRITES, *READS} <= set(CALLS)


@pytest.fixture
def used(engine):
    engine.update("A", 1.0)
    engine.update_quote("A", 1.0, 2.0)
    return engine


@every_call()
def test_every_call_works_before_close(used, call):
    call(used)


@every_call()
def test_every_call_after_close_raises(used, call):
    used.close()
    with pytest.raises(EngineClosedError, match="closed"):
        call(used)


@every_call([*WRITES, *READS])
def test_every_call_of_a_writer_handle_after_close_raises(used, call):
    writer = used.writer()
    used.close()
    with pytest.raises(EngineClosedError, match="closed"):
        call(writer)
    writer.close()


@every_call([*WRITES, *READS])
def test_every_call_of_an_engine_that_was_never_initialised_raises(call):
    with pytest.raises(EngineClosedError):
        call(PriceEngine.__new__(PriceEngine))


@pytest.mark.parametrize("name", CALLS)
def test_no_call_of_an_engine_that_was_never_initialised_crashes(name):
    with pytest.raises((EngineClosedError, AttributeError)):
        CALLS[name](PriceEngine.__new__(PriceEngine))


def test_engine_that_was_never_initialised_is_closed_and_closes():
    engine = PriceEngine.__new__(PriceEngine)
    assert engine.closed
    assert "closed" in repr(engine)
    engine.close()


def test_second_initialisation_is_refused_and_changes_nothing(used):
    with pytest.raises(RuntimeError, match="initialised before"):
        used.__init__(max_symbols=2_048)
    assert used.price("A") == 1.0
    used.metrics()


def test_writer_of_an_engine_that_was_never_initialised_is_not_made():
    with pytest.raises(EngineClosedError):
        type(pricecore.PriceEngine().writer())(PriceEngine.__new__(PriceEngine))


def test_close_can_be_called_twice(used):
    assert not used.closed
    used.close()
    used.close()
    assert used.closed
    assert repr(used) == "<PriceEngine closed>"


def test_context_manager_closes_also_after_an_error(make_engine):
    with pytest.raises(TypeError), make_engine() as engine:
        engine.update("A", None)
    assert engine.closed


def test_failed_constructor_leaves_nothing_behind(make_engine):
    for _ in range(20):
        with pytest.raises(ValueError, match="latency_window"):
            make_engine(latency_window=0)
    gc.collect()


def test_memory_stays_until_the_last_reader_lets_go():
    engine = PriceEngine(max_symbols=1_024, ring_capacity=1_024)
    engine.update_many(["A"] * 10, np.arange(1.0, 11.0))
    reader = RingReader(engine.segment)
    engine.close()
    del engine
    gc.collect()
    assert reader.read()["price"][1:].tolist() == list(range(1, 11))


def test_writer_handle_keeps_its_engine_alive():
    writer = PriceEngine(max_symbols=1_024, ring_capacity=1_024).writer()
    gc.collect()
    assert writer.update("A", 1.0)
    assert writer.price("A") == 1.0


def test_engines_that_are_dropped_open_give_their_memory_back():
    for _ in range(50):
        PriceEngine(max_symbols=1_024, ring_capacity=1_024, pool_buffers=1).update("A", 1.0)
    gc.collect()


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_engine_does_not_pickle_and_says_what_to_do(engine, copying):
    with pytest.raises(TypeError, match=r"does not pickle.*make one in each process.*snapshot\(\)"):
        copying(engine)


def test_writer_handle_does_not_pickle(engine):
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(engine.writer())


def until_closed(work, worked):
    """Repeat until the engine is closed; say when it has worked, and return how often."""
    done = 0
    try:
        while True:
            work()
            done += 1
            worked.set()
    except EngineClosedError:
        return done


IDS = np.zeros(5_000, np.int32)
PRICES = np.arange(1.0, 5_001.0)
BUSY = {
    "update": lambda e: e.update("A", 1.0),
    "new symbols": lambda e: e.update(f"S{time.monotonic_ns() % 1_000}", 1.0),
    "update_many": lambda e: e.update_many(IDS, PRICES),
    "update_quotes": lambda e: e.update_quotes(IDS, PRICES, PRICES),
    "reading": lambda e: (e.get("A"), e.price("A"), len(e.snapshot()), e.symbols()),
    "metrics": lambda e: (e.metrics(), e.reset_stats()),
    "writer": lambda e: e.writer().update_many(IDS, PRICES),
}


@pytest.mark.parametrize("mix", [[name] * 4 for name in BUSY] + [list(BUSY)], ids=[*BUSY, "all"])
def test_calls_in_other_threads_finish_or_raise_when_the_engine_closes(make_engine, mix):
    for _ in range(3):
        engine, worked = make_engine(), threading.Event()
        engine.register("A")
        engine.update("A", 1.0)

        def body(index, engine=engine, worked=worked):
            if index == len(mix):
                worked.wait()
                time.sleep(0.03)
                return engine.close()
            return until_closed(lambda: BUSY[mix[index]](engine), worked)

        done = run_threads(len(mix) + 1, body, timeout_s=30)
        assert engine.closed
        assert sum(done[:-1]) > 0


def test_batch_that_runs_while_the_engine_closes_is_applied_up_to_a_row_and_says_so(make_engine):
    engine = make_engine(ring_capacity=1 << 17)
    engine.register("A")
    ids, prices = np.zeros(100_000, np.int32), np.arange(1.0, 100_001.0)

    def body(index):
        if index:
            return engine.close()
        return engine.update_many(ids, prices)

    try:
        stored = run_threads(2, body)[0]
        assert stored == len(prices)
    except EngineClosedError as error:
        found = re.search(r"([\d,]+) of the 100,000 rows", str(error))
        stored = int(found[1].replace(",", "")) if found else 0
    assert RingReader(engine.segment).read(1 << 17)["price"][1:].tolist() == prices[:stored].tolist()


def test_default_engine_is_one_and_made_again_after_close():
    engine = pricecore.get_engine()
    try:
        assert pricecore.get_engine() is engine
        engine.update("A", 1.0)
    finally:
        engine.close()
    second = pricecore.get_engine()
    try:
        assert second is not engine
        assert len(second) == 0
    finally:
        second.close()


def test_threads_that_ask_at_once_get_the_same_default_engine():
    engines = run_threads(8, lambda _: pricecore.get_engine())
    try:
        assert len({id(engine) for engine in engines}) == 1
    finally:
        engines[0].close()


def test_closed_engine_leaves_its_ring_readable(used):
    before = records_of(used).tobytes()
    used.close()
    assert records_of(used).tobytes() == before
