"""The audit finds what a log lost, and what it acknowledged and lost; and nothing else."""

import numpy as np
import pytest
from helpers.recorded import trade
from soak.audit import Audit
from soak.chunks import CHUNK, Chunks

LAST = 3 * CHUNK


def records(first, last):
    """Return records with these sequences."""
    found = trade(1, 0, 1.0).repeat(last - first + 1)
    found["sequence"] = np.arange(first, last + 1)
    found["price"] = found["sequence"] % 97 + 1
    return found


def chunks(*parts):
    taken = Chunks()
    for part in parts:
        taken.add(part)
    taken.flush()
    return taken.take()


def audited(logged, gaps=(), durable=LAST):
    """Return what is wrong with this log, of which all up to `durable` was acknowledged."""
    audit = Audit()
    audit.acknowledged(1, durable)
    audit.published(chunks(records(1, LAST)))
    audit.logged(logged, gaps)
    return audit.judge()


def test_a_log_that_has_everything_is_good():
    assert audited(chunks(records(1, LAST))) == []


@pytest.mark.parametrize("size", [1_000, 4_095, 4_096, 4_097])
def test_the_pieces_in_which_records_come_do_not_matter(size):
    whole = records(1, LAST)
    assert chunks(*(whole[at : at + size] for at in range(0, LAST, size))) == chunks(whole)


def test_other_bytes_than_were_published_are_found():
    wrong = records(1, LAST)
    wrong["price"][CHUNK + 7] += 1e-9
    assert audited(chunks(wrong)) == ["chunk 1: the log gives back other bytes than were published"]


@pytest.mark.parametrize("missing", [(CHUNK + 10, CHUNK + 10), (CHUNK + 1, 2 * CHUNK), (CHUNK - 5, 2 * CHUNK + 5)])
def test_records_that_are_missing_without_a_gap_are_found(missing):
    first, last = missing
    assert "gaps tell of 0" in audited(chunks(records(1, first - 1), records(last + 1, LAST)))[0]


def test_a_gap_behind_all_that_was_acknowledged_is_no_loss():
    first, last = CHUNK + 100, 2 * CHUNK + 50
    logged = chunks(records(1, first - 1), records(last + 1, LAST))
    audit = Audit()
    audit.acknowledged(1, first - 1)  # then the disk was full
    audit.acknowledged(last + 1, LAST)
    audit.published(chunks(records(1, LAST)))
    audit.logged(logged, [[first, last, "never_logged"]])
    assert audit.judge() == []
    assert audit.with_gaps == 2


def test_a_gap_in_what_was_acknowledged_is_a_loss():
    first, last = CHUNK + 100, 2 * CHUNK + 50
    logged = chunks(records(1, first - 1), records(last + 1, LAST))
    wrong = audited(logged, [[first, last, "never_logged"]], durable=first)
    assert len(wrong) == 1
    assert "was acknowledged" in wrong[0]


def test_a_gap_that_is_one_record_too_short_is_found():
    logged = chunks(records(1, CHUNK + 99), records(CHUNK + 120, LAST))
    audit = Audit()
    audit.acknowledged(1, CHUNK + 99)
    audit.acknowledged(CHUNK + 120, LAST)
    audit.published(chunks(records(1, LAST)))
    audit.logged(logged, [[CHUNK + 100, CHUNK + 118, "never_logged"]])
    assert audit.judge() == ["chunk 1: 20 records are missing, gaps tell of 19"]


def test_files_that_were_removed_before_they_were_read_are_told():
    logged = chunks(records(CHUNK + 1, LAST))
    assert any("cannot keep up" in wrong for wrong in audited(logged, [[1, CHUNK, "removed"]], durable=0))


def test_what_was_not_acknowledged_may_be_missing_at_the_end():
    assert audited(chunks(records(1, 2 * CHUNK)), durable=2 * CHUNK + 100) == []


def test_a_log_that_has_what_was_never_published_is_found():
    audit = Audit()
    audit.published(chunks(records(CHUNK + 1, LAST)))
    audit.logged(chunks(records(1, LAST)), [])
    assert audit.judge() == ["chunk 0 of the log was never published"]


def test_a_stream_that_goes_back_is_refused():
    taken = Chunks()
    taken.add(records(1, 10))
    with pytest.raises(ValueError, match="10 records from 5 to 14 behind 10: not one stream"):
        taken.add(records(5, 14))
    taken.add(records(20, 30))
    assert list(taken.holes) == [(11, 19)]
