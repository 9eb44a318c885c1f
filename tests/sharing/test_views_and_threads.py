"""A view used by several threads while it is closed, or while its engine is replaced; what a close lets go."""

import gc
import threading
from contextlib import suppress
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from helpers.threads import run_threads
from helpers.waiting import until
from helpers.writers import SMALL

from pricecore import EngineClosedError, EngineView, PriceEngine, WriterDiedError, attach
from pricecore.primitives.segment_list import remove_orphaned

READERS = 4
PATIENCE_S = 60.0


@pytest.fixture
def engine():
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5, 3.0, 0, 4.5)
        yield engine


@pytest.fixture
def no_collector():
    """What goes now goes by its last reference."""
    gc.disable()
    yield
    gc.enable()


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def segment_descriptors(folder):
    names = (f"{folder.resolve()}/pricecore-md", f"{folder.resolve()}/pricecore-md (deleted)")
    links = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sum(str(link) in names for link in links)


def mappings(folder):
    return Path("/proc/self/maps").read_text().count(f"{folder}/pricecore-md\n")


def test_close_lets_memory_and_descriptor_go_at_once(engine, folder, no_collector):
    before, all_before = (segment_descriptors(folder), mappings(folder)), descriptors()
    for _ in range(1_000):
        view = attach("md")
        assert (view.price("A"), segment_descriptors(folder), mappings(folder)) == (1.5, before[0] + 1, before[1] + 1)
        view.close()
        assert (segment_descriptors(folder), mappings(folder)) == before
    assert descriptors() < all_before + 100  # of other files as well; another thread may have opened some


def test_view_that_has_followed_lets_all_go(engine, folder, no_collector):
    with attach("md") as view:
        for size in (2_048, 4_096, 2_048, 1_024):
            engine.close()
            engine = PriceEngine("md", **(SMALL | {"max_symbols": size}))
            assert view.alive
        engine.close()
        engine = None
        kept = mappings(folder.resolve())
    assert mappings(folder) == 0 < kept
    assert segment_descriptors(folder) == 0


def test_subscription_of_a_closed_view_keeps_what_it_uses(engine, folder, no_collector):
    before = descriptors(), mappings(folder)
    view = attach("md")
    subscription = view.subscribe(start=1, mode="all")
    view.close()
    assert mappings(folder) == before[1] + 1
    assert subscription.poll()["price"].tolist() == [1.5]
    with pytest.raises(EngineClosedError):
        subscription.poll(1, PATIENCE_S)
    del subscription
    assert (descriptors(), mappings(folder)) == before


USES = {
    "price": lambda view, _: view.price("A"),
    "alive": lambda view, _: view.alive,
    "generation": lambda view, _: view.generation,
    "tables": lambda view, _: (view.snapshot(), view.symbols(), view.stale_symbols(1.0), view.metrics()),
    "poll": lambda _, subscription: subscription.poll(1, 0.0),
    "subscribe": lambda view, _: view.subscribe().poll(1, 0.0),
}


def close_beside(use):
    """Close a view while threads call `use` of it and a subscription, until it raises EngineClosedError."""

    def call_until_closed(index):
        subscription = view.subscribe()
        with suppress(EngineClosedError):
            while True:
                use(view, subscription)
                called[index] = True

    def close(_):
        until(lambda: all(called))
        view.close()

    view, called = attach("md"), [False] * READERS
    sides = [call_until_closed] * READERS + [close]
    run_threads(READERS + 1, lambda i: sides[i](i))


@pytest.mark.parametrize("use", USES)
def test_view_is_closed_beside_calls_in_other_threads(engine, use):
    """They end with the error of a closed view, and no other one."""

    gc.collect()  # what other tests left
    before = descriptors()
    for _ in range(10):
        close_beside(USES[use])
    assert descriptors() == before


