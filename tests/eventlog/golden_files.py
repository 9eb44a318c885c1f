"""Wrote the golden files: by the plain-Python model, so that they hold what FORMAT.md says, whatever the code does."""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models.log_model import RECORD, LogModel, cut

from pricecore.compression.records import encode_block
from pricecore.eventlog.log_index import write_index


def expected(model: LogModel, lost: int = 0) -> dict:
    """Return what a reader has to find."""
    records = model.records[: len(model.records) - lost]
    return {
        "records": len(records),
        "sha256": hashlib.sha256(b"".join(records)).hexdigest(),
        "last_sequence": RECORD.unpack(records[-1])[0],
        "symbols": [record[16:].rstrip(b"\0").decode() for record in model.symbols],
        "gaps": [[gap.first_sequence, gap.last_sequence] for gap in model.gaps],
        "position": model.position.decode(),
    }


def plain(folder: Path) -> dict:
    model = LogModel(folder)
    model.fill(blocks=3, records=5)
    model.mark(b"trades.csv:15")
    model.symbol("KRAKEN:XBT/EUR")
    model.quote(1, 27_000.5)
    model.void()
    model.write(b"trades.csv:18")
    first = model.path
    model.begin()
    model.symbol("ETOILE:\u20ac\u00e9")
    model.price(2, 1.25)
    model.write()
    model.gap(7, reason=2, names=["LOST:ONE"])
    model.price(3, 9.0)
    model.write(synced=18)
    write_index(first)
    return expected(model)


def torn(folder: Path) -> dict:
    model = LogModel(folder, generation=3)
    model.fill(blocks=4, records=3)
    cut(model.path, model.path.stat().st_size - 100)
    return expected(model, lost=3)


def compressed(folder: Path) -> dict:
    model = LogModel(folder, flags=1)
    for encoding in (0, 1, 2):
        symbol_id = model.symbol(f"S{encoding}")
        for k in range(50):
            model.price(symbol_id, 100.0 + k)
        payload = b"".join(model.staged)
        write_encoded(model, payload, encoding)
    return expected(model)


def write_encoded(model: LogModel, payload: bytes, encoding: int) -> None:
    from models.log_model import block, times_of

    stored = encode_block(payload, encoding)
    first = model.next_sequence - len(model.staged)
    times = times_of(payload)
    count = len(model.staged)
    model.append(block(model.crc, first, stored, encoding=encoding, count=count, times=times))
    model.records += model.staged
    model.staged = []


if __name__ == "__main__":
    target = Path(sys.argv[1])
    found = {}
    for name, make in (("v1-plain", plain), ("v1-torn", torn), ("v1-compressed", compressed)):
        (target / name).mkdir(parents=True)
        found[name] = make(target / name)
    (target / "expected.json").write_text(json.dumps(found, indent=1) + "\n")
