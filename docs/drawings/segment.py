"""The segment of a default engine: its rooms at the offsets that the code computes."""

from collections.abc import Iterator

from drawings.svg import box, drawing, line, text

from pricecore import PriceEngine

HOLDS = {
    "header": "magic, version, layout hash, sizes; clock; symbol count, ticket, limit",
    "names": "of each symbol: sequence, length, 48 bytes of UTF-8",
    "name_index": "id + 1 by FNV-1a of the name",
    "slots": "of each symbol: PRICE copy A, B and QUOTE copy A, B, 64 bytes each",
    "handles": "counters of 64 writers",
    "histograms": "296 words for each of them",
    "windows": "10,000 latencies in ns for each of them",
    "figures": "256 named doubles: pool, caches, log, throughput, CPU",
    "cursors": "16 consumers that hold the ring",
    "ring": "65,536 records of 64 bytes; sequence s in cell (s - 1) mod n",
}
READ_BY = {
    "header": "attach()",
    "names": "symbols()",
    "name_index": "symbol_id()",
    "slots": "price(), get(), snapshot()",
    "handles": "metrics()",
    "histograms": "metrics()",
    "windows": "metrics()",
    "figures": "metrics()",
    "cursors": "metrics().ring",
    "ring": "subscribe(), event log",
}
WIDTH, TOP, ROW = 1000, 64, 44
LEFT, BOX = 210, 540


def size(count: int) -> str:
    return f"{count / (1 << 20):,.1f} MiB" if count >= 1 << 20 else f"{count / 1024:,.0f} KiB"


def rooms() -> list[tuple[str, int, int]]:
    """Return name, offset and bytes of every room, in their order."""
    with PriceEngine() as engine:
        described = engine.segment.describe()
    begins = {"header": 0} | {name: described[name] for name in HOLDS if name in described}
    ends = [*sorted(begins.values())[1:], described["size_bytes"]]
    return [(name, begin, end - begin) for (name, begin), end in zip(begins.items(), ends, strict=True)]


def rows() -> Iterator[str]:
    for i, (name, offset, count) in enumerate(rooms()):
        y = TOP + i * ROW
        fill, edge = ("green-panel", "green") if name in ("slots", "ring") else ("panel", "line")
        yield text(LEFT - 16, y + 25, f"{offset:#010x}", "mono faint", "end")
        yield box(LEFT, y, BOX, ROW - 6, fill, edge)
        yield text(LEFT + 14, y + 17, name, "bold")
        yield text(LEFT + BOX - 14, y + 17, size(count), "mono", "end")
        yield text(LEFT + 14, y + 32, HOLDS[name], "small faint" if fill == "panel" else "small")
        yield text(LEFT + BOX + 16, y + 25, READ_BY[name], "mono blue")


def scale() -> Iterator[str]:
    """Yield the same rooms as parts of one bar, as long as they are."""
    everything = rooms()
    total = sum(count for _, _, count in everything)
    height, y = ROW * len(everything) - 6, float(TOP)
    for i, (name, _, count) in enumerate(everything):
        part = height * count / total
        green = name in ("slots", "ring")
        if part >= 0.5:
            yield box(30, y, 26, part, "green-panel" if green else "panel", "green" if green else "line")
        yield line(
            [(56, y + part / 2), (74, y + part / 2), (90, TOP + i * ROW + 19), (106, TOP + i * ROW + 19)], "line", 1
        )
        y += part


def picture() -> str:
    total = size(sum(count for _, _, count in rooms()))
    heads = [
        text(30, 26, f"A segment of the default sizes: {total}", "title"),
        text(30, 50, "to scale", "small faint"),
        text(LEFT - 16, 50, "offset", "small faint", "end"),
        text(LEFT, 50, "room and its size", "small faint"),
        text(LEFT + BOX + 16, 50, "read by", "small faint"),
    ]
    return drawing(WIDTH, TOP + ROW * len(HOLDS) + 6, [*heads, *rows(), *scale()])
