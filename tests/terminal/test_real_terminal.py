"""`pricecore top` as a process on a real terminal of 80x24."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager

import pytest
from helpers.writers import UNTIL_TOLD, writer

PATIENCE_S = 60.0
NOT_INHERITED = ("COLORTERM", "NO_COLOR", "LANG", "COLUMNS", "LINES")  # the last two hide the size of the terminal
ALTERNATE, MAIN = b"\x1b[?1049h", b"\x1b[?1049l"
UPDATED = 'engine.update("SYMBOL", 61829.77)\n' + UNTIL_TOLD


class Terminal:
    """The program on a terminal, and everything it has sent there."""

    def __init__(self, process, leader):
        self.process = process
        self.leader = leader
        self.sent = b""

    def read(self):
        """Take what there is, at most a few kilobytes; False at the end: nobody has the other side open any more."""
        if select.select([self.leader], [], [], 0.05)[0]:
            try:
                self.sent += os.read(self.leader, 65_536)
            except OSError:
                return False
        return True

    def until(self, words):
        deadline_s = time.monotonic() + PATIENCE_S
        while words not in self.sent:
            assert time.monotonic() < deadline_s, self.sent
            self.read()

    def ended(self):
        """Return the exit code, after taking all that was sent."""
        deadline_s = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline_s, self.sent
            self.read()
        while self.read():
            assert time.monotonic() < deadline_s, self.sent
        return self.process.returncode


@contextmanager
def terminal(*arguments, columns=80, rows=24, **environment):
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    inherited = {name: text for name, text in os.environ.items() if name not in NOT_INHERITED}
    process = subprocess.Popen(
        [sys.executable, "-m", "pricecore", "top", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        env=inherited | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | environment,
    )
    os.close(follower)
    try:
        yield Terminal(process, leader)
    finally:
        process.kill()
        process.wait()
        os.close(leader)


@pytest.fixture(scope="module")
def feeding(folder):
    with writer("md", UPDATED) as process:
        yield process


def test_it_shows_the_engine_and_q_gives_the_terminal_back(feeding):
    with terminal("md") as shown:
        shown.until(b"61,829.77")
        for words in (b"p95 < 1 ms", b"target met", b"statistics", b"symbol", b"SYMBOL", b"filter", b"help"):
            shown.until(words)
        assert ALTERNATE in shown.sent
        os.write(shown.leader, b"q")
        assert shown.ended() == 0
        assert shown.sent.rindex(MAIN) > shown.sent.index(ALTERNATE)


def test_it_needs_no_more_than_256_colours(feeding):
    with terminal("md") as shown:
        shown.until(b"61,829.77")
        assert b"38;5;" in shown.sent
        assert b"38;2;" not in shown.sent


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGHUP, 130)])
def test_a_signal_ends_it_and_gives_the_terminal_back(feeding, number, code):
    with terminal("md") as shown:
        shown.until(b"61,829.77")
        shown.process.send_signal(number)
        assert shown.ended() == code
        assert MAIN in shown.sent


def test_ctrl_c_ends_it(feeding):
    with terminal("md") as shown:
        shown.until(b"61,829.77")
        os.write(shown.leader, b"\x03")
        assert shown.ended() == 130
        assert MAIN in shown.sent


def test_without_a_name_it_lives_on_the_sample():
    pytest.importorskip("msgspec", reason="no msgspec for this interpreter")
    with terminal() as shown:
        shown.until(b"usdm:ETHUSDT")
        os.write(shown.leader, b"q")
        assert shown.ended() == 0


def test_another_size_of_the_window_is_used(feeding):
    with terminal("md") as shown:
        shown.until(b"61,829.77")
        assert b"volume" not in shown.sent
        fcntl.ioctl(shown.leader, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        shown.process.send_signal(signal.SIGWINCH)
        shown.until(b"volume")


def test_a_terminal_that_is_gone_ends_it(feeding):
    with terminal("md") as shown:
        shown.until(b"61,829.77")
        os.close(shown.leader)
        shown.leader = os.open(os.devnull, os.O_RDONLY)
        shown.process.send_signal(signal.SIGHUP)  # as the kernel does for the leader of a session with this terminal
        assert shown.process.wait(PATIENCE_S) != 0
