"""What befalls a soak, one each minute in turn, and what must be true then."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soak.stage import Stage

PATIENCE_S = 120.0
BURST = 2_000


class BrokenError(AssertionError):
    """After a fault something is not as it must be."""


def _until(condition: Callable[[], object], what: str) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until_s:
            raise BrokenError(f"{what}: not within {PATIENCE_S:.0f} s")
        time.sleep(0.1)


def reader_killed(stage: "Stage", hold_s: float) -> str:
    """A process that reads is killed as by `kill -9`, and started again; the writer does not notice."""
    before = stage.sequence()
    stage.reader.kill()
    _until(lambda: stage.sequence() > before, "updates after a reader was killed")
    stage.reader.start()
    _until(lambda: stage.reader.ask("sample")["figures"]["received"] > 0, "records for a new reader")
    return "killed and started again"


def subscriber_stuck(stage: "Stage", hold_s: float) -> str:
    """A subscriber looks at nothing for a while: it loses a known number of records, nobody else any."""
    before = stage.service.ask("stick", seconds=hold_s)
    others = stage.lost("asyncio")
    time.sleep(hold_s)
    received = stage.received("thread")
    _until(lambda: stage.received("thread") > received, "records for a subscriber that was stuck")
    lost, other = stage.lost("thread") - before, stage.lost("asyncio") - others
    return f"stuck for {hold_s:.1f} s: it has lost {lost:,}, another {other:,}"


def disk_full(stage: "Stage", hold_s: float) -> str:
    """The disk is full: the log ends, the engine goes on; the disk is freed and the engine opened again."""
    _until(lambda: stage.disk.fill() or stage.log_error(), "an error of a log whose disk is full")
    before = stage.sequence()
    time.sleep(hold_s)  # at the usual rate more than the ring holds: a gap, which has to be told
    if stage.sequence() <= before:
        raise BrokenError("the engine does not go on without its log")
    stage.disk.free()
    ended = stage.reopen()
    _until(lambda: stage.service_sample()["durable"] > ended["first_sequence"], "durable records after the restart")
    return f"the log ended at {ended['durable']:,}, the next engine begins with {ended['first_sequence']:,}"


def malformed_burst(stage: "Stage", hold_s: float) -> str:
    """Broken messages come: each is counted, none is stored, none raises."""
    counts = stage.service.ask("burst", count=BURST)
    if counts["received"] != counts["sent"] or counts["sent"] != sum(
        counts[name] for name in ("malformed", "ignored", "priced")
    ):
        raise BrokenError(f"messages are not accounted for: {counts}")
    return f"{counts['sent']:,} messages: {counts['malformed']:,} malformed, {counts['priced']:,} left to the engine"


def feed_gone(stage: "Stage", hold_s: float) -> str:
    """The feed is silent for a while and comes back: its symbols are stale, then they are not."""
    seconds = max(1.0, min(hold_s, 5.0))
    stale = stage.service.ask("disconnect", seconds=seconds)
    if stale == 0:
        raise BrokenError(f"no symbol was stale after {seconds} s of silence")
    return f"silent for {seconds:.1f} s: {stale} symbols were stale"


def restart(stage: "Stage", hold_s: float) -> str:
    """The engine is closed in good order and opened again: nothing at all is missing."""
    ended = stage.reopen()
    if ended["durable"] + 1 != ended["first_sequence"]:
        raise BrokenError(f"a close in good order left a gap: {ended}")
    return f"closed at {ended['durable']:,}, opened again"


FAULTS = (reader_killed, subscriber_stuck, disk_full, malformed_burst, feed_gone, restart)
