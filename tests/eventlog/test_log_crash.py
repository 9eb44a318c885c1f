"""The writer is killed, or the power goes: what was acknowledged is there, and nothing that was never written."""

import os
import random
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from helpers.logs import files_of
from helpers.waiting import until

from pricecore import EventLog, LogOptions, PriceEngine

ROUNDS = 70
CUTS = 12


def write_until_killed(folder, pipe, options):
    """In a child: every price is the sequence of its record; each sequence that is durable goes into the pipe."""
    with PriceEngine(log=LogOptions(folder, **options)) as engine:
        sequence = engine.metrics().ring.sequence
        os.write(pipe, struct.pack("<q", sequence))
        if "A" not in engine:
            engine.register("A")
            sequence += 1
        while True:
            for _ in range(50):
                sequence += 1
                engine.update("A", float(sequence))
            engine.log.mark(b"%d" % sequence)
            engine.log.wait_durable()
            os.write(pipe, struct.pack("<q", engine.log.durable_sequence))


class Child:
    """A process that writes a log, and what it has acknowledged so far."""

    def __init__(self, folder, **options):
        self.acknowledged = 0
        self.heard = 0  # acknowledgements; the first is of what was there before
        self.read, write = os.pipe()
        os.set_blocking(self.read, False)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.read)
                write_until_killed(folder, write, options)
            finally:
                os._exit(1)
        os.close(write)

    def listen(self, wait_s, least=0):
        """Take in what it acknowledges for a while, and until it has acknowledged so many commits of its own."""
        if least:
            until(lambda: self.hear() > least)
        self.hear(wait_s)

    def hear(self, wait_s=0.0):
        """Return how many acknowledgements have come."""
        end_s = time.monotonic() + wait_s
        while True:
            try:
                data = os.read(self.read, 1 << 16)
                if not data:
                    return self.heard
                self.heard += len(data) // 8
                self.acknowledged = struct.unpack_from("<q", data, len(data) - 8)[0]
            except BlockingIOError:
                if time.monotonic() >= end_s:
                    return self.heard
                time.sleep(0.001)

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.listen(0)
        os.close(self.read)


def check_log(folder, acknowledged):
    """Every record is what was written, and all that was acknowledged is there; return the last sequence."""
    with EventLog.open(folder) as log:
        following = log.first_sequence
        for records in log:
            assert np.array_equal(records["sequence"], np.arange(following, following + len(records)))
            prices = records[records["kind"] == 0]
            assert np.array_equal(prices["price"], prices["sequence"])
            following += len(records)
        assert following == log.last_sequence + 1
        assert log.last_sequence >= acknowledged
        assert int(log.source_position or 0) <= log.last_sequence
        return log.last_sequence


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["memory", "os", "disk"])
def test_what_was_acknowledged_survives_kill_9(tmp_path, durability):
    folder = tmp_path / "log"
    dice = random.Random(durability)
    last = 0
    for number in range(ROUNDS):
        # A slow machine stops it late: what is kept, and read in each round, has a bound.
        options = {"rotate_bytes": 262_144, "snapshot_records": 2_000, "keep_files": 15}
        child = Child(folder, durability=durability, **options)
        # On a slow machine it may be killed before it has opened the log: not every time.
        child.listen(dice.uniform(0.0, 0.05), least=number % 2)
        child.kill()
        if not files_of(folder):
            assert child.acknowledged == 0
            continue
        found = check_log(folder, last if durability == "memory" else max(last, child.acknowledged))
        last = found
    with PriceEngine(log=folder) as engine:
        assert engine.metrics().ring.sequence == last > 0
        assert engine.price("A") <= last


@pytest.fixture
def disk(tmp_path):
    """A file system in a file, whose journal is written every five minutes: what is not synced is not on it."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts a file system")
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is not installed")
    image, mounted = tmp_path / "image", tmp_path / "disk"
    image.write_bytes(b"")
    os.truncate(image, 48 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0", str(image)], check=True)
    mounted.mkdir()
    if subprocess.run(["mount", "-o", "loop,commit=300", str(image), str(mounted)]).returncode:
        pytest.skip("no loop devices here")
    yield image, mounted
    subprocess.run(["umount", str(mounted)], check=True)


@contextmanager
def power_cut(image: Path, number: int) -> Iterator[Path]:
    """Mount what the disk holds at this moment: each time from a file of its own, which no loop device has cached."""
    copy, mounted = image.with_name(f"copy{number}"), image.with_name(f"after{number}")
    subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
    mounted.mkdir()
    subprocess.run(["mount", "-o", "loop", str(copy), str(mounted)], check=True)
    try:
        yield mounted
    finally:
        subprocess.run(["umount", str(mounted)], check=True)
        copy.unlink()


def check_after_power_cut(folder, acknowledged):
    """An engine goes on with whatever the disk holds; before the first acknowledgement that may be nothing."""
    if acknowledged:
        check_log(folder, acknowledged)
    with PriceEngine(log=LogOptions(folder, snapshot_records=None)) as engine:
        assert engine.metrics().ring.sequence >= acknowledged
        assert not acknowledged or engine.price("A") >= acknowledged


@pytest.mark.slow
def test_what_was_acknowledged_on_the_disk_survives_a_power_cut(disk):
    image, mounted = disk
    dice = random.Random(3)
    child = Child(mounted / "log", durability="disk", rotate_bytes=65_536, snapshot_records=1_000, keep_files=20)
    try:
        for number in range(CUTS):
            child.listen(dice.uniform(0.0, 0.3), least=number * 10)
            child.signal(signal.SIGSTOP)
            with power_cut(image, number) as after:
                child.signal(signal.SIGCONT)
                check_after_power_cut(after / "log", child.acknowledged)
        until(lambda: len(files_of(mounted / "log")) > 2 and files_of(mounted / "log", "snapshot"))
    finally:
        child.kill()
