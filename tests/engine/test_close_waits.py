"""What `close` waits for: every call that has begun, whichever writer handle it is counted for."""

import os
import threading

import pytest
from helpers.fork import run_in_child
from helpers.rooms import native_module
from helpers.waiting import PATIENCE_S, until

from pricecore import EngineClosedError

HANDLES = [0, 1, 63]


@pytest.fixture(scope="module")
def native():
    return native_module("closing")


@pytest.fixture
def closing(engine):
    """A thread that closes the engine; it has got as far as to refuse new calls."""

    def close():
        thread = threading.Thread(target=engine.close, daemon=True)
        thread.start()
        until(lambda: engine.closed)
        return thread

    return close


def has_finished(engine):
    """Return whether a subscriber would be told that nothing comes any more."""
    try:
        engine._check_stream()
    except EngineClosedError:
        return True
    return False


@pytest.mark.parametrize("handle", HANDLES)
def test_close_waits_for_a_call_of_any_handle(engine, native, closing, handle):
    assert native.begin_batch(engine, handle)
    thread = closing()
    assert not has_finished(engine)
    native.end_batch(engine, handle)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert has_finished(engine)


def test_a_call_may_end_for_another_handle_than_it_began_for(engine, native, closing):
    assert native.begin_batch(engine, 5)
    assert native.begin_batch(engine, 0)
    native.end_batch(engine, 0)
    thread = closing()
    assert not has_finished(engine)
    native.end_batch(engine, 0)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert has_finished(engine)


@pytest.mark.parametrize("handle", HANDLES)
def test_no_call_begins_once_the_engine_is_closed_and_none_is_counted(engine, native, handle):
    engine.close()
    assert not native.begin_batch(engine, handle)
    assert has_finished(engine)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("handle", HANDLES)
def test_a_forked_child_waits_for_no_call_of_its_parent(engine, native, handle):
    assert native.begin_batch(engine, handle)
    try:
        assert run_in_child(lambda: (engine.close(), engine.closed)[1]) is True
    finally:
        native.end_batch(engine, handle)
