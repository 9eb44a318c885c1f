"""Merging by receive time, against sorting."""

from hypothesis import given
from hypothesis import strategies as st

from pricecore.feeds.merge import merge_by_receive_time


class Incomparable:
    """A message; comparing two of them would be a mistake."""

    def __lt__(self, other):
        raise AssertionError("messages were compared")


def numbered(times):
    """Return one list of records for each list of times."""
    return [[(time, number, Incomparable()) for time in source] for number, source in enumerate(times)]


@given(st.lists(st.lists(st.integers(0, 5)).map(sorted), max_size=5))
def test_records_come_by_time_and_ties_in_the_order_of_the_sources(times):
    sources = numbered(times)
    expected = sorted((record for source in sources for record in source), key=lambda record: record[:2])
    assert list(merge_by_receive_time([iter(source) for source in sources])) == expected


@given(st.lists(st.lists(st.integers(0, 5)), max_size=5))
def test_a_source_whose_times_go_back_keeps_its_order_and_loses_nothing(times):
    sources = numbered(times)
    merged = list(merge_by_receive_time([iter(source) for source in sources]))
    assert len(merged) == sum(map(len, sources))
    for number, source in enumerate(sources):
        assert [record for record in merged if record[1] == number] == source


def test_sources_are_read_as_they_are_needed():
    def endless(number):
        time = 0
        while True:
            yield time, number, None
            time += 1

    merged = merge_by_receive_time([endless(0), endless(1)])
    assert [next(merged)[:2] for _ in range(4)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
