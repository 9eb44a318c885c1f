"""The writer of a log compresses what it has sealed, and what earlier ones left, without being in anybody's way."""

import math
import sys

import pytest
from helpers.compressed import require_zstd
from helpers.waiting import PATIENCE_S, until
from models.log_model import LogModel, flip

import pricecore
from pricecore.compression.zstd import zstd
from pricecore.errors import MissingExtraError
from pricecore.eventlog import compressing, sealed_compressor
from pricecore.eventlog.compressing import compress_log, files_to_compress
from pricecore.eventlog.event_log import EventLog
from pricecore.eventlog.rewriting import Draft, rewriting
from pricecore.eventlog.sealed_compressor import SealedCompressor
from pricecore.eventlog.tending import Tending

require_zstd()


@pytest.fixture
def log(tmp_path) -> LogModel:
    found = LogModel(tmp_path / "log")
    for file in range(4):
        if file:
            found.begin()
        found.fill(20, 10)
    return found


def names(paths) -> list[str]:
    return [path.name for path in paths]


def test_each_turn_compresses_the_oldest_file_that_is_not(log):
    compressor = SealedCompressor(log.folder)
    waiting = names(files_to_compress(log.folder))
    for left in ([*waiting[1:]], [*waiting[2:]], [], []):
        compressor.turn()
        assert names(files_to_compress(log.folder)) == left
    assert b"".join(part.tobytes() for part in EventLog.open(log.folder)) == b"".join(log.records)


def test_files_that_are_sealed_later_get_their_index_and_are_compressed(log):
    tending = Tending(log.folder, compress=True)
    for files in (3, 4):
        for _ in range(12):
            tending.tend(log.next_sequence)
        assert files_to_compress(log.folder) == []
        assert tending.compression().files == files == len(list(log.folder.glob("*.index")))
        log.begin()
        log.fill(20, 10)


def test_figures_say_what_was_done(log):
    compressor = SealedCompressor(log.folder)
    assert math.isnan(compressor.figures().ratio)
    before = sum(path.stat().st_size for path in files_to_compress(log.folder))
    for _ in range(5):
        compressor.turn()
    figures = compressor.figures()
    after = sum(path.stat().st_size for path in sorted(log.folder.glob("*.log"))[:-1])
    assert (figures.files, figures.in_bytes, figures.out_bytes, figures.errors) == (3, before, after, 0)
    assert figures.ratio == before / after > 1
    assert 0 < figures.time_s < 10


def test_nothing_is_looked_at_once_all_is_compressed_until_another_file_is_sealed(log, monkeypatch):
    compressor = SealedCompressor(log.folder)
    for _ in range(4):
        compressor.turn()
    looks = []
    monkeypatch.setattr(sealed_compressor, "files_to_compress", lambda folder: looks.append(folder) or [])
    compressor.turn()
    assert not looks
    compressor.file_sealed()
    compressor.turn()
    compressor.turn()
    assert looks == [log.folder]


@pytest.mark.parametrize("at", [30, -100])
def test_a_damaged_file_is_passed_over_and_not_tried_again(log, at):
    first = files_to_compress(log.folder)[0]
    flip(first, 8 * (at % first.stat().st_size))
    damaged = first.read_bytes()
    compressor = SealedCompressor(log.folder)
    for _ in range(6):
        compressor.turn()
    assert (compressor.figures().files, compressor.figures().errors) == (2, 1)
    assert first.read_bytes() == damaged


def test_another_program_that_compresses_is_waited_for(log):
    compressor = SealedCompressor(log.folder)
    with rewriting(log.folder):
        compressor.turn()
        assert len(files_to_compress(log.folder)) == 3
    compressor.turn()
    assert len(files_to_compress(log.folder)) == 2
    assert compressor.figures().errors == 0


@pytest.mark.parametrize("point", ["write", "require_same"])
def test_a_log_that_is_closed_does_not_wait_for_the_file_at_work(log, monkeypatch, point):
    compressor = SealedCompressor(log.folder)
    before = {path.name: path.read_bytes() for path in log.folder.iterdir()}
    owner = Draft if point == "write" else compressing
    real = getattr(owner, point)

    def stop_first(*args):
        compressor.stop()
        return real(*args)

    monkeypatch.setattr(owner, point, stop_first)
    compressor.turn()
    assert {path.name: path.read_bytes() for path in log.folder.iterdir()} == before
    assert compressor.figures().files == compressor.figures().errors == 0
    compressor.turn()
    assert len(files_to_compress(log.folder)) == 3


def test_an_engine_compresses_what_it_seals(tmp_path):
    folder = tmp_path / "log"
    options = pricecore.LogOptions(folder, rotate_bytes=65_536, compress=True)
    with pricecore.PriceEngine(log=options) as engine:
        assert engine.log.stats().compression == (0, 0, 0, pytest.approx(math.nan, nan_ok=True), 0.0, 0)
        for k in range(6_000):
            engine.update("TEST:SYMBOL", 100.0 + k % 7)
            if k % 500 == 499:
                assert engine.log.wait_durable(None, PATIENCE_S)
        sealed = len(list(folder.glob("*.log"))) - 1
        until(lambda: engine.log.stats().compression.files >= sealed)
        assert files_to_compress(folder) == []
        figures = engine.log.stats().compression
        assert figures.files == sealed >= 3
        assert figures.ratio > 5
    assert next(iter(EventLog.open(folder)))["sequence"][0] == 1
    assert sum(map(len, EventLog.open(folder))) == 6_001
    with pricecore.PriceEngine(log=options) as engine:
        assert engine.price("TEST:SYMBOL") == 100.0 + 5_999 % 7


def test_what_an_earlier_writer_left_is_compressed(log):
    with pricecore.PriceEngine(log=pricecore.LogOptions(log.folder, compress=True)):
        until(lambda: not files_to_compress(log.folder))
    assert compress_log(log.folder).compressed_before >= 3


def test_a_log_that_is_not_to_be_compressed_has_no_figures_of_it(tmp_path):
    with pricecore.PriceEngine(log=tmp_path / "log") as engine:
        assert engine.log.stats().compression is None
        assert engine.log.stats().as_dict()["compression"] is None


def test_without_zstd_the_option_is_refused_at_once(tmp_path, monkeypatch):
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    zstd.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match=r"pricecore\[zstd\]"):
            pricecore.LogOptions(tmp_path / "log", compress=True)
        pricecore.LogOptions(tmp_path / "log")
    finally:
        zstd.cache_clear()
