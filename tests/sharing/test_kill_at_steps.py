"""The writer killed at each named step of an update: what readers see then, and what the next writer finds.

The steps are compiled in by PRICECORE_DEBUG=1 only (pricecore/primitives/steps.h), so `ci/debug` runs these.
"""

import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from helpers.crashes import SIZES, check_goes_on, check_left, check_mended, python, tell
from helpers.watching import ask, watcher

from pricecore import PriceEngine, attach

# Forks, for every line, a next writer that does one update and dies at a step, if this build has it.
LAUNCH = f"""
import os, sys
import numpy as np
import pricecore
for line in sys.stdin:
    step, update = line.split(": ", 1)
    pid = os.fork()
    if pid == 0:
        os.environ["PRICECORE_KILL_AT"] = step
        engine = pricecore.PriceEngine("md", **{SIZES!r})
        exec(update)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
UPDATES = {
    "trade": 'engine.update("A", 7.0, 14.0, 0, 21.0)',
    "quote": 'engine.update_quote("A", 7.0, 14.0, 21.0, 28.0)',
    "batch": 'engine.update_many(["A"] * 100, np.full(100, 7.0), np.full(100, 14.0), None, np.full(100, 21.0))',
    "new trade": 'engine.update("NEW", 7.0, 14.0, 0, 21.0)',
    "new quote": 'engine.update_quote("NEW", 7.0, 14.0, 21.0, 28.0)',
    "register": 'engine.register("NEW")',
}
UPDATE = ["SLOT_TAKEN 1", "TICKET_CLAIMED 1", "PAYLOAD_HALF 1", "RING_FILLED 1", "PAYLOAD_HALF 2", "SLOT_STORED 1",
          "RING_PUBLISHED 1", "SLOT_FREED 1"]  # fmt: skip
ROWS = ["CHUNK_CLAIMED 1", "CHUNK_CLAIMED 2", "ROW 1", "ROW 2", "ROW 64", "ROW 65", "ROW 100", "SLOT_TAKEN 64",
        "TICKET_CLAIMED 65", "PAYLOAD_HALF 3", "PAYLOAD_HALF 128", "RING_FILLED 99", "SLOT_STORED 3",
        "RING_PUBLISHED 63", "SLOT_FREED 100"]  # fmt: skip
SYMBOL = ["SYMBOL_CLAIMED 1", "NAME_WRITTEN 1", "NAME_INDEXED 1", "NAME_COUNTED 1", "PAYLOAD_HALF 1",
          "SYMBOL_FILLED 1", "SYMBOL_PUBLISHED 1"]  # fmt: skip
STORED = ["SLOT_STORED", "RING_PUBLISHED", "SLOT_FREED"]
UNKNOWN = ["SYMBOL_CLAIMED", "NAME_WRITTEN", "NAME_INDEXED"]  # the symbol does not count yet
CASES = (
    [(kind, step) for kind in ("trade", "quote") for step in UPDATE]
    + [("batch", step) for step in UPDATE + ROWS if step != "SLOT_TAKEN 1"]
    + [(kind, step) for kind in ("new trade", "new quote") for step in SYMBOL]
    + [(kind, step) for kind in ("new trade", "new quote") for step in UPDATE if "HALF" not in step]
    + [("register", step) for step in SYMBOL]
)


@pytest.fixture(scope="module")
def folder():
    """One folder for all, so that one reader sees every crash."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as name:
        patch.setenv("PRICECORE_SHM_DIR", name)
        yield Path(name)


@pytest.fixture(scope="module")
def die_at(folder):
    """A function: be the next writer, do an update, and die at a step of it. Skips where steps are not compiled in."""
    with python(LAUNCH) as launcher:

        def run(step, update):
            assert int(tell(launcher, f"{step}: {update}")) == -signal.SIGKILL, "it did not come to this step"

        if int(tell(launcher, f"SLOT_FREED 1: {UPDATES['trade']}")) != -signal.SIGKILL:
            pytest.skip("only a build with PRICECORE_DEBUG=1 has the steps: ci/debug runs this")
        yield run


@pytest.fixture(scope="module")
def reader(die_at):
    with watcher("md") as reader:
        yield reader


def prepare(laps):
    """What stood before: two symbols with trades and quotes, in a ring that was or was not gone round."""
    with PriceEngine("md", **SIZES, resume=False) as engine:
        for i in range(1 + laps * SIZES["ring_capacity"]):
            x = 1.0 + i
            engine.update("A", x, 2 * x, 0, 3 * x)
            engine.update_quote("B", x, 2 * x, 3 * x, 4 * x)
        engine.update_quote("A", 5.0, 10.0, 15.0, 20.0)


def counts(kind, step):
    """Whether the update that was killed counts, as far as its first row goes."""
    name, passage = step.split()
    return name in STORED or (kind == "batch" and int(passage) > (2 if name == "PAYLOAD_HALF" else 1))


@pytest.mark.parametrize("laps", [0, 1])
@pytest.mark.parametrize(("kind", "step"), CASES)
def test_writer_killed_at_a_step_misleads_nobody(die_at, reader, kind, step, laps):
    prepare(laps)
    with attach("md") as view:
        generation, new = view.generation, kind not in ("trade", "quote", "batch")
        die_at(step, UPDATES[kind])
        left, sequence = check_left(view)
        assert ask(reader)["alive"] is False
        assert ("NEW" in left) == (new and step.split()[0] not in UNKNOWN)
        if kind != "register":
            row = left.get("NEW" if new else "A", (None, None))["quote" in kind]
            assert (row is not None and row[1] == 7.0) == counts(kind, step)
        with PriceEngine("md", **SIZES) as engine:
            check_mended(engine, left, sequence)
            assert ask(reader)["next"] == sequence + 1
            check_goes_on(engine, 1)
            assert view.generation == generation + 2
        assert ask(reader)["alive"] is False


def test_a_next_writer_killed_in_its_repair_leaves_it_to_the_one_after_it(die_at, reader):
    """Each of them dies over one more half of a payload that it mends."""
    prepare(laps=1)
    die_at("CHUNK_CLAIMED 1", UPDATES["batch"])
    with attach("md") as view:
        left, sequence = check_left(view)
        generation = view.generation
        for passage in (1, 2, 30):
            die_at(f"PAYLOAD_HALF {passage}", "pass")
            assert ask(reader)["sequence"] == sequence
            assert (check_left(view), view.generation) == ((left, sequence), generation)
        with PriceEngine("md", **SIZES) as engine:
            check_mended(engine, left, sequence)
            assert ask(reader)["next"] == sequence + 1
            check_goes_on(engine, 1)
