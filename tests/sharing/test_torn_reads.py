"""Readers in other processes beside a writer at full speed: nothing torn, nothing older than before, losses exact."""

import contextlib
from pathlib import Path

import pytest
from helpers.mapped import results_of, start_job
from helpers.native import build_native
from helpers.threads import at_once, tries
from helpers.writers import BATCHES, writer

TESTS = Path(__file__).resolve().parents[1]
READERS = 2


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The loops of mapped.pyx, compiled once for all processes that run them."""
    return build_native(TESTS / "native" / "mapped.pyx", tmp_path_factory.mktemp("native")).__file__


@pytest.fixture
def written():
    """A process that writes; it is told to end by a line."""
    with writer("md", BATCHES) as process:
        yield process


@contextlib.contextmanager
def readers(name, *arguments):
    """Two processes that run a job; they are gone at the end, whatever happens."""
    jobs = [start_job(name, *arguments) for _ in range(READERS)]
    try:
        yield jobs
    finally:
        for job in jobs:
            job.kill()
            job.wait()


def test_reader_of_the_ring_gets_every_record_whole_or_learns_of_its_loss(written):
    start, enough = 1, 250_000
    with readers("follow", start, enough) as jobs:
        for job in jobs:
            job.stdout.readline()
        written.stdin.write("end\n")
        written.stdin.flush()
        results = results_of(jobs)
        last = int(written.stdout.readline())
    for delivered, lost, next_sequence in results:
        assert next_sequence == last + 1
        assert delivered + lost == last
        assert delivered >= enough
        assert lost > 0, "the first laps were over before they began"


def test_nothing_that_a_view_reads_is_torn_or_goes_back(written):
    with readers("read_all_ways", 500_000) as jobs:
        assert results_of(jobs) == [500_000] * READERS


def check_native_reads(library, count):
    with readers("read_natively", library, count // (3 * READERS) + 1) as jobs:
        counts = [counts for result in results_of(jobs) for counts in result]
    assert sum(reads for reads, *_ in counts) >= count
    assert [bad for _, *bad in counts] == [[0, 0, 0]] * len(counts)


def test_no_native_read_is_torn_or_goes_back(written, library):
    check_native_reads(library, 3_000_000)


@pytest.mark.slow
@pytest.mark.stress
def test_no_read_of_a_hundred_million_is_torn_or_goes_back(written, library):
    check_native_reads(library, 100_000_000)


@at_once
def test_reader_that_does_not_look_again_is_caught(written, library):
    for _ in tries():
        with readers("read_natively", library, 300_000, True) as jobs:
            if any(torn for counts in results_of(jobs) for _, torn, *_ in counts):
                return
    pytest.fail("nobody noticed")
