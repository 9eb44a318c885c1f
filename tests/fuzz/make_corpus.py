"""Made the seeds in corpus/: small sound inputs of every kind, from which the fuzzer goes on."""

import gzip
import io
import struct
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models.log_model import LogModel

from fuzz.folders import SEAL_BLOCKS, SEAL_CHAIN, SEAL_HEAD, input_of
from fuzz.harness import CORPUS
from fuzz.target_feed import formats
from fuzz.target_payload import SAMPLE, codecs, dictionary
from pricecore import PriceEngine
from pricecore.compression.records import encode_block
from pricecore.eventlog.log_index import write_index

GOLDEN = Path(__file__).resolve().parents[1] / "eventlog" / "golden"
SEALED = SEAL_HEAD | SEAL_BLOCKS | SEAL_CHAIN
TRADES = {
    "binance": [
        b'{"e":"trade","s":"A","t":1,"p":"1.5","q":"2","T":1652459224818}',
        b'{"stream":"a@aggTrade","data":{"e":"aggTrade","s":"A","a":8,"p":"4.2","q":"5","T":1626916403911,"m":false}}',
        b'{"u":35,"s":"B","b":"2683.8","B":"3.02","a":"2683.81","A":"31.4"}',
        b'[{"e":"24hrTicker","E":1672515782136,"s":"C","P":"250.00","c":"0.0025","Q":"10"}]',
    ],
    "bybit": [b'{"topic":"publicTrade.A","data":[{"s":"A","p":"1.5","v":"2","T":1652459224818}]}'],
    "coinbase": [b'{"type":"match","product_id":"A","price":"1.5","size":"2","time":"2022-05-13T16:27:04.818Z"}'],
    "kraken": [
        b'{"channel":"trade","data":[{"symbol":"A","price":1.5,"qty":2,"timestamp":"2022-05-13T16:27:04.818Z"}]}'
    ],
    "okx": [b'{"arg":{"channel":"trades"},"data":[{"instId":"A","px":"1.5","sz":"2","ts":"1652459224818"}]}'],
    "fuzz-json": [b'{"s":"A","d":{"p":"150","v":2},"b":1,"a":2,"B":3,"A":4,"t":1652459224818,"c":0.5}'],
    "fuzz-csv": [b"A,150,2,1,2,3,4,2022-05-13T16:27:04.818Z,0.5", b'"A ""B""",1e2,,,,,,1652459224,'],
}
TABLES = [
    b"symbol,price,volume,time\nA,1.5,2,2024-08-09T10:00:00Z\nB,2.5,,2024-08-09 10:00:01.5+02:00\n",
    b"\xef\xbb\xbfTicker;Bid;Ask;Date\r\nA;1,5;2;09/08/2024\r\n",
    b"time,bid,ask\n34200.0000001,1.5,1.75\n",
    b'{"s":"A","p":1}\n{"e":"trade","s":"A","t":1,"p":"1.5","q":"2","T":1652459224818}\n',
    b'1652459224818 {"e":"trade","s":"A","t":1,"p":"1.5","q":"2","T":1652459224818}\n',
]


def save(target: str, name: str, data: bytes) -> None:
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.input").write_bytes(data)


