"""verify names every damage and changes nothing; repair cuts it out, keeps the rest and says what was lost."""

import numpy as np
import pytest
from models.log_model import RECORD, LogModel, cut, fix_checksums, flip, put, zero_page

from pricecore import EventLog, LogCorruptError, LogNotFoundError, LogReadOnlyError, PriceEngine
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.lock import lock_log
from pricecore.eventlog.log_index import index_path, write_index
from pricecore.eventlog.repairing import repair
from pricecore.eventlog.salvaging import Part
from pricecore.eventlog.verifying import verify


@pytest.fixture
def model(tmp_path) -> LogModel:
    """Three files of six blocks of two records; the third block of each brings a symbol."""
    model = LogModel(tmp_path / "log")
    for k in range(3):
        if k:
            model.begin()
        for block in range(6):
            if block == 2:
                model.symbol(f"S{k}")
            while len(model.staged) < 2:
                if model.symbols:
                    model.price(len(model.symbols) - 1, 1.0 + k)
                else:
                    model.void()
            model.write(b"block %d" % block if block == 3 else b"")
    return model


def path_of(model: LogModel, first: int):
    return model.folder / file_name(first, "log")


def bytes_of(model: LogModel) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in model.folder.iterdir()}


def block_at(model: LogModel, first: int, k: int) -> tuple[int, int]:
    """Return where block k of a file begins and ends: the blocks of this log differ by positions only."""
    path = path_of(model, first)
    part = Part(path, first)
    found = list(part.blocks())[k]
    part.close()
    return found.offset, found.offset + found.size_bytes


def sequences(model: LogModel) -> list[int]:
    with EventLog.open(model.folder) as log:
        return [int(sequence) for block in log for sequence in block["sequence"]]


def records_are_those_written(model: LogModel) -> None:
    written = {RECORD.unpack(record)[0]: record for record in model.records}
    with EventLog.open(model.folder) as log:
        for block in log:
            for record in block:
                assert record.tobytes() == written[int(record["sequence"])]


def test_a_good_log_is_good_and_counted(model):
    before = bytes_of(model)
    report = verify(model.folder)
    assert report.ok
    assert (report.files, report.blocks, report.records, report.symbols) == (3, 18, 36, 3)
    assert (report.first_sequence, report.last_sequence, report.gaps, report.torn) == (1, 36, (), None)
    assert report.size_bytes == sum(map(len, before.values()))
    assert bytes_of(model) == before


def test_progress_goes_up_to_the_size_of_all_files(model):
    seen: list[tuple[int, int]] = []
    report = verify(model.folder, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (report.size_bytes, report.size_bytes)


def test_every_flipped_bit_of_a_sealed_file_is_found(model):
    path = path_of(model, 13)
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 23):
        flip(path, bit)
        found = verify(model.folder).damages
        assert found, bit
        assert found[0].file == str(path)
        assert found[0].offset <= bit // 8
        path.write_bytes(whole)


def test_damages_of_several_files_are_all_found(model):
    flip(path_of(model, 1), 8 * 300)
    flip(path_of(model, 13), 8 * 400)
    assert [damage.file for damage in verify(model.folder).damages] == [
        str(path_of(model, 1)),
        str(path_of(model, 13)),
    ]


def test_a_torn_tail_is_no_damage(model):
    cut(model.path, model.path.stat().st_size - 1)
    report = verify(model.folder)
    assert report.ok
    assert report.torn.records == 2
    assert repair(model.folder).damages == ()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda model: path_of(model, 13).unlink(), "a file between them is missing"),
        (lambda model: put(path_of(model, 13), 16, b"X"), "another log"),
        (lambda model: put(path_of(model, 13), 48, b"\x00"), "generation 0 behind 1"),
    ],
)
def test_files_that_do_not_belong_together_are_found(model, spoil, reason):
    spoil(model)
    for path in model.folder.glob("*13.log"):
        fix_checksums(path)
    assert any(reason in damage.reason for damage in verify(model.folder).damages)


def test_a_head_that_does_not_say_what_the_records_before_said_is_found(tmp_path):
    model = LogModel(tmp_path / "log")
    model.symbol("A")
    model.write(b"here")
    model.position = b"there"
    model.begin()
    assert ["source position" in damage.reason for damage in verify(model.folder).damages] == [True]
    model.position, model.symbols = b"here", [model.symbols[0].replace(b"A", b"B")]
    model.begin()
    assert ["symbols" in damage.reason for damage in verify(model.folder).damages] == [True]


def test_an_index_that_does_not_fit_is_noted(model):
    index = write_index(path_of(model, 1))
    assert verify(model.folder).notes == ()
    cut(index, 40)
    assert "does not fit" in verify(model.folder).notes[0]
    assert verify(model.folder).ok


