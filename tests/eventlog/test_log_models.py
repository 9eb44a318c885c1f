"""Waiting for a log, and its end, in every interleaving; each broken twin is found."""

import pytest
from models.durable_protocol import DurableProtocol
from models.explore import Violation
from models.log_end_protocol import LogEnd


@pytest.mark.parametrize(("commits", "wanted"), [(1, (1,)), (2, (2,)), (2, (1, 2)), (1, (1, 9)), (1, (9, 1, 1))])
def test_nobody_sleeps_on_whose_record_is_durable_or_never_will_be(commits, wanted):
    assert DurableProtocol(commits, wanted).explore().ends == {commits}


@pytest.mark.parametrize(
    "twin",
    [
        "early turn",
        "early look",
        "same turn",
        "late turn",
        "end without a turn",
        "end without a wake",
        "late note",
        "never counted",
    ],
)
def test_a_broken_twin_of_waiting_is_found(twin):
    casts = [(1, (1,)), (2, (2,)), (1, (9,)), (2, (1, 9))]
    with pytest.raises(Violation):
        _ = [DurableProtocol(commits, wanted, twin).explore() for commits, wanted in casts]


@pytest.mark.parametrize(("updates", "closers"), [(0, 1), (2, 1), (3, 2), (2, 3)])
def test_a_log_ends_with_all_that_was_published_and_marked(updates, closers):
    ends = LogEnd(updates, closers).explore().ends
    assert (updates, updates) in ends
    assert len(ends) == (updates + 1) * (updates + 2) // 2, "at every moment"


@pytest.mark.parametrize("twin", ["early kick", "early stop", "no await", "late ask", "late note", "early end"])
def test_a_broken_twin_of_the_end_is_found(twin):
    with pytest.raises(Violation):
        LogEnd(2, 2, twin).explore()
