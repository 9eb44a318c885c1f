"""What an application does again and again, each as a function that does it so many times and leaves nothing behind."""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

import pricecore
from pricecore import EventLog, InvalidUpdateError, LogOptions, PriceCache, PriceEngine

Repeat = Callable[[int], object]
SMALL = {"max_symbols": 1_024, "ring_capacity": 1_024, "latency_window": 100, "pool_buffers": 8}
NAMES = [f"BINANCE:S{i}" for i in range(100)]


def update(engine: PriceEngine, _: ExitStack) -> Repeat:
    """Stored, dropped and refused, trades and quotes."""

    def repeat(count: int) -> None:
        for i in range(count):
            symbol = NAMES[i % 100]
            engine.update(symbol, 1.0 + i, volume=0.5, timestamp_ns=10**18 + i % 7)
            engine.update_quote(symbol, bid=1.0, ask=2.0)
            with contextlib.suppress(InvalidUpdateError):
                engine.update(symbol, -1.0)

    return repeat


def batch(engine: PriceEngine, _: ExitStack) -> Repeat:
    """By id and by name, rows refused among them."""
    ids = engine.register(NAMES)
    prices = np.linspace(-1.0, 100.0, 100)
    objects = prices.tolist()

    def repeat(count: int) -> None:
        for _ in range(count):
            engine.update_many(ids, prices, timestamps_ns=None)
            engine.update_many(NAMES, objects)
            engine.update_quotes(ids, prices, prices + 1.0)

    return repeat


def read(engine: PriceEngine, _: ExitStack) -> Repeat:
    """All that reads."""

    def repeat(count: int) -> None:
        for i in range(count):
            symbol = NAMES[i % 100]
            engine.price(symbol), engine.get(symbol), engine.quote(symbol), engine.age_s(symbol)
            engine.symbol_id(symbol), engine.get("nobody"), engine.stale_symbols(1e6)
            with contextlib.suppress(KeyError):
                engine.price(f"unknown {i}")
            engine.snapshot(), engine.metrics().as_dict()

    return repeat


def writer(engine: PriceEngine, _: ExitStack) -> Repeat:
    """Handles of writer threads."""

    def repeat(count: int) -> None:
        for _ in range(count):
            handle = engine.writer()
            handle.update("A", 1.0)
            handle.close()
            engine.writer()

    return repeat


def subscribe(engine: PriceEngine, _: ExitStack) -> Repeat:
    """Subscriptions of both kinds, with filters; consumers that hold the ring."""

    def repeat(count: int) -> None:
        for i in range(count):
            with engine.subscribe(["BINANCE:S1*"], mode="all") as every, engine.subscribe() as latest:
                engine.update("BINANCE:S10", 1.0 + i)
                every.poll(), latest.poll(16, 0.0), every.stats()
            with engine.consumer("leaks") as consumer:
                engine.update("BINANCE:S10", 1.0 + i)
                consumer.read()

    return repeat


def poll(engine: PriceEngine, opened: ExitStack) -> Repeat:
    """One subscription, lapped now and then."""
    every = opened.enter_context(engine.subscribe(mode="all"))
    latest = opened.enter_context(engine.subscribe("BINANCE:*"))

    def repeat(count: int) -> None:
        for i in range(count):
            for k in range(40 if i % 20 else 1_500):
                engine.update(NAMES[k % 100], 1.0 + k)
            every.poll(), latest.poll()

    return repeat


def iterate(engine: PriceEngine, _: ExitStack) -> Repeat:
    """In an event loop."""

    async def one(count: int) -> None:
        for i in range(count):
            with engine.subscribe(mode="all") as subscription:
                engine.update("A", 1.0 + i)
                async for _ in subscription.batches():
                    break

    return lambda count: asyncio.run(one(count))


def open_close(_engine: PriceEngine, _: ExitStack) -> Repeat:
    """Engines made and closed, private and named; views attached and detached."""

    def repeat(count: int) -> None:
        for i in range(count):
            with PriceEngine(**SMALL) as engine:
                engine.update("A", 1.0)
            with PriceEngine("leaks", **SMALL) as engine, pricecore.attach("leaks") as view:
                engine.update("A", 1.0 + i)
                view.price("A"), view.metrics(), view.alive
                with view.subscribe(start=1) as subscription:
                    subscription.poll()

    return repeat


def attach(_engine: PriceEngine, opened: ExitStack) -> Repeat:
    """A view attached and detached, and dropped."""
    engine = opened.enter_context(PriceEngine("leaks-attach", **SMALL))
    engine.update("A", 1.0)

    def repeat(count: int) -> None:
        for _ in range(count):
            with pricecore.attach("leaks-attach") as view:
                view.price("A"), view.get("A"), view.symbols(), view.snapshot()
            pricecore.attach("leaks-attach").price("A")

    return repeat


def log(_engine: PriceEngine, _: ExitStack) -> Repeat:
    """An engine with a log, opened, closed and opened again with what it holds; the folder goes."""

    def once() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for price in (1.0, 2.0):
                with PriceEngine(log=LogOptions(folder, snapshot_records=None), **SMALL) as engine:
                    engine.update("A", price)
                    engine.log.mark(b"here")
                    engine.log.wait_durable()
                    engine.log.snapshot()
                    engine.log.stats()

    return lambda count: [once() for _ in range(count)] and None


