"""The consumer that is slower than the stream: always the latest, never a backlog, from one writer to the next."""

import json
import sys

import pytest
from helpers.processes import started
from helpers.waiting import until
from helpers.writers import FOREVER, READY, writer

SYMBOLS = 100
# 20,000 updates in a burst, a burst for every line: symbol Si has the price 100 k + i.
BURSTS = f"""{READY}
for line in sys.stdin:
    for k in range(200):
        for i in range({SYMBOLS}):
            engine.update(f"S{{i}}", 1e6 * int(line) + 100.0 * k + i)
    print("done", flush=True)
"""


@pytest.fixture
def consumer(recipes_on_the_path, segments, tmp_path):
    """Return a context manager that starts the recipe."""

    def start(*symbols):
        command = sys.executable, "-W", "error", "conflated_consumer.py", "md", *symbols
        return started(*command, folder=recipes_on_the_path, printed=tmp_path / "printed")

    return start


def lines_of(process):
    """Return what it reported so far."""
    whole = process.text.rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]


def burst(process, number):
    """Let the writer write one; return the last price of each symbol."""
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"
    return {f"S{i}": 1e6 * number + 100.0 * 199 + i for i in range(SYMBOLS)}


def test_it_ends_with_the_latest_of_every_symbol_and_was_never_behind(consumer):
    with writer("md", BURSTS) as engine, consumer() as process:
        last = burst(engine, 1)
        for number in (2, 3, 4):
            last = burst(engine, number)
            latest = {}
            process.until(lambda last=last, latest=latest: seen(process, latest) == last)
        assert process.end() == 0, process.text
    lines = lines_of(process)
    assert max(line["pending"] for line in lines) <= SYMBOLS
    assert max(len(line["trades"]) for line in lines) <= SYMBOLS
    assert {line["lost"] for line in lines} == {0}
    for symbol in last:
        prices = [line["trades"][symbol] for line in lines if symbol in line["trades"]]
        assert prices == sorted(prices)
    assert "Traceback" not in process.text


def seen(process, latest):
    """Return the last price of every symbol that it told of."""
    for line in lines_of(process):
        latest |= line["trades"]
    return latest


def test_at_full_speed_it_passes_over_what_is_overtaken(consumer):
    with writer("md", FOREVER), consumer("B") as process:
        process.until(lambda: (lines := lines_of(process)) and len(lines) >= 10 and lines[-1]["conflated"])
        lines = lines_of(process)
    assert {symbol for line in lines for symbol in line["trades"]} == {"B"}
    assert {symbol for line in lines for symbol in line["bids"]} == set()
    assert max(line["pending"] for line in lines) <= 1
    prices = [line["trades"]["B"] for line in lines]
    assert prices == sorted(set(prices))


def test_it_waits_for_a_writer_and_for_the_next_one_after_a_kill(consumer):
    with consumer() as process:
        process.until_said("waiting: [Errno 2] no segment 'md'")
        with writer("md", BURSTS) as engine:
            last = burst(engine, 1)
            until(lambda: seen(process, {}) == last)
            engine.kill()
            process.until_said("is gone")
        with writer("md", BURSTS) as engine:
            process.until_said("there is a writer again")
            last = burst(engine, 2)
            process.until(lambda: seen(process, {}) == last)
        assert process.end() == 0, process.text
    assert "Traceback" not in process.text
