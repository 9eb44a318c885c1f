"""Numbers of a venue: gaps and repeats are counted, whatever their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricecore.feeds import binance, bybit, coinbase, kraken, okx, sequences
from pricecore.feeds.sequences import Series
from pricecore.feeds.sink import Sink

GARBAGE = 1 << 62


def counts(series):
    return series.gaps, series.missing, series.duplicates


def check_all(series, numbers, key="A"):
    for number in numbers:
        series.check(key, number)
    return counts(series)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([7, 8, 9], (0, 0, 0)),
        ([7, 9, 13], (2, 4, 0)),
        ([7, 7, 8, 8, 5], (0, 0, 3)),
        ([7, 10, 8, 11], (1, 2, 1)),
        ([0, 1], (0, 0, 0)),
    ],
)
def test_a_missing_number_is_a_gap_and_an_old_one_a_duplicate(numbers, expected):
    assert check_all(Series(), numbers) == expected


def test_numbers_that_are_not_dense_may_only_not_go_back():
    assert check_all(Series(dense=False), [7, 7, 100, 99, 100, 101]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([GARBAGE, 5, 6, 7, 8, 9], (1, 0, 2)),
        ([5, GARBAGE, 6, 7, 8, 9], (2, GARBAGE - 6, 2)),
        ([GARBAGE, 5, 6, 7, 9, 9], (2, 1, 3)),  # checked as ever on the new line
        ([90, 1, 2, 3, 91], (2, 87, 2)),
        ([90, 1, 2, 91], (0, 0, 2)),
        ([90, 1, 2, 91, 3], (0, 0, 3)),  # a number of the old line between them
        ([90, 1, 2, 90, 3], (0, 0, 4)),
        ([90, 1, 3, 5, 7, 9], (0, 0, 5)),
        ([90, 3, 2, 1, 0], (0, 0, 4)),
        ([90, 5, 5, 5, 5], (0, 0, 4)),
        ([90, 50, 1, 2, 3], (1, 0, 3)),
        ([90, 1, 2, 3, 0, 1, 2, 3], (2, 0, 4)),
    ],
)
def test_the_third_lower_number_in_a_row_begins_a_new_line(numbers, expected):
    assert check_all(Series(), numbers) == expected


def test_lower_numbers_that_are_not_dense_begin_a_new_line_when_they_rise():
    assert check_all(Series(dense=False), [900, 10, 10, 10, 9, 8]) == (0, 0, 5)
    assert check_all(Series(dense=False), [900, 10, 20, 50, 40, 60]) == (1, 0, 3)


def test_a_new_line_may_begin_with_messages_of_several_numbers():
    series = Series()
    for number, count in ((GARBAGE, 1), (3, 1), (6, 3), (8, 2), (9, 1)):
        series.check("A", number, count)
    assert counts(series) == (1, 0, 2)


def test_each_key_is_counted_by_itself():
    series = Series()
    check_all(series, [1, 2], "A")
    assert check_all(series, [50, 51], "B") == (0, 0, 0)


def test_one_message_may_stand_for_several_numbers():
    series = Series()
    series.check("A", 10)
    series.check("A", 13, 3)
    assert counts(series) == (0, 0, 0)
    series.check("A", 18, 3)
    assert counts(series) == (1, 2, 0)


def test_after_a_reset_any_number_follows_and_the_counts_stay():
    series = Series()
    check_all(series, [1, 3])
    series.reset()
    assert check_all(series, [1, 2]) == (1, 1, 0)


def test_a_flood_of_keys_takes_no_memory(monkeypatch):
    monkeypatch.setattr(sequences, "MAX_KEYS", 2)
    series = Series()
    for key in "ABCD":
        check_all(series, [1, 3], key)
    assert series.gaps == 2


def test_a_key_longer_than_any_symbol_is_not_remembered():
    assert check_all(Series(), [1, 3, 3], "A" * 49) == (0, 0, 0)
    assert check_all(Series(), [1, 3, 3], "A" * 48) == (1, 1, 1)


def test_a_number_below_zero_is_not_looked_at():
    assert check_all(Series(), [5, -1, -(2**63), 6]) == (0, 0, 0)


def test_numbers_as_far_apart_as_they_can_be_are_counted_exactly():
    series = Series()
    for number in (0, 2**63 - 1):
        series.check("A", number)
        series.check("B", number)
    assert counts(series) == (2, 2 * (2**63 - 2), 0)
    series.check("A", 2**63 - 1, -(2**63))
    assert series.duplicates == 1


@given(st.lists(st.integers(0, 20) | st.sampled_from([7, 8, 9]), max_size=40))
def test_counts_are_those_of_a_plain_reader(numbers):
    newest, gaps, missing, duplicates, lower = -1, 0, 0, 0, []
    for number in numbers:
        if 0 <= number < newest:
            lower = [*lower, number] if lower and number == lower[-1] + 1 else [number]
            if len(lower) < 3:
                duplicates += 1
                continue
            gaps += 1
        elif number == newest:
            duplicates += 1
        elif newest >= 0:
            gaps += number > newest + 1
            missing += number - newest - 1
        newest, lower = number, []
    assert check_all(Series(), numbers) == (gaps, missing, duplicates)


@pytest.mark.parametrize(
    ("venue", "template", "dense"),
    [
        (binance, '{"e":"trade","s":"A","t":%d,"p":"1","T":1723161255342}', True),
        (binance, '{"e":"aggTrade","s":"A","a":%d,"p":"1","T":1723161255342}', True),
        (coinbase, '{"type":"match","product_id":"A","trade_id":%d,"price":"1","time":""}', True),
        (coinbase, '{"channel":"heartbeats","sequence_num":%d,"events":[]}', True),
        (kraken, '{"channel":"trade","data":[{"symbol":"A","price":1,"trade_id":%d}]}', True),
        (bybit, '{"topic":"publicTrade.A","data":[{"s":"A","p":"1","seq":%d}]}', False),
        (okx, '{"arg":{"channel":"trades"},"data":[{"instId":"A","px":"1","tradeId":"%d"}]}', True),
    ],
)
def test_the_numbers_of_a_venue_are_checked_and_nothing_is_dropped(venue, template, dense):
    class Counter:
        updates = 0

        def update(self, *_):
            self.updates += 1

        update_quote = update

    engine = Counter()
    sink = Sink(engine)
    decode = venue.decoder(sink)
    prices = sum(decode((template % number).encode()) for number in (5, 6, 9, 6, 10))
    assert engine.updates == prices in (0, 5)
    totals = [sum(column) for column in zip(*map(counts, sink.series), strict=True)]
    assert totals == ([1, 2, 1] if dense else [0, 0, 1])
