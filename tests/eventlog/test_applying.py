"""Records of a log into a segment: what an engine wrote comes back bit for bit, and nothing else gets in."""

import numpy as np
import pytest
from helpers.recorded import PRICE, QUOTE, VOID, day, in_pieces, name_record, quoted, ring_of, stream, trade, void
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore import PriceEngine
from pricecore.errors import LogCorruptError, SymbolTableFullError
from pricecore.eventlog.restoring import restore_segment
from pricecore.eventlog.state import State

NAMES = [f"VENUE:{i}" for i in range(40)]


@pytest.fixture
def engine():
    with PriceEngine(ring_capacity=1024) as engine:
        yield engine


def restored(records, state=None, **sizes):
    """Return an engine whose segment was restored; it goes on as any other."""
    engine = PriceEngine(ring_capacity=1024, **sizes)
    restore_segment(engine.segment, state, [records])
    return engine


def test_state_of_all_records_is_what_the_engine_holds(engine):
    records = day(engine, NAMES, 3_000)
    state = State()
    state.apply(records)
    assert state.prices().tobytes() == engine.snapshot().tobytes()
    assert state.symbols() == engine.symbols()
    assert state.sequence == engine.metrics().ring.sequence == len(records)


def test_restored_segment_is_the_engine_it_came_from_with_its_ring(engine):
    records = day(engine, NAMES, 3_000)
    assert VOID in records["kind"]
    with restored(records) as other:
        assert other.snapshot().tobytes() == engine.snapshot().tobytes()
        assert other.symbols() == engine.symbols()
        assert ring_of(other) == ring_of(engine)


def test_restored_engine_goes_on_at_the_next_sequence(engine):
    records = day(engine, NAMES, 500)
    with restored(records) as other, other.consumer("log") as consumer:
        other.update(NAMES[0], 5.0)
        other.update("VENUE:new", 6.0)
        assert consumer.read()["sequence"].tolist() == [len(records) + i for i in (1, 2, 3)]
        assert other.get(NAMES[0]).sequence == len(records) + 1


@pytest.mark.parametrize("cut", [1, 2, 3, 500, 1023, 1024, 1025, 2047, 2500])
def test_ring_has_a_record_or_void_for_every_ticket_of_the_last_lap(cut):
    names = stream(name_record(1, 0, b"A"))
    with restored(
        stream(names, *(trade(s, 0, s) for s in range(2, cut + 1)))[-700:], names if cut > 700 else None
    ) as other:
        expected = [s for s in range(cut - 1023, cut + 1) if s > 0]
        assert [s for s, _ in ring_of(other) if s] == expected
        other.update("A", 1.0)
        assert other.get("A").sequence == cut + 1


def test_end_of_the_log_counts_also_when_nothing_of_it_is_there():
    with PriceEngine(ring_capacity=1024) as engine:
        restore_segment(engine.segment, stream(name_record(1, 0, b"A"), trade(2, 0, 1.0)), [], 5_000)
        assert [s for s, _ in ring_of(engine)] == list(range(5_000 - 1023, 5_001))
        engine.update("A", 1.0)
        assert engine.get("A").sequence == 5_001
        with pytest.raises(ValueError, match="only an empty"):
            restore_segment(engine.segment, None, [])


def test_missing_records_become_void_in_the_ring():
    with restored(stream(name_record(1, 0, b"A"), trade(4, 0, 1.0), void(5), trade(9, 0, 2.0))) as other:
        kinds = dict(ring_of(other))
        assert [kinds[s] for s in range(1, 10)] == [2, VOID, VOID, PRICE, VOID, VOID, VOID, VOID, PRICE]


def test_hole_longer_than_the_ring_leaves_no_cell_of_an_older_lap():
    with restored(stream(name_record(1, 0, b"A"), trade(2, 0, 1.0), trade(1 << 50, 0, 2.0))) as other:
        assert [s for s, _ in ring_of(other)] == list(range((1 << 50) - 1023, (1 << 50) + 1))
        other.update("A", 3.0)
        assert other.get("A").sequence == (1 << 50) + 1