def test_a_good_log_is_not_repaired(model):
    before = bytes_of(model)
    report = repair(model.folder)
    assert (report.damages, report.lost, report.kept, report.records) == ((), (), (), 36)
    assert bytes_of(model) == before


@pytest.mark.parametrize("first", [1, 13])
@pytest.mark.parametrize("k", range(6))
def test_a_damaged_block_is_all_that_a_repair_loses(model, first, k):
    flip(path_of(model, first), 8 * (block_at(model, first, k)[0] + 70))
    report = repair(model.folder)
    lost = [first + 2 * k, first + 2 * k + 1]
    assert [(gap.first_sequence, gap.last_sequence) for gap in report.lost] == [tuple(lost)]
    assert (report.records, report.records_lost, report.remaining) == (34, 2, ())
    assert sequences(model) == [sequence for sequence in range(1, 37) if sequence not in lost]
    records_are_those_written(model)
    assert [gap.reason for gap in EventLog.open(model.folder).gaps] == ["damaged"]
    assert verify(model.folder).ok
    assert verify(model.folder).symbols == 3


def test_what_was_cut_is_kept_byte_for_byte(model):
    path = path_of(model, 13)
    flip(path, 8 * 700)
    spoilt = path.read_bytes()
    (kept,) = repair(model.folder).kept
    assert kept == f"{path}.damaged"
    assert (model.folder / kept).read_bytes() == spoilt
    flip(path, 8 * 300)
    assert repair(model.folder).kept == (f"{path}.1.damaged",)


def test_a_second_repair_finds_nothing_to_do(model):
    flip(path_of(model, 13), 8 * 700)
    repair(model.folder)
    before = bytes_of(model)
    assert repair(model.folder).damages == ()
    assert bytes_of(model) == before


@pytest.mark.slow
def test_every_flipped_bit_is_repaired(model):
    """Of every byte one: no wrong record, no crash, the loss exactly reported."""
    good = bytes_of(model)
    path = path_of(model, 13)
    for bit in range(0, 8 * len(good[path.name]), 29):
        flip(path, bit)
        report = repair(model.folder)
        assert report.remaining == ()
        lost = {s for gap in report.lost for s in range(gap.first_sequence, gap.last_sequence + 1)}
        found = sequences(model)
        assert sorted({*found, *lost}) == list(range(1, 37))
        assert len(found) + len(lost) == 36
        assert len(lost) <= 2
        records_are_those_written(model)
        restore(model, good)


def restore(model: LogModel, good: dict[str, bytes]) -> None:
    for path in model.folder.iterdir():
        path.unlink()
    for name, data in good.items():
        (model.folder / name).write_bytes(data)


def test_a_missing_file_becomes_a_gap_with_the_names_it_had(model):
    path_of(model, 13).unlink()
    report = repair(model.folder)
    assert (report.lost, report.records) == (((13, 24, "damaged"),), 24)
    with EventLog.open(model.folder) as log:
        assert log.symbols() == ["S0", "S1", "S2"]


def test_a_file_of_another_log_is_put_aside(model, tmp_path):
    other = LogModel(tmp_path / "other", first_sequence=13, log_id=b"another log file")
    path_of(model, 13).write_bytes(other.path.read_bytes())
    report = repair(model.folder)
    assert report.lost == ((13, 24, "damaged"),)
    assert report.kept == (f"{path_of(model, 13)}.damaged",)


def test_a_lost_head_is_made_from_what_the_other_files_know(model):
    put(path_of(model, 13), 0, bytes(128))
    report = repair(model.folder)
    assert (report.lost, report.records, report.remaining) == ((), 36, ())
    records_are_those_written(model)


def test_damage_in_the_last_file_costs_what_has_lost_its_names(model):
    """The SYMBOL record itself is lost, and no later file knows the name: updates of it cannot be kept."""
    model.price(2, 1.0)
    model.write(synced=36)
    flip(model.path, 8 * (block_at(model, 25, 2)[0] + 70))
    with pytest.raises(LogCorruptError):
        EventLog.open(model.folder)
    report = repair(model.folder)
    assert report.remaining == ()
    assert sequences(model)[-1] == 28
    assert report.lost == ((29, 37, "damaged"),)
    records_are_those_written(model)


def test_a_lost_name_costs_all_that_comes_behind_it_in_the_last_file(model):
    """Later names are there, but ids are dense: without the lost one no head can be made for what follows."""
    begin = len(model.records)
    for k in range(3):
        model.symbol(f"LATE{k}")
        model.price(3 + k, 1.0)
        model.write()
    model.price(0, 1.0)
    model.write(synced=model.next_sequence - 2)
    flip(model.path, 8 * (model.blocks[6][0] + 70))
    report = repair(model.folder)
    assert report.remaining == ()
    assert sequences(model) == list(range(1, begin + 1))
    assert report.lost == ((begin + 1, len(model.records), "damaged"),)
    assert "LATE1" not in EventLog.open(model.folder).symbols()


