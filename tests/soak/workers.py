"""Who lives with an engine, each in a thread of its own: subscribers, batches, a cache's user, the ledger."""

import asyncio
import random
import time

import numpy as np
from soak.chunks import Chunks
from soak.delivery import Delivery
from soak.worker import Problems, Worker

from pricecore import PriceCache, PriceEngine

LEDGER = "soak-ledger"
_ROWS = 200
_PAUSE_S = 0.005


class Ledger(Worker):
    """Holds the ring and keeps a checksum of all that is published, to compare the log with."""

    def __init__(self, engine: PriceEngine, problems: Problems, chunks: Chunks) -> None:
        super().__init__("ledger", engine, problems)
        self.chunks = chunks
        self.consumer = engine.consumer(LEDGER, full_timeout_s=30.0)

    def work(self) -> None:
        while not (self.stopped.is_set() and self.consumer.behind == 0):
            records = self.consumer.read(8_192)
            if len(records):
                self.chunks.add(records)
            else:
                time.sleep(_PAUSE_S)
        self.consumer.close()


class Subscriber(Worker):
    """Polls a subscription; can be told to be stuck."""

    def __init__(self, engine: PriceEngine, problems: Problems, delivery: Delivery) -> None:
        super().__init__(f"subscriber {delivery.name}", engine, problems)
        self.delivery = delivery
        self.stuck_s = 0.0

    def work(self) -> None:
        with self.engine.subscribe(mode="all" if self.delivery.every else "conflate") as subscription:
            self.delivery.begin(subscription)
            while not self.stopped.is_set():
                stuck_s, self.stuck_s = self.stuck_s, 0.0
                self.stopped.wait(stuck_s)
                batch = subscription.poll(4_096, 0.5)
                self.delivery.take(batch, subscription, len(self.engine))


class AsyncSubscriber(Worker):
    """Iterates in an event loop of its own."""

    def __init__(self, engine: PriceEngine, problems: Problems, delivery: Delivery) -> None:
        super().__init__(f"subscriber {delivery.name}", engine, problems)
        self.delivery = delivery

    def work(self) -> None:
        asyncio.run(self._iterate())

    async def _iterate(self) -> None:
        with self.engine.subscribe(mode="all" if self.delivery.every else "conflate") as subscription:
            self.delivery.begin(subscription)
            async for batch in subscription.batches(4_096):
                self.delivery.take(batch, subscription, len(self.engine))
                if self.stopped.is_set():
                    return


class Batches(Worker):
    """Writes batches through a handle of its own, without the interpreter's lock."""

    def __init__(self, engine: PriceEngine, problems: Problems) -> None:
        super().__init__("batches", engine, problems)

    def work(self) -> None:
        ids = self.engine.register([f"batch:S{i}" for i in range(_ROWS)])
        prices = np.random.default_rng(0).uniform(1.0, 100.0, _ROWS)
        writer = self.engine.writer()
        while not self.stopped.wait(0.2):
            stored = writer.update_many(ids, prices)
            if stored != _ROWS:
                self.problems.add(f"batches: {stored} of {_ROWS} rows were stored")
        writer.close()


class CacheUser(Worker):
    """Asks a cache for keys by a law that keeps some and drops many; loads what is not there."""

    def __init__(self, cache: PriceCache, problems: Problems) -> None:
        super().__init__("cache", None, problems)
        self.cache = cache

    def work(self) -> None:
        draw = random.Random(0)
        while not self.stopped.wait(0.01):
            for _ in range(20):
                key = f"K{int(draw.paretovariate(0.5)) % 50_000}"
                if self.cache.get_or_load(key) != key:
                    self.problems.add(f"cache: a wrong value for {key}")
            self.cache.put(f"P{draw.randrange(50_000)}", "put", ttl_s=1.0)
            self.cache.delete(f"P{draw.randrange(50_000)}")