def test_highest_sequence_wins_whatever_the_times_say():
    late = trade(3, 0, 2.0)
    late["timestamp_ns"] = 5
    state = State()
    state.apply(stream(name_record(1, 0, b"A"), trade(2, 0, 1.0), late))
    assert state.prices()["price"].tolist() == [2.0]


AHEAD = stream(name_record(1, 0, b"A"), trade(7, 0, 7.0), quoted(8, 0, 8.0))
BEHIND = stream(trade(5, 0, 5.0), quoted(6, 0, 6.0))


def test_slot_that_is_ahead_keeps_its_record():
    with restored(BEHIND, AHEAD) as other:
        assert (other.price("A"), other.get("A").sequence, other.quote("A").bid) == (7.0, 7, 8.0)
        assert [kind for _, kind in ring_of(other)[-8:]] == [VOID, VOID, VOID, VOID, PRICE, QUOTE, VOID, VOID]
        other.update("A", 9.0)
        assert other.get("A").sequence == 9


def test_state_that_is_ahead_keeps_its_record():
    state = State()
    state.load(AHEAD, 4)
    state.apply(BEHIND)
    assert (state.sequence, state.prices()["price"].tolist(), state.prices()["bid"].tolist()) == (6, [7.0], [8.0])


HOSTILE = {
    "id that was never introduced": (trade(9, 1, 1.0), "never introduced"),
    "id far beyond the table": (trade(9, 0xFFFFFFFF, 1.0), "never introduced"),
    "quote of no symbol": (quoted(9, 7, 1.0), "never introduced"),
    "symbol that leaves an id out": (name_record(9, 2, b"B"), "not the next one"),
    "symbol again with another name": (name_record(9, 0, b"B"), "another name"),
    "symbol again, longer": (name_record(9, 0, b"AB"), "another name"),
    "name of another symbol": (name_record(9, 1, b"A"), "another symbol has"),
    "empty name": (name_record(9, 1, b""), "1 to 48"),
    "name over 48 bytes": (name_record(9, 1, b"B", 49), "1 to 48"),
    "length of 65535": (name_record(9, 1, b"B", 65535), "1 to 48"),
    "sequence of the record before": (trade(2, 0, 1.0), "not above"),
    "sequence 0": (trade(0, 0, 1.0), "not above"),
    "sequence of all bits": (trade(2**64 - 1, 0, 1.0), "not above"),
    "sequence with the bit of a slot": (trade(2**61, 0, 1.0), "not above"),
}
KINDS = {f"kind {kind}": kind for kind in (3, 4, 254, 256, 0xFFFF)}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_record_is_refused_by_its_sequence(case):
    record, reason = HOSTILE[case]
    good = stream(name_record(1, 0, b"A"), trade(2, 0, 1.0))
    for apply in (State().apply, restored):
        with pytest.raises(LogCorruptError, match=f"sequence {record['sequence'][0]:,}: .*{reason}") as caught:
            apply(stream(good, record))
        assert caught.value.offset == 2 * 64


@pytest.mark.parametrize("case", KINDS)
def test_unknown_kind_is_refused(case):
    record = trade(3, 0, 1.0)
    record["kind"] = KINDS[case]
    with pytest.raises(LogCorruptError, match="no such kind"):
        State().apply(stream(name_record(1, 0, b"A"), record))


def test_records_before_a_hostile_one_are_applied_and_nothing_of_it():
    state = State()
    with pytest.raises(LogCorruptError, match=r"day\.log: damaged at byte 128"):
        state.apply(stream(name_record(1, 0, b"A"), trade(2, 0, 1.0), trade(3, 9, 5.0)), "day.log")
    assert (state.prices()["price"].tolist(), state.sequence) == ([1.0], 2)


