"""The writer killed at each named step of an update: what readers see then, and what the next writer finds.

The steps are compiled in by PRICECORE_DEBUG=1 only (pricecore/primitives/steps.h), so `ci/debug` runs these.
"""

import signal

import pytest
from helpers.crashes import SIZES, check_goes_on, check_left, check_mended
from helpers.subprocesses import run_python
from helpers.watching import ask, watcher

from pricecore import PriceEngine, attach

# Two updates are complete; the one that follows is killed. Passages count from its process's first one.
PREPARE = """
import sys
import numpy as np
import pricecore
engine = pricecore.PriceEngine("md", **eval(sys.argv[1]))
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
KNOWN = ["NAME_COUNTED", "SYMBOL_FILLED", "SYMBOL_PUBLISHED", *UPDATE]
CASES = (
    [(kind, step) for kind in ("trade", "quote") for step in UPDATE]
    + [("batch", step) for step in UPDATE + ROWS if step != "SLOT_TAKEN 1"]
    + [(kind, step) for kind in ("new trade", "new quote") for step in SYMBOL]
    + [(kind, step) for kind in ("new trade", "new quote") for step in UPDATE if "HALF" not in step]
    + [("register", step) for step in SYMBOL]
)


def run_to(step, update):
    """Do one update as the next writer, in a process that dies at the step if this build has it."""
    return run_python(PREPARE + update, repr(SIZES), PRICECORE_KILL_AT=step, timeout_s=60).returncode


@pytest.fixture(scope="module")
def has_steps(tmp_path_factory):
    """Skip where the steps are not compiled in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRICECORE_SHM_DIR", str(tmp_path_factory.mktemp("segments")))
        if run_to("SLOT_FREED 1", UPDATES["trade"]) != -signal.SIGKILL:
            pytest.skip("only a build with PRICECORE_DEBUG=1 has the steps: ci/debug runs this")


def prepare(laps):
    """What stood before: two symbols with trades and quotes, in a ring that was or was not gone round."""
    with PriceEngine("md", **SIZES) as engine:
        for i in range(1 + laps * SIZES["ring_capacity"]):
            x = 1.0 + i
            engine.update("A", x, 2 * x, 0, 3 * x)
            engine.update_quote("B", x, 2 * x, 3 * x, 4 * x)
        engine.update_quote("A", 5.0, 10.0, 15.0, 20.0)


def expected_trade(kind, step):
    """Whether the update that was killed counts, as far as its first row goes."""
    name, passage = step.split()
    return name in STORED or (kind == "batch" and int(passage) > (2 if name == "PAYLOAD_HALF" else 1))


@pytest.mark.parametrize("laps", [0, 1])
@pytest.mark.parametrize(("kind", "step"), CASES)
@pytest.mark.usefixtures("has_steps")
def test_writer_killed_at_a_step_misleads_nobody(kind, step, laps):
    prepare(laps)
    with attach("md") as view, watcher("md") as reader:
        assert run_to(step, UPDATES[kind]) == -signal.SIGKILL
        left, sequence = check_left(view)
        assert ask(reader)["alive"] is False
        new = kind not in ("trade", "quote", "batch")
        assert ("NEW" in left) == (new and step.split()[0] in KNOWN and not (new and step == "PAYLOAD_HALF 0"))
        if kind != "register":
            row = left.get("NEW" if new else "A", (None, None))["quote" in kind]
            assert (row is not None and row[1] == 7.0) == expected_trade(kind, step)
        with PriceEngine("md", **SIZES) as engine:
            check_mended(engine, left, sequence)
            assert ask(reader)["next"] == sequence + 1
            check_goes_on(engine, 1)
            assert view.generation == 3
        assert ask(reader)["alive"] is False


@pytest.mark.usefixtures("has_steps")
def test_a_next_writer_killed_in_its_repair_leaves_it_to_the_one_after_it():
    """Each of them dies over one more half of a payload that it mends."""
    prepare(laps=1)
    assert run_to("CHUNK_CLAIMED 1", UPDATES["batch"]) == -signal.SIGKILL
    with attach("md") as view, watcher("md") as reader:
        left, sequence = check_left(view)
        for passage in (1, 2, 30):
            assert run_to(f"PAYLOAD_HALF {passage}", "") == -signal.SIGKILL
            assert ask(reader)["sequence"] == sequence
            assert (check_left(view), view.generation) == ((left, sequence), 2)
        with PriceEngine("md", **SIZES) as engine:
            check_mended(engine, left, sequence)
            assert ask(reader)["next"] == sequence + 1
            check_goes_on(engine, 1)
