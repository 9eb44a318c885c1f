"""One life of the soak's engine: from its opening to its close, with everything that feeds and follows it."""

from dataclasses import dataclass, field
from pathlib import Path

from soak.captures import Line
from soak.chunks import Chunks
from soak.delivery import Delivery
from soak.feeding import Feeding
from soak.figures import FILES_KEPT
from soak.worker import Problems
from soak.workers import AsyncSubscriber, Batches, CacheUser, Ledger, Subscriber

from pricecore import LogOptions, PriceCache, PriceEngine

MIB = 1 << 20


@dataclass
class Lasting:
    """What outlives an engine: counts of subscribers, the ledger's checksums, the cache, problems."""

    problems: Problems = field(default_factory=Problems)
    chunks: Chunks = field(default_factory=Chunks)
    cache: PriceCache = field(default_factory=lambda: PriceCache(5_000, ttl_s=5.0, loader=lambda key: key))
    deliveries: dict[str, Delivery] = field(
        default_factory=lambda: {
            "thread": Delivery("thread", every=True),
            "asyncio": Delivery("asyncio", every=True),
            "conflating": Delivery("conflating", every=False),
        }
    )
    at: int = 0
    fed: int = 0


class Life:
    """An engine and its company; `end` closes it as a service does that is stopped.

    Attributes
    ----------
    first_sequence : int
        The first that this engine publishes.
    """

    def __init__(
        self,
        lasting: Lasting,
        name: str,
        log: Path,
        lines: list[Line],
        messages: list[tuple[int, bytes]],
        rate_per_s: float,
        keep_mib: float,
        compress: bool,
    ) -> None:
        self.lasting = lasting
        options = LogOptions(
            log,
            rotate_bytes=int(keep_mib / FILES_KEPT * MIB),
            keep_bytes=int(keep_mib * MIB),
            snapshot_records=100_000,
            compress=compress,
        )
        self.engine = PriceEngine(name, log=options, on_bad="count", out_of_order="apply")
        self.first_sequence = self.engine.metrics().ring.sequence + 1
        self.engine.add_cache("soak", lasting.cache)
        problems, given = lasting.problems, lasting.deliveries
        self.ledger = Ledger(self.engine, problems, lasting.chunks)
        self.stuck = Subscriber(self.engine, problems, given["thread"])
        self.feeding = Feeding(self.engine, problems, lines, messages, rate_per_s, lasting.at)
        self.writers = [self.feeding, Batches(self.engine, problems)]
        self.others = [
            self.stuck,
            AsyncSubscriber(self.engine, problems, given["asyncio"]),
            Subscriber(self.engine, problems, given["conflating"]),
            CacheUser(lasting.cache, problems),
        ]
        for worker in (self.ledger, *self.others, *self.writers):
            worker.start()

    def end(self) -> int:
        """Close the engine and everything with it; return the last sequence that was durable."""
        for worker in self.writers:
            worker.end()
        self.lasting.at, self.lasting.fed = self.feeding.at, self.lasting.fed + self.feeding.fed
        self.ledger.end()
        failed = self.engine.log.error is not None
        self.engine.close()
        durable = self.engine.log.durable_sequence
        if not failed and durable < self.lasting.chunks.last:
            self.lasting.problems.add(f"close: {self.lasting.chunks.last} published, {durable} durable")
        for worker in self.others:
            worker.end()
        return durable