@settings(max_examples=400, deadline=None)
@given(st.binary(min_size=1, max_size=48))
def test_name_is_taken_exactly_when_python_decodes_it(name):
    state = State()
    try:
        expected = [name.decode()]
    except UnicodeDecodeError:
        expected = []
    if expected:
        state.apply(name_record(1, 0, name))
    else:
        with pytest.raises(LogCorruptError, match="UTF-8"):
            state.apply(name_record(1, 0, name))
    assert state.symbols() == expected


@pytest.mark.parametrize("lead", range(0x80, 0x100))
def test_every_lead_byte_is_judged_as_python_does(lead):
    tails = (b"", b"\x80", b"\x8f\xbf", b"\x90\x80", b"\x9f\xbf", b"\xa0\x80", b"\xbf\xbf", b"\xc0\x80", b"\x41\x80")
    for tail in (t + more for t in tails for more in (b"", b"\x80", b"\xbf\xbf", b"\xc0", b"A")):
        name = bytes([lead]) + tail
        try:
            name.decode()
            good = True
        except UnicodeDecodeError:
            good = False
        try:
            State().apply(name_record(1, 0, name))
            taken = True
        except LogCorruptError:
            taken = False
        assert taken == good, name


def test_name_with_a_zero_byte_comes_back_as_the_engine_takes_it(engine):
    engine.update("A\0B\0", 1.0)
    state = State()
    state.apply(stream(name_record(1, 0, b"A\0B\0")))
    assert state.symbols() == engine.symbols() == ["A\0B\0"]


def test_state_grows_with_the_symbols():
    count = 5_000
    names = [name_record(3 * i + 1, i, b"S%d" % i) for i in range(count)]
    updates = [(trade(3 * i + 2, i, 1.0 + i), quoted(3 * i + 3, i, 2.0 + i)) for i in range(count)]
    state = State()
    state.apply(stream(*(record for i in range(count) for record in (names[i], *updates[i]))))
    assert state.symbols() == [f"S{i}" for i in range(count)]
    assert state.prices()["price"].tolist() == [1.0 + i for i in range(count)]
    assert state.prices()["bid"].tolist() == [2.0 + i for i in range(count)]
    assert (state.sequence, state.records()["sequence"][-1].tolist()) == (
        3 * count,
        [3 * count - 2, 3 * count - 1, 3 * count],
    )


@pytest.mark.parametrize("portion", [64, 3_000])
def test_segment_too_small_for_the_log_says_how_many_places_it_needs(portion):
    records = stream(*(name_record(i + 1, i, b"S%d" % i) for i in range(3_000)))
    expected = pytest.raises(SymbolTableFullError, match="pass max_symbols=3000 or more")
    with PriceEngine(max_symbols=1024) as engine, expected:
        restore_segment(engine.segment, None, in_pieces(records, portion))


def test_sequence_that_cannot_be_is_refused(engine):
    with pytest.raises(ValueError, match="below"):
        restore_segment(engine.segment, None, [], 1 << 60)


def test_only_an_empty_segment_is_restored(engine):
    engine.update("A", 1.0)
    with pytest.raises(ValueError, match="only an empty segment"):
        restore_segment(engine.segment, None, [])


@pytest.mark.parametrize("records", [None, [1, 2], np.zeros(3), np.zeros((2, 2), trade(1, 0, 1.0).dtype)])
def test_what_is_no_array_of_records_is_refused(records):
    with pytest.raises(TypeError, match="RECORD_DTYPE"):
        State().apply(records)


def test_records_that_begin_within_a_word_are_taken(engine):
    records = day(engine, NAMES, 300)
    state = State()
    state.apply(np.frombuffer(b"x" + records.tobytes(), records.dtype, offset=1))
    assert state.prices().tobytes() == engine.snapshot().tobytes()


def test_records_with_strides_are_taken(engine):
    records = day(engine, NAMES, 300)
    apart = np.zeros(2 * len(records), records.dtype)
    apart[::2] = records
    state = State()
    state.apply(apart[::2])
    assert state.prices().tobytes() == engine.snapshot().tobytes()
