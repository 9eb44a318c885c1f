"""Syncs that hang or fail: the log never says that something is on the disk which is not, and never tries again.

Each runs in an interpreter of its own, on a disk that does what the test says (tests/native/odd_disk.c).
"""

import pytest
from helpers.odd_disk import build_odd_disk, on_odd_disk

START = """
def options(**more):
    return LogOptions(folder, snapshot_records=None, commit_interval_s=0.0001, **more)

def write_files(engine, count):
    # As many sealed files as that.
    engine.register("A")
    for k in range(count):
        before = len(files_of(folder))
        n = 0
        while len(files_of(folder)) == before:
            for _ in range(200):
                n += 1
                engine.update("A", 1.0 + n)
            engine.log.wait_durable()

engine = PriceEngine(log=options(rotate_bytes=65_536, durability=DURABILITY))
first = files_of(folder)[0]
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_odd_disk(tmp_path_factory.mktemp("odd"))


@pytest.fixture
def run(library, tmp_path):
    def run(code, durability="os"):
        return on_odd_disk(library, f"DURABILITY = {durability!r}\n" + START + code, tmp_path / "log").split()

    return run


def test_nothing_is_called_synced_while_the_keeper_is_stuck_at_the_first_file(run):
    """More files than may wait for the keeper: the log's thread syncs those behind by itself, and says nothing."""
    out = run("""
hold(first, True)
write_files(engine, 22)
until(lambda: waiting(first), "the keeper")
assert any(syncs(path) for path in files_of(folder)[1:]), "no file was synced behind the first"
print(engine.log.synced_sequence, max(said for _, said in claimed(folder)), truly_synced(folder))
hold(first, False)
last = engine.log.written_sequence
until(lambda: engine.log.synced_sequence > 1_000 * 16, "the sync")
engine.update("A", 5.0)
assert engine.log.synced_sequence <= truly_synced(folder)
engine.close()
print(engine.log.synced_sequence == engine.log.written_sequence == truly_synced(folder))
""")
    assert out == ["0", "0", "0", "True"]


def test_a_snapshot_is_not_written_before_the_sealed_files_are_on_the_disk(run):
    out = run("""
hold(first, True)
write_files(engine, 3)
until(lambda: waiting(first), "the keeper")
thread = threading.Thread(target=engine.log.snapshot)
thread.start()
time.sleep(0.3)
print(engine.log.synced_sequence, len(files_of(folder, "snapshot")), thread.is_alive())
hold(first, False)
thread.join(60)
print(len(files_of(folder, "snapshot")), engine.log.synced_sequence <= truly_synced(folder))
engine.close()
""")
    assert out == ["0", "0", "True", "1", "True"]


def test_close_beside_a_snapshot_that_waits_for_the_disk_ends_when_the_disk_does(run):
    out = run("""
hold(first, True)
write_files(engine, 2)
until(lambda: waiting(first), "the keeper")
errors = []
def snapshot():
    try:
        engine.log.snapshot()
    except EngineClosedError as error:
        errors.append(error)
threads = [threading.Thread(target=target) for target in (snapshot, engine.close, engine.close)]
for thread in threads:
    thread.start()
    time.sleep(0.1)
hold(first, False)
for thread in threads:
    thread.join(60)
print(len(errors), len(files_of(folder, "snapshot")), engine.log.synced_sequence == truly_synced(folder))
PriceEngine(log=options()).close()
""")
    assert out == ["1", "0", "True"]


def test_a_sealed_file_that_cannot_be_synced_ends_the_log_and_is_named(run):
    out = run("""
import errno
fail(first, errno.EIO)
write_files(engine, 1)
until(lambda: engine.log.error, "the error")
assert engine.update("A", 7.0)
print(engine.log.error.errno == errno.EIO, "fdatasync of a sealed file failed at byte" in str(engine.log.error))
print("00000000000000000001.log" in str(engine.log.error), engine.log.synced_sequence, syncs(first))
engine.close()
print(engine.log.synced_sequence, syncs(first))
""")
    assert out == ["True", "True", "True", "0", "1", "0", "1"]