def append(_engine: PriceEngine, opened: ExitStack) -> Repeat:
    """Records appended to an open log, and read back as they come."""
    folder = opened.enter_context(tempfile.TemporaryDirectory())
    options = LogOptions(folder, rotate_bytes=1 << 16, keep_files=2, snapshot_records=2_000)
    engine = opened.enter_context(PriceEngine(log=options, **SMALL))

    def repeat(count: int) -> None:
        for i in range(count):
            for _ in range(200):
                engine.update("A", 1.0 + i)
            engine.log.wait_durable()

    return repeat


def read_log(_engine: PriceEngine, opened: ExitStack) -> Repeat:
    """A log opened, read from end to end in every way, and closed."""
    folder = opened.enter_context(tempfile.TemporaryDirectory())
    with PriceEngine(log=LogOptions(folder, rotate_bytes=1 << 16), **SMALL) as engine:
        for i in range(3_000):
            engine.update(NAMES[i % 100], 1.0 + i)

    def repeat(count: int) -> None:
        for _ in range(count):
            with EventLog.open(folder) as found:
                sum(len(block) for block in found)
                sum(len(block) for block in found.updates("BINANCE:S1*", start=1_000))
                found.state_at(sequence=2_000), found.gaps, found.symbols()
            with EventLog.open(folder) as found, PriceEngine(**SMALL) as engine:
                found.replay(into=engine)

    return repeat


def cache(_engine: PriceEngine, _: ExitStack) -> Repeat:
    """Entries put, found, loaded, expired, evicted and deleted."""
    held = PriceCache(64, ttl_s=0.001, loader=lambda key: [key])
    held.put("first", 0)

    def repeat(count: int) -> None:
        for i in range(count):
            held.put(f"K{i % 200}", {"price": float(i)})
            held.get(f"K{i % 7}"), held.get("nobody"), held.get_or_load(f"L{i % 100}")
            held.setdefault("S", i), held.pop("S", None), held.peek("first")
            held.delete(f"K{i % 200}")
            held.put_many({f"M{k}": object() for k in range(10)}), held.get_many(["M1", "M2"])
        held.clear()

    return repeat


def lasting_cache(_engine: PriceEngine, _: ExitStack) -> Repeat:
    """The same without a time to live, which takes a shorter way."""
    held = PriceCache(64)

    def repeat(count: int) -> None:
        for i in range(count):
            held.put("same", [i]), held.put("same", [i]), held.get("same"), held.get("nobody", [i])
            held.put(f"K{i % 200}", [i]), held.put((i % 100, "tuple"), [i])
            held.pop("same"), held.resize(32 + i % 2)

    return repeat


def failing_loads(_engine: PriceEngine, _: ExitStack) -> Repeat:
    """Loads that raise, and loads in an event loop."""

    async def load(key: str) -> str:
        if key == "bad":
            raise OSError("no source")
        return key

    async def run(count: int) -> None:
        held = PriceCache(16, loader=load)
        for i in range(count):
            await held.aget_or_load(f"K{i % 40}")
            with contextlib.suppress(OSError):
                await held.aget_or_load("bad")

    return lambda count: asyncio.run(run(count))


def pool(_engine: PriceEngine, _: ExitStack) -> Repeat:
    """Buffers taken, filled, outgrown, viewed, released and dropped."""
    buffers = pricecore.BufferPool(4, 64)

    def repeat(count: int) -> None:
        for i in range(count):
            taken = [buffers.acquire() for _ in range(6)]  # two more than there are
            for one in taken:
                one.extend(b"x" * (i % 1_000))
            with memoryview(taken[0]):
                bytes(taken[0])
            for one in taken[:5]:
                one.release()  # the last one is dropped

    return repeat


def queue(_engine: PriceEngine, _: ExitStack) -> Repeat:
    """Records pushed and popped, one by one and together; samples and counts beside."""
    held, window, counter = pricecore.UpdateQueue(64), pricecore.LatencyBuffer(100), pricecore.AtomicCounter()
    records = np.zeros(40, pricecore.RECORD_DTYPE)

    def repeat(count: int) -> None:
        for i in range(count):
            held.try_push(records[0]), held.try_pop(), held.try_pop()
            held.try_push_many(records), held.try_pop_many(64)
            window.record(i), window.stats(), window.samples(), counter.add(i)

    return repeat


def registers(_engine: PriceEngine, _: ExitStack) -> Repeat:
    """Symbols that come into engines and maps which go."""

    def repeat(count: int) -> None:
        for i in range(count):
            with PriceEngine(**SMALL) as engine:
                engine.register([f"{i}:{k}" for k in range(50)])
                engine.symbols()
            prices = pricecore.PriceMap(64)
            prices.update("A", 1.0)
            prices.get("A"), prices.snapshot()

    return repeat


OPERATIONS: dict[str, tuple[Callable[[PriceEngine, ExitStack], Repeat], int]] = {
    made.__name__: (made, count)
    for made, count in (
        (update, 3_000),
        (batch, 200),
        (read, 300),
        (writer, 300),
        (subscribe, 300),
        (poll, 200),
        (iterate, 100),
        (open_close, 20),
        (attach, 100),
        (log, 30),
        (append, 60),
        (read_log, 40),
        (cache, 500),
        (lasting_cache, 500),
        (failing_loads, 300),
        (pool, 500),
        (queue, 1_000),
        (registers, 20),
    )
}
"""By name: what makes the operation, and how often it is done at a time."""


@contextmanager
def an_engine() -> Iterator[PriceEngine]:
    """An engine with prices, for those that need one."""
    with PriceEngine(**SMALL) as engine:
        engine.update_many(NAMES, [1.0] * len(NAMES))
        yield engine
