"""The slot protocol, checked over every interleaving of a few threads, and proof that the checker finds mistakes.

Times in the configurations: a batch at 15 comes too late after a single update at 20, and in time after one at 10.
"""

import pytest
from models import slot_twins as twins
from models.explore import Explorer, Violation
from models.slot_memory import Record
from models.slot_protocol import SlotProtocol, Successor
from models.slot_readers import RingReader, SlotReader
from models.slot_writers import BatchWriter, SingleWriter


def test_the_explorer_finds_a_lost_update_by_a_shortest_way():
    """Two threads load, then store what they loaded plus one; a state is the counter and what each has loaded."""

    def successors(state):
        total, loaded = state
        for i, value in enumerate(loaded):
            if value is None:
                yield f"load{i}", lambda i=i: (total, (*loaded[:i], total, *loaded[i + 1 :]))
            elif value != "done":
                yield f"store{i}", lambda i=i, value=value: (value + 1, (*loaded[:i], "done", *loaded[i + 1 :]))

    def check_end(state):
        total, loaded = state
        if loaded == ("done", "done") and total != 2:
            raise Violation(f"counted {total}")

    with pytest.raises(Violation, match=r"counted 1\n  load0\n  load1\n  store0\n  store1\n  end"):
        Explorer((0, (None, None)), successors, check_end).run()


def published_as(explored) -> set[str]:
    """Return every order of updates in which an exploration ended, `-` for VOID."""
    return {" ".join(record.update or "-" for record in end) for end in explored.ends}


def test_three_writers_and_a_reader_keep_every_promise():
    explored = SlotProtocol(
        BatchWriter("batch", 15, 15), SingleWriter("late", 10), SingleWriter("early", 20), SlotReader("reader")
    ).explore()
    assert explored.states > 100_000
    assert published_as(explored) == {
        "batch0 batch1 early0",  # late is refused, as in the last; stored between the rows, early passes the second
        "late0 batch0 batch1 early0",
        "late0 early0 - -",
        "early0 - -",
    }


def test_one_thread_alone_refuses_exactly_what_is_older():
    explored = SlotProtocol(SingleWriter("writer", 10, 30, 20, 30, 40)).explore()
    assert published_as(explored) == {"writer0 writer1 writer3 writer4"}


def test_of_a_batch_row_and_an_update_the_higher_sequence_ends_in_the_slot():
    explored = SlotProtocol(BatchWriter("batch", 20), SingleWriter("single", 10)).explore()
    assert Record(2, 10, "single0") in {end[-1] for end in explored.ends}


def test_a_kill_anywhere_leaves_what_repair_makes_whole_under_a_reading_reader():
    explored = SlotProtocol(
        BatchWriter("batch", 15, 15), SingleWriter("single", 15), SlotReader("reader"), Successor("next", 15), kills=2
    ).explore()
    assert {"next0", "- - next0", "single0 - - next0"} <= published_as(explored)


def test_a_ring_reader_takes_whole_records_or_learns_of_its_loss():
    SlotProtocol(
        BatchWriter("batch", 15, 15, ring_is_read=True),
        SingleWriter("single", 20, ring_is_read=True),
        RingReader("ring", 1),
    ).explore()


def test_a_ring_reader_lives_through_a_kill_and_the_repair():
    SlotProtocol(
        SingleWriter("a", 15, 15, ring_is_read=True),
        SingleWriter("b", 15, ring_is_read=True),
        RingReader("ring", 1),
        Successor("next", 15, ring_is_read=True),
        kills=1,
    ).explore()


@pytest.mark.slow
def test_three_kills_while_one_read_lasts():
    SlotProtocol(SingleWriter("writer", 1, 1, 1), SlotReader("reader"), Successor("next", 1, 1), kills=3).explore()


def test_two_batches_never_wait_for_each_other():
    SlotProtocol(BatchWriter("a", 15, 15), BatchWriter("b", 15, 20), SingleWriter("c", 20)).explore()


@pytest.mark.slow
def test_two_batches_a_writer_and_a_reader():
    SlotProtocol(BatchWriter("a", 15, 15), BatchWriter("b", 20), SingleWriter("c", 15), SlotReader("reader")).explore()


def three_updates_read(writer=SingleWriter, reader=SlotReader):
    return SlotProtocol(writer("w", 1, 1, 1), reader("reader"))


def two_writers_read(writer):
    return SlotProtocol(writer("a", 1), writer("b", 1, 1), SlotReader("reader"))


def two_batches(batch):
    return SlotProtocol(batch("a", 1, 1), batch("b", 1, 1))


def batch_and_single(batch=BatchWriter, single=SingleWriter, batch_time=1):
    return SlotProtocol(batch("batch", batch_time, batch_time), single("single", 1))


def killed(writer=SingleWriter, successor=Successor, kills=1):
    return SlotProtocol(
        writer("writer", 1, 1, 1), SlotReader("reader"), successor("next", 1, 1), capacity=4, kills=kills
    )


def twin_of(protocol) -> str:
    return next(type(p).__name__ for p in protocol.programs if type(p).__module__ == twins.__name__)


def ring_read(writer=SingleWriter, reader=RingReader):
    return SlotProtocol(writer("writer", 1, 1, 1, ring_is_read=True), reader("ring", 1))


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        (two_writers_read(twins.WriterThatIgnoresHeld), "torn record accepted"),
        (three_updates_read(twins.WriterThatTakesTheNewerCopy), "a read waits for a writer"),
        (two_writers_read(twins.WriterWithoutCompareAndSwap), "older than"),
        (two_writers_read(twins.WriterWithoutReleaseFence), "torn record accepted"),
        (batch_and_single(single=twins.WriterThatWaitsForTheLapWithTheSlotHeld), "deadlock"),
        (batch_and_single(single=twins.WriterThatOverwritesTheLap), "unpublished lap"),
        (killed(twins.WriterThatPublishesBeforeItStores), "the slot ends with"),
        (killed(twins.WriterThatFreesBeforeItPublishes), "the slot ends with"),
        (batch_and_single(twins.BatchThatStoresWithoutALookAtTheSequence), "sequence 2 stored after 3"),
        (batch_and_single(twins.BatchThatForgetsTheVoid, batch_time=0), "3 tickets, published"),
        (two_batches(twins.BatchThatWaitsForItsCellWithTheSlotHeld), "deadlock"),
        (three_updates_read(reader=twins.ReaderWithoutRecheck), "torn record accepted"),
        (three_updates_read(reader=twins.ReaderWithoutAcquireFence), "torn record accepted"),
        (three_updates_read(reader=twins.ReaderThatIgnoresWriting), "torn record accepted"),
        (three_updates_read(reader=twins.ReaderThatWaitsForTheWriter), "a read waits for a writer"),
        (three_updates_read(reader=twins.ReaderThatSeesNothingInPassing), "older than"),
        (ring_read(reader=twins.RingReaderThatIgnoresTheLap), "torn record taken from the ring"),
        (killed(successor=twins.RepairWithoutVoid), "tickets, published"),
        (killed(successor=twins.RepairThatVoidsHeldRecords), "the slot ends with"),
        (killed(successor=twins.RepairThatLeavesTornCopies), "torn record accepted"),
        (killed(successor=twins.RepairThatEmptiesToZero, kills=2), "older than"),
        (killed(successor=twins.RepairThatCopiesTheIntactRecord, kills=2), "a read repeats"),
    ],
    ids=lambda value: "" if isinstance(value, str) else twin_of(value),
)
def test_a_broken_twin_is_caught(broken, finding):
    with pytest.raises(Violation, match=finding):
        broken.explore()
