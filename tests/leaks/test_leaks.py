"""What an application does again and again leaves nothing behind: no memory, descriptors, threads, mappings."""

import os
import sysconfig
from pathlib import Path

import pytest
from helpers.subprocesses import run_python

TESTS = Path(__file__).resolve().parents[1]
QUICK = ["update", "batch", "subscribe", "cache", "lasting_cache", "pool", "queue", "attach"]
pytestmark = pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="a Python without a GIL has one allocator: it cannot be made to use malloc, where growth shows",
)
ALL_MALLOC = {"PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1"}
HEAD = """
import sys, runpy
from leaks import operations
"""


def leaks(*names, code="", **environment):
    """Judge these operations in a process of its own, behind some code."""
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH", "")]))
    run = HEAD + code + "\nsys.argv[0] = 'leaks'; runpy.run_module('leaks', run_name='__main__')"
    done = run_python(run, *names, PYTHONPATH=path, **environment)
    if done.returncode == 2 and "mallinfo2" in done.stderr:
        pytest.skip(done.stderr.strip())
    return done


def test_the_calls_of_every_second_leave_nothing_behind():
    done = leaks(*QUICK, **ALL_MALLOC)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(QUICK)


@pytest.mark.slow
def test_everything_else_leaves_nothing_behind():
    done = leaks(**ALL_MALLOC)
    assert done.returncode == 0, done.stdout + done.stderr


LEAKING = """
kept = []

def repeat(count):
    for _ in range(count):
        kept.append({})

operations.OPERATIONS["leaking"] = (lambda engine, opened: repeat, 20)
"""


@pytest.mark.parametrize("thing", ["{}", "open('/dev/null')"])
def test_a_leak_of_one_small_thing_each_time_is_seen(thing):
    done = leaks("leaking", "--rounds", "6", code=LEAKING.format(thing), **ALL_MALLOC)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("LEAKS leaking")


def test_a_python_that_keeps_memory_of_its_own_is_not_judged():
    done = leaks("update", PYTHONMALLOC="pymalloc", MALLOC_ARENA_MAX="1")
    assert done.returncode == 2
    assert "start with PYTHONMALLOC=malloc" in done.stderr