def test_a_sealed_file_that_cannot_be_synced_at_close_is_reported(run):
    out = run("""
import errno
fail(first, errno.EIO)
hold(first, True)
write_files(engine, 2)
until(lambda: waiting(first), "the keeper")
closing = threading.Thread(target=engine.close)
closing.start()
until(lambda: engine.log.closed, "the end of the log's thread")
print(engine.log.error, engine.log.synced_sequence)
hold(first, False)
closing.join(60)
print("sealed" in str(engine.log.error), engine.log.synced_sequence, "00001.log" in engine.log.stats().error)
""")
    assert out == ["None", "0", "True", "0", "True"]


def test_close_syncs_what_the_keeper_has_not_come_to(run):
    out = run("""
engine.close()
from pricecore.eventlog import keeper
keeper.PERIOD_S = 1_000.0
engine = PriceEngine(log=options(rotate_bytes=65_536))
write_files(engine, 3)
print(engine.log.synced_sequence < engine.log.written_sequence)
engine.close()
print(engine.log.synced_sequence == engine.log.written_sequence == truly_synced(folder))
""")
    assert out == ["True", "True"]


def test_a_sync_that_failed_once_is_not_tried_again(run):
    out = run(
        """
import errno
engine.update("A", 1.0)
engine.log.wait_durable()
fail(first, errno.EIO, 1)
before, durable = syncs(first), engine.log.durable_sequence
engine.update("A", 2.0)
try:
    engine.log.wait_durable(timeout_s=60)
except LogReadOnlyError as error:
    print(error.errno == errno.EIO)
engine.close()
print(syncs(first) - before, engine.log.durable_sequence == durable == engine.log.synced_sequence)
assert durable == truly_synced(folder)
""",
        durability="disk",
    )
    assert out == ["True", "1", "True"]


def test_a_snapshot_whose_sync_fails_ends_the_log_and_not_the_engine(run):
    out = run("""
import errno
engine.update("A", 1.0)
fail(first, errno.EIO)
try:
    engine.log.snapshot()
except LogReadOnlyError as error:
    print(error.errno == errno.EIO)
print(engine.update("A", 2.0), len(files_of(folder, "snapshot")), engine.metrics().log.error is not None)
engine.close()
""")
    assert out == ["True", "True", "0", "True"]


def test_with_disk_each_file_and_its_name_are_synced_before_a_record_of_it_is_durable(run):
    out = run(
        """
print(syncs(first) > 0, syncs(folder) > 0)
for k in range(3):
    before = syncs(folder)
    write_files(engine, 1)
    print(syncs(folder) > before, engine.log.durable_sequence <= truly_synced(folder))
engine.close()
""",
        durability="disk",
    )
    assert out == ["True"] * 8


def test_a_snapshot_is_behind_the_names_of_its_log_files(run):
    out = run("""
write_files(engine, 2)
before = syncs(folder)
hold(folder, True)
thread = threading.Thread(target=engine.log.snapshot)
thread.start()
until(lambda: waiting(folder), "the sync of the folder")
time.sleep(0.1)
print(len(files_of(folder, "snapshot")))
hold(folder, False)
thread.join()
print(len(files_of(folder, "snapshot")))
engine.close()
""")
    assert out == ["0", "1"]


def test_what_is_written_bit_by_bit_is_whole(run):
    out = run("""
short_writes(100)
for k in range(500):
    engine.update(f"S{k}", 1.0 + k)
    engine.log.mark(b"%d" % k)
engine.close()
print(read_back(folder).sequences() == list(range(1, 1_001)))
""")
    assert out == ["True"]


@pytest.mark.parametrize("durability", ["os", "disk", "memory"])
def test_whatever_a_block_says_to_be_synced_was_synced_before(run, durability):
    """Syncs are looked at beside a writer that rotates and takes snapshots: no claim is ahead of the disk."""
    out = run(
        """
def writes():
    for k in range(6 if DURABILITY == "memory" else 40):
        write_files(engine, 1)
    done.append(True)
done = []
thread = threading.Thread(target=writes)
thread.start()
n = 0
while not done:
    claim = engine.log.synced_sequence, engine.log.durable_sequence
    assert claim[0] <= truly_synced(folder), claim
    if DURABILITY == "disk":
        assert claim[1] <= truly_synced(folder), claim
    n += 1
    if n % 5 == 0:
        engine.log.snapshot()
thread.join()
engine.close()
claims = [said for _, said in claimed(folder)]
print(claims == sorted(claims) and claims[-1] > 0)
""",
        durability,
    )
    assert out == ["True"]
