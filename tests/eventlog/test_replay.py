"""A log played into an engine, and asked what prices were: the past comes back as it was."""

import logging
import math
import signal
import time
from datetime import UTC, datetime

import numpy as np
import pytest
from helpers.recorded import QUOTE, day, stream, taken
from helpers.threads import tries
from models.log_model import START_NS, LogModel

from pricecore import EventLog, PriceEngine
from pricecore.errors import LogCorruptError
from pricecore.eventlog.options import LogOptions
from pricecore.eventlog.state import State

NAMES = [f"VENUE:{i}" for i in range(40)]
MILLISECOND_NS = 1_000_000


@pytest.fixture(autouse=True)
def _warnings(caplog):
    caplog.set_level(logging.WARNING, "pricecore")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A log of several files with snapshots, its records, and the snapshot of the engine that wrote it."""
    folder = tmp_path_factory.mktemp("log")
    with PriceEngine(log=LogOptions(folder, rotate_bytes=100_000)) as engine:
        parts = []
        for seed in range(3):
            parts.append(day(engine, NAMES, 1_000, seed))
            engine.log.snapshot()
        parts.append(day(engine, NAMES, 500, 9))
        return folder, stream(*parts), engine.snapshot()


@pytest.fixture
def log(recorded):
    with EventLog.open(recorded[0]) as log:
        yield log


@pytest.fixture
def engine():
    with PriceEngine() as engine:
        yield engine


def test_empty_engine_becomes_the_one_that_wrote_the_log(log, recorded, engine):
    _, records, snapshot = recorded
    assert len(list(recorded[0].glob("*.log"))) > 2
    report = log.replay(into=engine)
    assert (engine.snapshot().tobytes(), engine.symbols()) == (snapshot.tobytes(), log.symbols())
    assert engine.metrics().ring.sequence == len(records)
    assert report[:5] == (len(records), int((records["kind"] <= QUOTE).sum()), 1, len(records), True)
    assert report.recorded_s > 0
    assert report.wall_s > 0


def test_two_replays_give_the_same_snapshot_bit_for_bit(log, engine):
    with PriceEngine(ring_capacity=1024, max_symbols=1024) as other:
        log.replay(into=engine)
        log.replay(into=other)
        assert engine.snapshot().tobytes() == other.snapshot().tobytes()


@pytest.mark.parametrize("start", [1, 2, 40, 41, 1_000, 2_040, 2_041, 2_042, 5_000])
def test_replay_from_the_middle_begins_with_the_prices_as_they_were_there(log, recorded, engine, start):
    _, records, snapshot = recorded
    before, seen = State(), []
    before.apply(records[: start - 1])

    def look(block):
        if not seen:
            assert block["sequence"][0] == start
            behind = State()
            behind.apply(records[: int(block["sequence"][-1])])
            assert engine.snapshot().tobytes() == behind.prices().tobytes()
        seen.append(len(block))

    report = log.replay(into=engine, start=start, on_block=look)
    assert engine.snapshot().tobytes() == snapshot.tobytes()
    assert sum(seen) == report.records == len(records) - start + 1
    assert report.kept_sequence


@pytest.mark.parametrize("stop", [1, 2, 1_500, 3_000])
def test_replay_ends_before_stop(log, recorded, engine, stop):
    expected = State()
    expected.apply(recorded[1][: stop - 1])
    report = log.replay(into=engine, stop=stop)
    assert engine.snapshot().tobytes() == expected.prices().tobytes()
    assert (report.records, report.last_sequence) == (stop - 1, stop - 1)


def test_replay_of_nothing_leaves_the_state_at_its_start(log, recorded, engine):
    expected = State()
    expected.apply(recorded[1][:1_499])
    assert log.replay(into=engine, start=1_500, stop=1_500).records == 0
    assert engine.snapshot().tobytes() == expected.prices().tobytes()


def test_start_and_stop_may_be_receive_times(log, recorded, engine):
    records = recorded[1]
    updates = records[records["kind"] <= QUOTE]
    moment = int(updates["received_ns"][2_000])
    first = int(updates["sequence"][updates["received_ns"] >= moment][0])
    report = log.replay(into=engine, start=np.datetime64(moment, "ns"))
    assert report.first_sequence == first
    assert engine.snapshot().tobytes() == recorded[2].tobytes()


def test_other_engine_learns_the_news_under_its_own_ids(log, recorded, engine):
    engine.register(["OTHER", *reversed(NAMES)])
    report = log.replay(into=engine, start=2_000)
    assert not report.kept_sequence
    order = [engine.symbol_id(name) for name in log.symbols()]
    for field in ("price", "bid", "ask_size", "timestamp_ns", "quote_timestamp_ns"):
        np.testing.assert_array_equal(engine.snapshot()[field][order], recorded[2][field])


def test_replay_into_an_engine_with_a_log_makes_the_same_log(log, recorded, tmp_path):
    with PriceEngine(log=tmp_path / "copy") as engine:
        log.replay(into=engine)
    with EventLog.open(tmp_path / "copy") as copy:
        assert stream(*copy).tobytes() == recorded[1].tobytes()


def test_replay_beside_a_consumer_gives_it_every_record(log, recorded, engine):
    with engine.consumer("audit") as audit:
        log.replay(into=engine)
        assert taken(audit).tobytes() == recorded[1].tobytes()


def test_error_of_on_block_ends_the_replay(log, engine):
    with pytest.raises(ZeroDivisionError):
        log.replay(into=engine, on_block=lambda block: 1 / 0)
    assert 0 < engine.metrics().ring.sequence < log.last_sequence


@pytest.mark.parametrize("into", [None, "engine", {}, 3])
def test_what_is_no_engine_is_refused(log, into):
    with pytest.raises(TypeError, match="PriceEngine"):
        log.replay(into=into)


@pytest.mark.parametrize(
    ("speed", "error"),
    [
        ("fast", TypeError),
        (0, ValueError),
        (-1.0, ValueError),
        (math.nan, ValueError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_speed_that_is_none_is_refused(log, engine, speed, error):
    with pytest.raises(error, match="speed"):
        log.replay(into=engine, speed=speed)


def timed(folder, steps_ns):
    """Write a log of prices 0, 1, 2, ... with these steps between their receive times."""
    model = LogModel(folder)
    symbol_id, now_ns = model.symbol("A"), START_NS
    for i, step_ns in enumerate([0, *steps_ns]):
        now_ns += step_ns
        model.price(symbol_id, float(i + 1), now_ns)
        if i % 3 == 2:
            model.write()
    model.write()
    return EventLog.open(folder)


def test_paced_replay_takes_the_recorded_time_divided_by_its_speed(tmp_path, engine):
    began_s, pieces = time.monotonic(), []
    with timed(tmp_path, [10 * MILLISECOND_NS] * 20) as log:
        report = log.replay(into=engine, speed=2, on_block=lambda block: pieces.append(block))
    assert report.wall_s >= 0.099
    assert time.monotonic() - began_s >= 0.1
    assert report.recorded_s == pytest.approx(0.2)
    assert sum(map(len, pieces)) == 22
    assert engine.price("A") == 21.0


def test_paced_replay_comes_in_pieces(tmp_path):
    """Where the machine has no time for it, what is due by then comes as one."""
    with timed(tmp_path, [10 * MILLISECOND_NS] * 20) as log:
        for _ in tries():
            pieces = []
            with PriceEngine(max_symbols=1024) as engine:
                log.replay(into=engine, speed=2, on_block=pieces.append)
            if len(pieces) > 3:
                return
    pytest.fail("it came as one, again and again")


def test_realtime_is_the_speed_of_the_recording(tmp_path, engine):
    with timed(tmp_path, [20 * MILLISECOND_NS] * 4) as log:
        assert log.replay(into=engine, speed="realtime").wall_s >= 0.079


def test_step_of_more_than_an_hour_is_passed_over_and_time_that_runs_back_waits_for_nothing(tmp_path, engine):
    hour_ns = 3_600_000 * MILLISECOND_NS
    steps = [MILLISECOND_NS, 2 * hour_ns, 30 * MILLISECOND_NS, -hour_ns, hour_ns, 100 * hour_ns, 30 * MILLISECOND_NS]
    with timed(tmp_path, steps) as log:
        report = log.replay(into=engine, speed="realtime")
    assert 0.06 <= report.wall_s < 20
    assert engine.price("A") == len(steps) + 1


def test_record_that_was_received_before_the_one_in_front_of_it_is_due_with_that(tmp_path, engine):
    model, pieces, steps_ms = LogModel(tmp_path), [], (0, 40, 20, 0, 60, 10, 80)
    symbol_id = model.symbol("A")
    for i, at_ms in enumerate(steps_ms):
        model.price(symbol_id, float(i + 1), START_NS + at_ms * MILLISECOND_NS)
    model.write()
    began_s = time.monotonic()  # the first block may come late
    with EventLog.open(tmp_path) as log:
        log.replay(into=engine, speed="realtime", on_block=lambda block: pieces.append((time.monotonic(), block)))
    assert [sequence for _, block in pieces for sequence in block["sequence"].tolist()] == list(range(1, 9))
    assert not {4, 5, 7} & {int(block["sequence"][0]) for _, block in pieces}
    for at_s, block in pieces[1:]:
        assert at_s - began_s >= (int(block["received_ns"].max()) - START_NS) / 1e9 - 0.005


def test_receive_times_at_the_edges_of_64_bits_end_a_paced_replay(tmp_path, engine):
    model = LogModel(tmp_path)
    symbol_id = model.symbol("A")
    for received_ns in (-(2**63), 0, 5, 2**63 - 1, 1, 2**63 - 1):
        model.price(symbol_id, 1.0, received_ns)
    model.write()
    with EventLog.open(tmp_path) as log:
        assert log.replay(into=engine, speed=1e6).updates == 6


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer of signals")
def test_ctrl_c_ends_a_paced_replay_between_two_pieces(tmp_path, engine):
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    with timed(tmp_path, [100 * MILLISECOND_NS] * 600) as log:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.25)
            with pytest.raises(KeyboardInterrupt):
                log.replay(into=engine, speed="realtime")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    assert 1.0 <= engine.price("A") < 600.0
    engine.update("A", 5.0)


def test_state_at_every_sequence_is_what_the_records_up_to_there_say(log, recorded):
    records = recorded[1]
    for sequence in [*range(60), *range(60, len(records), 233), len(records)]:
        expected = State()
        expected.apply(records[:sequence])
        found = log.state_at(sequence=sequence)
        assert found.prices.tobytes() == expected.prices().tobytes()
        assert (found.sequence, found.symbols, found.complete) == (sequence, expected.symbols(), True)


def test_state_at_a_time_ends_before_the_first_record_that_came_later(log, recorded):
    records = recorded[1]
    times = np.where(records["kind"] <= QUOTE, records["received_ns"], 0)
    for i in (40, 41, 1_000, 3_333, len(records) - 1):
        moment = int(times[i]) if times[i] else int(times[i - 1] or times[i + 1])
        later = np.flatnonzero(times > moment)
        end = int(later[0]) if len(later) else len(records)
        found = log.state_at(timestamp_ns=moment)
        expected = State()
        expected.apply(records[:end])
        assert (found.sequence, found.prices.tobytes()) == (end, expected.prices().tobytes())
    assert log.state_at(timestamp_ns=0).sequence == int(np.flatnonzero(times)[0])
    assert log.state_at(timestamp_ns=2**63 - 1).sequence == len(records)


def test_state_at_uses_a_snapshot_and_passes_over_a_bad_one(recorded, tmp_path, caplog):
    folder, records, snapshot = recorded
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    newest = max(tmp_path.glob("*.snapshot"))
    newest.write_bytes(newest.read_bytes()[:-64] + bytes(64 * b"x"[0] // 120))
    with EventLog.open(tmp_path) as log:
        assert log.state_at(sequence=len(records)).prices.tobytes() == snapshot.tobytes()
    assert newest.name in caplog.text


def test_state_comes_from_the_snapshot_alone_where_the_log_is_gone(tmp_path):
    """What retention removed is known by the snapshot that was kept for it."""
    with PriceEngine(log=tmp_path) as engine:
        day(engine, NAMES, 300)
        engine.log.snapshot()
        expected = engine.snapshot()
    with PriceEngine(log=LogOptions(tmp_path, rotate_bytes=65_536)) as engine:
        day(engine, NAMES, 2_000, 1)
        last = engine.snapshot()
    first, second = sorted(tmp_path.glob("*.log"))[:2]
    first.unlink()
    end = int(second.name[:20])
    with EventLog.open(tmp_path) as log, PriceEngine() as engine:
        assert log.first_sequence == end
        snapshot = min(int(path.name[:20]) for path in tmp_path.glob("*.snapshot"))
        found = log.state_at(sequence=log.last_sequence)
        assert found.complete == (snapshot >= end - 1)
        log.replay(into=engine)
        assert len(last) == len(found.prices) == len(engine.snapshot()) == len(expected)


def trimmed(folder):
    """Write a log whose first file is gone."""
    model = LogModel(folder)
    a, b = model.symbol("A"), model.symbol("B")
    model.price(a, 1.0)
    model.price(b, 2.0)
    model.write()
    model.begin()
    model.price(b, 3.0)
    model.write()
    min(folder.glob("*.log")).unlink()
    return EventLog.open(folder)


def test_trimmed_log_without_a_snapshot_knows_names_and_says_what_it_does_not_know(tmp_path, engine, caplog):
    with trimmed(tmp_path) as log:
        found = log.state_at(sequence=5)
        assert (found.symbols, found.complete) == (["A", "B"], False)
        np.testing.assert_array_equal(found.prices["price"], [math.nan, 3.0])
        report = log.replay(into=engine)
    assert (report.records, report.kept_sequence, engine.symbols()) == (1, True, ["A", "B"])
    assert engine.snapshot().tobytes() == found.prices.tobytes()
    assert "begins at sequence 5 and no snapshot leads there" in caplog.text
    engine.update("A", 1.0)
    assert engine.get("A").sequence == 6


def test_names_that_were_lost_in_a_gap_are_known_behind_it(tmp_path, engine):
    model = LogModel(tmp_path)
    model.price(model.symbol("A"), 1.0)
    model.write()
    model.gap(5, names=["B", "C"])
    model.price(2, 3.0)
    model.price(model.symbol("D"), 4.0)
    model.write()
    with EventLog.open(tmp_path) as log, PriceEngine() as other:
        other.register("X")
        assert log.state_at(sequence=10).symbols == ["A", "B", "C", "D"]
        assert log.replay(into=engine).kept_sequence
        log.replay(into=other)
        assert (engine.symbols(), engine.get("C").sequence, engine.price("D")) == (["A", "B", "C", "D"], 8, 4.0)
        assert (other.symbols(), other.price("C")) == (["X", "A", "B", "C", "D"], 3.0)
    with PriceEngine(log=tmp_path) as restarted:
        assert restarted.snapshot().tobytes() == engine.snapshot().tobytes()


def test_log_that_ends_in_a_gap_restarts_behind_it(tmp_path):
    model = LogModel(tmp_path)
    model.price(model.symbol("A"), 1.0)
    model.write()
    model.gap(5, names=["B"])
    with PriceEngine(log=tmp_path) as engine:
        engine.update("A", 2.0)
        assert (engine.get("A").sequence, engine.symbols()) == (8, ["A", "B"])


def test_record_of_a_symbol_that_nobody_introduced_is_refused(tmp_path, engine):
    model = LogModel(tmp_path)
    model.price(model.symbol("A"), 1.0)
    model.price(7, 1.0)
    model.write()
    with pytest.raises(LogCorruptError), EventLog.open(tmp_path) as log:
        log.replay(into=engine)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, TypeError, "one of the two"),
        ({"sequence": 1, "timestamp_ns": 1}, TypeError, "one of the two"),
        ({"sequence": -1}, ValueError, "this log has 1 to"),
        ({"sequence": 10**6}, ValueError, "refresh"),
        ({"sequence": 1.0}, TypeError, "sequence must be an int"),
        ({"sequence": True}, TypeError, "sequence must be an int"),
        ({"timestamp_ns": -1}, ValueError, "times are"),
        ({"timestamp_ns": 2**63}, ValueError, "times are"),
        ({"timestamp_ns": datetime(2026, 1, 1, tzinfo=UTC)}, TypeError, "timestamp_ns must be an int"),
    ],
)
def test_moment_that_is_none_is_refused(log, arguments, error, text):
    with pytest.raises(error, match=text):
        log.state_at(**arguments)
