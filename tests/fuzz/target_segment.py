"""A segment whose bytes somebody spoiled: attached to and read, spoiled again while it is mapped, and taken over.

An input is a byte of flags and then patches of 12 bytes: the room (and, by its highest bit, that it comes only once the
segment is mapped), how the value is put in, the word in that room, and the value.
"""

import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from math import inf, isnan
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fuzz.harness import MAX_NAME_BYTES, Reader, demand, outcome_of, own_folder
from pricecore import PriceEngine, attach
from pricecore.engine.engine_view import EngineView
from pricecore.errors import PricecoreError, SegmentError, UnknownSymbolError
from pricecore.observe import dashboard_state
from pricecore.primitives.file_lock import try_lock
from pricecore.primitives.named_segment import read_segment
from pricecore.primitives.segment_list import list_segments
from pricecore.primitives.segment_names import segment_path, wait_path

NAME = "fuzz"
SIZES = {"max_symbols": 1024, "ring_capacity": 1024, "latency_window": 4}
SYMBOLS = ("A", "B:LONGER", "C" * MAX_NAME_BYTES, "D\u20ac")
ROOMS = ("header", "names", "name_index", "slots", "handles", "histograms", "windows", "figures", "cursors", "ring")
WITH_WRITER, TAKE_OVER = 1, 2
LATER = 0x80
MAX_PATCHES = 32


class Patch(NamedTuple):
    """One word that is changed; `room` is that of the page of waiting readers when it is none of the segment's."""

    room: int
    later: bool
    how: int
    word: int
    value: int


class Whole(NamedTuple):
    """A sound segment, and where its rooms begin and end."""

    content: bytes
    places: list[tuple[int, int]]


@contextmanager
def own_segments() -> Iterator[Path]:
    before = os.environ.get("PRICECORE_SHM_DIR")
    with own_folder() as folder:
        os.environ["PRICECORE_SHM_DIR"] = str(folder)
        try:
            yield folder
        finally:
            os.environ.pop("PRICECORE_SHM_DIR")
            if before is not None:
                os.environ["PRICECORE_SHM_DIR"] = before


@cache
def whole() -> Whole:
    """Return a segment that an engine left behind, with something in each room."""
    with own_segments():
        with PriceEngine(NAME, **SIZES) as engine, engine.writer() as writer:
            for k in range(3):
                for symbol in SYMBOLS[: 1 + k]:
                    writer.update(symbol, 1.0 + k, 2.0)
                    engine.update_quote(symbol, 1.0, 2.0 + k)
            engine.update_many(list(SYMBOLS), np.ones(len(SYMBOLS)))
        segment = read_segment(NAME)
        rooms = segment.describe()
        starts = [0, *(rooms[name] for name in ROOMS[1:]), rooms["size_bytes"]]
        return Whole(segment_path(NAME).read_bytes(), list(pairwise(starts)))


def patches_in(reader: Reader) -> list[Patch]:
    found = []
    while not reader.at_end and len(found) < MAX_PATCHES:
        room, how, word, value = struct.unpack("<BBHQ", reader.take(12).ljust(12, b"\0"))
        found.append(Patch((room & ~LATER) % (len(ROOMS) + 1), bool(room & LATER), how, word, value))
    return found


def check(data: bytes) -> None:
    """Spoil a segment as the input says, and use it."""
    base, reader = whole(), Reader(data)
    flags = reader.number(1)
    patches = patches_in(reader)
    with own_segments():
        path = segment_path(NAME)
        path.touch(0o600)
        path.write_bytes(base.content)
        wait_path(path).touch(0o600)
        wait_path(path).write_bytes(bytes(4096))
        put_all(path, [patch for patch in patches if not patch.later])
        list_segments()
        with writer_of(path, flags & WITH_WRITER):
            view = outcome_of(lambda: attach(NAME), SegmentError)
            if isinstance(view, EngineView):
                with view:
                    look(view)
                    put_all(path, [patch for patch in patches if patch.later])
                    look(view)
        if flags & TAKE_OVER:
            take_over(path, [patch for patch in patches if patch.later])