def test_waiting_subscription_ends_when_its_view_is_closed_beside_it(engine):
    """Beside `alive`, which asks of the same descriptor."""
    view = attach("md")
    subscriptions = [view.subscribe() for _ in range(READERS)]

    def wait(subscription):
        with pytest.raises(EngineClosedError):
            subscription.poll(1, None)

    def ask():
        with suppress(EngineClosedError):
            while view.alive:
                asked.set()

    def close():
        assert asked.wait(PATIENCE_S)
        until(lambda: subscriptions[0].waits.announced)
        view.close()

    asked = threading.Event()
    sides = [*(lambda one=one: wait(one) for one in subscriptions), ask, close]
    run_threads(len(sides), lambda i: sides[i]())


def until_all_grow(counts, do=lambda: None):
    """Do something until every thread has counted on."""
    before = counts[:]
    until(lambda: (do(), all(now > then for now, then in zip(counts, before, strict=True)))[1])


def check_one_look(view):
    """Everything that a call returns is of one segment, and whole."""
    latest = view.get("A")
    assert latest is None or latest.volume == 2 * latest.price
    prices, symbols = view._table()
    assert len(prices) == len(symbols)
    for name, price in zip(symbols, prices["price"].tolist(), strict=True):
        assert isnan(price) or price == (1.5 if name == "A" else int(name.removeprefix("S")))
    assert set(view.stale_symbols(3_600.0)) <= {"A", *(f"S{i}" for i in range(1_024))}
    view.symbols(), view.metrics(), view.alive


def test_take_over_beside_threads_that_read_all_the_while():
    """By writers with more, as many, and less symbols, which resume or begin anew, and after a removal."""
    sizes = [2_048, 2_048, 1_024, 2_048, 1_024, 1_024]

    def read(index):
        generation = 0
        while not done.is_set():
            check_one_look(view)
            assert view.generation >= generation
            generation = view.generation
            looked[index] += 1

    def write(_):
        try:
            for number, size in enumerate(sizes * 3):
                if number % 4 == 3:
                    assert remove_orphaned() == ["md"]
                with PriceEngine("md", **(SMALL | {"max_symbols": size}), resume=number % 2 == 0) as engine:
                    numbers = np.arange(1, size // 2)[:: -1 if number % 2 else 1]  # each time other ids
                    engine.update_many([f"S{i}" for i in numbers], numbers.astype(float))
                    engine.update("A", 1.5, 3.0)
                    until_all_grow(looked)
        finally:
            done.set()

    done, looked = threading.Event(), [0] * READERS
    PriceEngine("md", **SMALL).close()
    with attach("md") as view:
        sides = [read] * READERS + [write]
        run_threads(READERS + 1, lambda i: sides[i](i))
        assert (view.alive, view.price("A")) == (False, 1.5)


def test_subscribers_of_a_name_that_is_taken_over_again_and_again_get_records_or_a_defined_end():
    def follow(index):
        while not done.is_set():
            with view.subscribe(mode="all") as subscription:
                try:
                    while not done.is_set():
                        rows = subscription.poll(100, 0.0)
                        assert (rows["volume"] == 2 * rows["price"]).all()
                        looked[index] += 1
                except WriterDiedError:
                    ended[index] += 1

    def write(_):
        try:
            for number in range(6):
                if number:
                    assert remove_orphaned() == ["md"]
                with PriceEngine("md", **SMALL) as engine:
                    until_all_grow(looked, lambda: engine.update("A", 1.5, 3.0))
                until_all_grow(ended)
        finally:
            done.set()

    done, looked, ended = threading.Event(), [0] * READERS, [0] * READERS
    PriceEngine("md", **SMALL).close()
    with attach("md") as view:
        sides = [follow] * READERS + [write]
        run_threads(READERS + 1, lambda i: sides[i](i))


class Replaced(EngineView):
    """Its engine is replaced between any two looks at the whole table."""

    __slots__ = ()

    def snapshot(self):
        prices = super().snapshot()
        write_other_symbols()
        return prices

    def symbols(self):
        write_other_symbols()
        return super().symbols()


def write_other_symbols():
    with PriceEngine("md", **SMALL, resume=False) as engine:
        engine.update_many(["B", "A"], [7.0, 8.0])


def test_table_is_of_one_segment(engine):
    engine.close()
    with Replaced("md") as view:
        table = view.to_pandas()
    assert (table["symbol"].tolist(), table["price"].tolist()) == (["A"], [1.5])