def logs() -> None:
    """Save the golden logs, and one of a real writer with a snapshot."""
    for folder in sorted(GOLDEN.glob("v1-*")):
        files = sorted(path for path in folder.iterdir() if path.suffix in (".log", ".index"))
        for target in ("log", "repair"):
            save(target, folder.name, input_of(SEALED, *files))
            save(target, f"{folder.name}-as-it-is", input_of(0, *files))
    with TemporaryDirectory() as name:
        folder = Path(name)
        with PriceEngine(log=folder, max_symbols=1024, ring_capacity=1024) as engine:
            for k in range(3):
                engine.update(f"S{k}", 1.0 + k)
                engine.update_quote("S0", 1.0, 2.0 + k)
            engine.log.mark(b"somewhere")
            engine.log.wait_durable()
            engine.log.snapshot()
        snapshots = sorted(folder.glob("*.snapshot"))
        save("snapshot", "of-an-engine", input_of(SEAL_HEAD, snapshots[-1]))
        for target in ("log", "repair"):
            save(target, "with-a-snapshot", input_of(SEALED, *sorted(folder.glob("*.log")), snapshots[-1]))
    with TemporaryDirectory() as name:
        model = LogModel(Path(name) / "log")
        model.fill(blocks=2, records=2)
        first = model.path
        model.begin()
        model.gap(3, names=["LOST"])
        model.price(1, 2.0)
        model.write(b"place", synced=3)
        write_index(first)
        files = sorted(path for path in model.folder.iterdir() if path.suffix in (".log", ".index"))
        for target in ("log", "repair"):
            save(target, "small-with-gap", input_of(SEALED, *files))


def payloads() -> None:
    message = (SAMPLE % (1, 2, 3, 4)).encode()
    for k, codec in enumerate(codecs()):
        save("payload", f"frame-{k}", b"\0" + codec.compress(message))
    save("payload", "message", b"\1" + message)
    save("payload", "dictionary", b"\2" + dictionary().content)
    save("payload", "dictionary-file", b"\3" + dictionary().content)
    records = b"".join(struct.pack("<QIHHqqdddd", k, 0, 0, 0, k, k, 1.0, 2.0, 3.0, 0.0) for k in range(4))
    for encoding in range(3):
        save("payload", f"block-{encoding}", bytes([4, encoding, 3]) + encode_block(records, encoding))


def messages() -> None:
    for k, row in enumerate(formats()):
        save("feed", row.name, bytes([k]) + b"\n".join(TRADES.get(row.name, [b"A,1.5,2,1652459224818"])))
    for k, table in enumerate(TABLES):
        save("table", f"plain-{k}", bytes([0, 3]) + table)
    save("table", "mapped", bytes([0, 9]) + b"1.5,1652459224818\n2.5,1652459224819\n")
    save("table", "gzip", bytes([0, 3]) + gzip.compress(TABLES[0], mtime=0))
    for name, method in (
        ("zip", zipfile.ZIP_DEFLATED),
        ("zip-bzip2", zipfile.ZIP_BZIP2),
        ("zip-lzma", zipfile.ZIP_LZMA),
    ):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for k in range(2):
                file.writestr(zipfile.ZipInfo(f"A-{k}.csv"), TABLES[k], method)
        save("table", f"zip{name}", bytes([0, 3]) + archive.getvalue())


def segments() -> None:
    def patch(room: int, word: int, value: int, how: int = 0) -> bytes:
        return struct.pack("<BBHQ", room, how, word, value)

    for flags in range(4):
        save("segment", f"sound-{flags}", bytes([flags]))
    counts = [patch(0, word, 1 << 40) for word in (12, 13, 14, 15)]
    save("segment", "geometry", bytes([2]) + b"".join(counts))
    save("segment", "counts", bytes([3]) + patch(0x80, 48, 1 << 20) + patch(0x80, 64, 1 << 62))
    save("segment", "slot-of-nobody", bytes([2]) + patch(3, 4 * 32, 1 << 63) + patch(3, 5 * 32 + 8, 7))
    index = b"".join(patch(2, word, (1 << 32) + 1, 3) for word in range(30))
    save("segment", "index-with-more-entries", bytes([2]) + index)
    save("segment", "renamed-behind-the-index", bytes([2]) + patch(1, 2, 1, 1))
    for room in range(11):
        save(
            "segment", f"room-{room}", bytes([3]) + patch(room, 0, 1 << 63, 1) + patch(0x80 | room, 1, (1 << 64) - 1, 1)
        )


if __name__ == "__main__":
    logs()
    payloads()
    messages()
    segments()