def test_damage_in_the_last_file_costs_one_block_where_no_name_is_lost(model):
    model.price(2, 1.0)
    model.write(synced=36)
    flip(model.path, 8 * (block_at(model, 25, 4)[0] + 70))
    assert repair(model.folder).lost == ((33, 34, "damaged"),)
    assert sequences(model)[-1] == 37


def test_pages_of_zeros_all_over_a_log_are_cut_out(tmp_path):
    model = LogModel(tmp_path / "log")
    for k in range(3):
        if k:
            model.begin()
        model.fill(blocks=150, records=3)
    rng = np.random.default_rng(3)
    for path in sorted(model.folder.glob("*.log"))[:2]:
        for page in rng.integers(0, path.stat().st_size // 4096, 4):
            zero_page(path, int(page))
    report = repair(model.folder)
    lost = {s for gap in report.lost for s in range(gap.first_sequence, gap.last_sequence + 1)}
    assert report.remaining == ()
    assert sorted([*lost, *sequences(model)]) == list(range(1, model.next_sequence))
    assert len(lost) < 8 * 16 * 3
    records_are_those_written(model)


def test_a_log_that_is_written_is_not_repaired(model):
    flip(path_of(model, 13), 8 * 700)
    before = bytes_of(model)
    lock = lock_log(model.folder)
    try:
        with pytest.raises(LogReadOnlyError):
            repair(model.folder)
    finally:
        lock.close()
    assert {name: data for name, data in bytes_of(model).items() if name != "lock"} == before


def test_a_log_without_a_single_good_head_is_left_as_it_is(model):
    for first in (1, 13, 25):
        put(path_of(model, first), 0, bytes(128))
    before = bytes_of(model)
    with pytest.raises(LogCorruptError, match="no file of this log has a good head"):
        repair(model.folder)
    assert {name: data for name, data in bytes_of(model).items() if name != "lock"} == before


def test_a_file_of_a_later_version_is_left_as_it_is(model):
    put(path_of(model, 13), 8, b"\x02")
    fix_checksums(path_of(model, 13))
    before = bytes_of(model)
    with pytest.raises(LogCorruptError, match="version 2"):
        repair(model.folder)
    assert {name: data for name, data in bytes_of(model).items() if name != "lock"} == before


def test_no_log_is_no_log(tmp_path):
    for call in (verify, repair):
        with pytest.raises(LogNotFoundError):
            call(tmp_path)


@pytest.mark.parametrize("cut_at", [128, 128 + 128, -128])
def test_sequences_that_a_snapshot_knows_are_not_given_out_again(tmp_path, cut_at):
    """The end of the log is lost, a snapshot is not: prices come back, and new records come behind it."""
    folder = tmp_path / "log"
    with PriceEngine(log=folder) as engine:
        for k in range(100):
            engine.update("A", 1.0 + k)
        assert engine.log.wait_durable(timeout_s=10.0)
        engine.log.snapshot()
    (path,) = folder.glob("*.log")
    whole = path.read_bytes()
    path.write_bytes(whole[:cut_at] + bytes(len(whole[cut_at:])))
    assert ["the log ends" in damage.reason for damage in verify(folder).damages] == [True]
    report = repair(folder)
    assert report.remaining == ()
    assert report.lost[-1].last_sequence == 101
    with PriceEngine(log=folder) as engine:
        assert engine.price("A") == 100.0
        engine.update("A", 7.0)
        assert engine.get("A").sequence == 102


def test_an_engine_goes_on_with_a_repaired_log(tmp_path):
    folder = tmp_path / "log"
    with PriceEngine(log=folder) as engine:
        for k in range(100):
            engine.update(f"S{k % 5}", 1.0 + k)
    with PriceEngine(log=folder) as engine:
        engine.update("S1", 500.0)
    first = min(folder.glob("*.log"))
    flip(first, 8 * (first.stat().st_size - 500))
    for snapshot in folder.glob("*.snapshot"):
        snapshot.unlink()
    assert repair(folder).remaining == ()
    with PriceEngine(log=folder) as engine:
        assert engine.price("S1") == 500.0
        engine.update("S2", 7.0)
    with EventLog.open(folder) as log:
        assert next(reversed(list(log.updates("S2"))))["price"][-1] == 7.0
    assert verify(folder).ok
    assert not index_path(str(first)).exists() or verify(folder).notes == ()
