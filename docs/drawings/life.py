"""The life of an update: its steps in their order, what each touches, and who reads that."""

from collections.abc import Iterator

from drawings.svg import arrow, box, drawing, text

STEPS = (
    ("enter", "read the counter:", "latency starts"),
    ("validate", "convert; price,", "volume, time"),
    ("find the symbol", "its str's address,", "else the hash"),
    ("take the slot", "older copy marked;", "out of order?"),
    ("take a ticket", "the sequence", "of the stream"),
    ("store, publish", "slot and ring cell,", "free the slot"),
    ("count", "latency ends:", "window, histogram"),
)
SHARED = (
    ("slots", "two copies of the latest", "price(), get()", "any process, never waits", 3.0, 4.55),
    ("ring", "the stream, in order", "subscribe(), log", "each at its own pace", 4.65, 5.9),
    ("figures", "counts, latencies", "metrics()", "holds up no update", 6.0, 7.0),
)
"""Memory, what it holds, who reads it and how; from and up to which step it is drawn."""
WIDTH, LEFT, STEP, GAP = 1060, 10, 140, 10


def at(step: float) -> float:
    """Return where a step's box begins."""
    return LEFT + step * (STEP + GAP)


def steps() -> Iterator[str]:
    yield text(LEFT, 22, 'engine.update("BINANCE:BTCUSDT", 61737.63, 0.5)', "mono")
    yield text(WIDTH - LEFT, 22, "True", "mono", "end")
    for i, (name, *lines) in enumerate(STEPS):
        inside = 3 <= i <= 5
        yield box(at(i), 36, STEP, 76, "blue-panel" if inside else "panel", "blue" if inside else "line")
        yield text(at(i) + STEP / 2, 59, name, "bold", "middle")
        for k, words in enumerate(lines):
            yield text(at(i) + STEP / 2, 80 + 18 * k, words, "small faint" if not inside else "small", "middle")
        if i:
            yield arrow((at(i) - GAP, 74), (at(i), 74))


def refusals() -> Iterator[str]:
    """Yield what ends an update early: nothing of it is visible then."""
    for step, *lines in ((1, "InvalidUpdateError,", "counted by reason"), (3, "False, counted as", "out of order")):
        x = at(step) + (70 if step == 1 else 18)
        yield arrow((x, 112), (x, 140), "orange")
        for k, words in enumerate(lines):
            anchor = "middle" if step == 1 else "end"
            yield text(
                x - (0 if step == 1 else 10), (158 if step == 1 else 134) + 17 * k, words, "small orange", anchor
            )


def shared() -> Iterator[str]:
    for name, holds, calls, how, begin, end in SHARED:
        x, width = (
            at(begin) + (36 if name == "slots" else 0),
            at(end) - GAP - at(begin) - (36 if name == "slots" else 0),
        )
        middle = x + width / 2
        yield box(x, 156, width, 50, "green-panel", "green")
        yield text(middle, 176, name, "bold green", "middle")
        yield text(middle, 195, holds, "small", "middle")
        yield arrow((middle, 238), (middle, 206), "green")
        yield box(x, 238, width, 50)
        yield text(middle, 258, calls, "mono", "middle")
        yield text(middle, 277, how, "small faint", "middle")
    for x in (at(3) + 110, at(5) + 24, at(5) + 90, at(6) + 70):
        yield arrow((x, 112), (x, 156), "green")


def picture() -> str:
    return drawing(WIDTH, 296, [*steps(), *refusals(), *shared()])