@contextmanager
def writer_of(path: Path, wanted: int) -> Iterator[None]:
    """Hold the lock that a writer holds, while readers look."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        if wanted:
            demand(try_lock(descriptor), "nobody has the lock")
        yield
    finally:
        os.close(descriptor)


def put_all(path: Path, patches: list[Patch]) -> None:
    """Change words of the files, which may be mapped."""
    for patch in patches:
        is_segment = patch.room < len(ROOMS)
        begin, end = whole().places[patch.room] if is_segment else (0, 4096)
        at = begin + 8 * patch.word % (end - begin)
        descriptor = os.open(path if is_segment else wait_path(path), os.O_RDWR)
        try:
            (before,) = struct.unpack("<Q", os.pread(descriptor, 8, at))
            os.pwrite(descriptor, struct.pack("<Q", changed(before, patch)), at)
        finally:
            os.close(descriptor)


def changed(before: int, patch: Patch) -> int:
    ways = (patch.value, before ^ patch.value, before + patch.value, before | patch.value, before & patch.value)
    return ways[patch.how % len(ways)] % (1 << 64)


def look(view: EngineView) -> None:
    """Read all that a view reads."""
    symbols = outcome_of(view.symbols)
    if isinstance(symbols, list):
        demand(len(symbols) <= SIZES["max_symbols"], "no more symbols than there is place for", len(symbols))
        demand(all(len(symbol) <= MAX_NAME_BYTES for symbol in symbols), "names have their length")
    for symbol in SYMBOLS:
        for call in (view.price, view.mid, view.age_s, view.symbol_id, view.get, view.quote, view.__contains__):
            outcome_of(lambda call=call, symbol=symbol: call(symbol))
    for symbol_id in (0, 3, 1023):
        outcome_of(lambda symbol_id=symbol_id: view.symbol(symbol_id), UnknownSymbolError, SegmentError)
    outcome_of(lambda: (view.snapshot(), view.stale_symbols(1.0), view.alive, view.generation, repr(view)))
    outcome_of(lambda: check_metrics(view))
    json.dumps(dashboard_state(view), allow_nan=False)
    for mode in ("conflate", "all"):
        outcome_of(lambda mode=mode: follow(view, mode))


def check_metrics(view: EngineView) -> None:
    metrics = view.metrics()
    latency = metrics.latency
    demand(0 <= latency.min_us <= latency.p50_us <= latency.p999_us <= latency.max_us < inf, "in their order", latency)
    demand(not isnan(metrics.error_rate) and metrics.messages_received >= metrics.messages_processed >= 0, "counts")


def follow(view: EngineView, mode: str) -> None:
    """Take what the stream holds: from its start, and from now."""
    for start in (1, "now"):
        with view.subscribe(["A", "B:*"], mode, start) as subscription:
            for _ in range(3):
                records = subscription.poll(2048)
                demand(set(records["kind"].tolist()) <= {0, 1}, "only prices and quotes", records["kind"])
                for symbol_id in set(records["symbol_id"].tolist()):
                    subscription.symbol(symbol_id)
            subscription.stats()


def take_over(path: Path, later: list[Patch]) -> None:
    """Go on as its next writer: it is refused, or it works."""
    engine = outcome_of(lambda: PriceEngine(NAME, **SIZES), SegmentError)
    if not isinstance(engine, PriceEngine):
        return
    with engine:
        put_all(path, [patch for patch in later if patch.room == len(ROOMS)])
        for symbol in (*SYMBOLS, "NEW"):
            try:
                engine.update(symbol, 5.5)
                engine.update_quote(symbol, 5.0, 6.0)
            except PricecoreError:
                continue
            demand(engine.price(symbol) == 5.5, "what is stored can be read", symbol)
        engine.update_many([*SYMBOLS], np.full(len(SYMBOLS), 7.5))
        engine.metrics()
