"""Messages of several venues, fed at a steady rate into one engine, in a loop; and what faults do to a connection."""

import time
from collections.abc import Callable
from concurrent.futures import Future

from soak.captures import Line
from soak.worker import Problems, Worker

from pricecore import PriceEngine
from pricecore.feeds import Feed

SLICE_S = 0.01
_POOLED = 16  # of so many messages one goes through a buffer of the pool
_BEHIND_S = 1.0  # what a stop of the machine left undone is not made up for beyond this


def malformed(message: bytes) -> list[bytes]:
    """Return what a broken sender makes of a message, and what nobody should send."""
    half = len(message) // 2
    return [
        b"",
        b"\0" * 64,
        b"\xff\xfe\xfa",
        message[:half],
        message[half:],
        message.replace(b'"', b"", 1),
        message.replace(b":", b",,"),
        message + message,
        b"[" * 20_000,
        b'{"e":"trade","s":"X","t":1,"p":"NaN","q":"1","T":1}',
        b'{"e":"trade","s":"X","t":1,"p":"-1","q":"1","T":1723161255342}',
        b'{"e":"trade","s":"X","t":1,"p":"1e999","q":"1","T":1723161255342}',
        b'{"e":"trade","s":"' + b"S" * 100_000 + b'","t":1,"p":"1","q":"1","T":1723161255342}',
        b'{"e":"trade","s":"\\ud800","t":"x","p":{},"q":[],"T":null}',
    ]


class Feeding(Worker):
    """Feeds the messages at this rate until it is stopped; a pass of all of them is a connection.

    Threads: one of its own; `told`, `burst` and `disconnect` any.
    """

    def __init__(
        self,
        engine: PriceEngine,
        problems: Problems,
        lines: list[Line],
        messages: list[tuple[int, bytes]],
        rate_per_s: float,
        begin: int,
    ) -> None:
        super().__init__("feeding", engine, problems)
        self.feeds = [Feed(engine, line.format, f"{line.label}:", stale_after_s=0.25) for line in lines]
        self.messages, self.rate_per_s = messages, rate_per_s
        self.at = begin
        self.fed = self.passed_over = 0
        self._paused = False
        self._told: list[tuple[Callable[[], object], Future]] = []

    def work(self) -> None:
        due_s, carry = time.monotonic(), 0.0
        while not self.stopped.wait(max(0.0, due_s - time.monotonic())):
            while self._told:
                call, future = self._told.pop(0)
                future.set_result(call())
            behind_s = time.monotonic() - due_s
            if behind_s > _BEHIND_S:
                self.passed_over += int(behind_s * self.rate_per_s)
                due_s = time.monotonic()
            due_s += SLICE_S
            carry += SLICE_S * self.rate_per_s
            if not self._paused:
                self._feed(int(carry))
            carry -= int(carry)
        for feed in self.feeds:
            feed.close()

    def _feed(self, count: int) -> None:
        for _ in range(count):
            number, message = self.messages[self.at]
            if self.at % _POOLED:
                self.feeds[number].feed(message)
            else:
                self._feed_pooled(self.feeds[number], message)
            self.at += 1
            if self.at == len(self.messages):
                self.at = 0
                self._reconnected()
        self.fed += count

    def _feed_pooled(self, feed: Feed, message: bytes) -> None:
        with self.engine.pool.acquire() as buffer:
            buffer.extend(message)
            with memoryview(buffer) as view:
                feed.feed(view)

    def _reconnected(self) -> None:
        for feed in self.feeds:
            feed.reconnected()

    def told(self, call: Callable[[], object], patience_s: float = 60.0) -> object:
        """Have the feeding thread do something between two messages; return what that returned."""
        future: Future = Future()
        self._told.append((call, future))
        return future.result(patience_s)

    def burst(self, count: int) -> dict[str, int]:
        """Feed so many broken messages to every line; return what they were counted as."""
        bad = malformed(max((message for _, message in self.messages[:1_000]), key=len))

        def feed_bad() -> dict[str, int]:
            before = [feed.counts for feed in self.feeds]
            for i in range(count):
                for feed in self.feeds:
                    feed.feed(bad[i % len(bad)])
            after = [feed.counts for feed in self.feeds]
            pairs = list(zip(before, after, strict=True))
            return {
                "sent": count * len(self.feeds),
                "received": sum(b.received - a.received for a, b in pairs),
                "malformed": sum(b.malformed - a.malformed for a, b in pairs),
                "ignored": sum(b.ignored - a.ignored for a, b in pairs),
                "priced": sum(b.priced - a.priced for a, b in pairs),
            }

        return self.told(feed_bad)

    def disconnect(self, seconds: float) -> int:
        """Feed nothing for so long, then come back; return how many symbols were stale before that."""
        self._paused = True
        self.told(lambda: None)  # the last message is fed
        time.sleep(seconds)
        return self.told(self._back)

    def _back(self) -> int:
        stale = sum(len(feed.stale_symbols()) for feed in self.feeds)
        self._reconnected()
        self._paused = False
        return stale
