"""`close` that is cut short by a signal, met by another one, or forked: once one has returned, the name is free."""

import os
import signal
import threading
from contextlib import contextmanager

import pytest
from helpers.fork import run_in_child
from helpers.rooms import native_module
from helpers.waiting import PATIENCE_S, until
from helpers.writers import SMALL

from pricecore import EngineClosedError, PriceEngine, WrongProcessError, attach
from pricecore.delivery import subscription_core
from pricecore.engine import view
from pricecore.primitives.segment import supersede

GRACE_S = 0.2  # for what must not happen: too short, and a broken `close` might pass
needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture
def held(engine):
    """The functions that begin and end a batch of this engine: while it lasts, `close` waits."""
    native = native_module("closing")
    return lambda: native.begin_batch(engine), lambda: native.end_batch(engine)


@contextmanager
def handler(action):
    before = signal.signal(signal.SIGUSR1, lambda *_: action())
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


@contextmanager
def signal_in_mid_close(engine, held):
    """Send this thread a signal while its `close` waits for a batch; that one ends behind it."""
    begin, end = held
    assert begin()

    def ring():
        until(lambda: engine.closed)
        signal.raise_signal(signal.SIGUSR1)
        end()

    thread = threading.Thread(target=ring)
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE_S)


def interrupt():
    raise KeyboardInterrupt("here")


@needs_signals
def test_close_that_is_interrupted_has_freed_the_name(engine, held):
    with handler(interrupt), signal_in_mid_close(engine, held), pytest.raises(KeyboardInterrupt, match="here"):
        engine.close()
    with PriceEngine("md", **SMALL) as second:
        assert second.update("A", 1.0)


@needs_signals
def test_close_that_is_interrupted_has_woken_who_sleeps(engine, source, held, only_woken):
    subscription = source.subscribe()
    told = []

    def wait():
        try:
            subscription.poll(1, None)
        except Exception as error:
            told.append(error)

    sleeper = threading.Thread(target=wait, daemon=True)
    sleeper.start()
    until(lambda: subscription.waits.announced)
    with handler(interrupt), signal_in_mid_close(engine, held), pytest.raises(KeyboardInterrupt):
        engine.close()
    sleeper.join(PATIENCE_S)
    assert len(told) == 1


@needs_signals
def test_signal_handler_may_close_the_engine_that_its_thread_is_closing(engine, held):
    opened = []

    def close_and_go_on():
        engine.close()
        opened.append(PriceEngine("md", **SMALL))

    with handler(close_and_go_on), signal_in_mid_close(engine, held):
        engine.close()
    with opened[0] as second:
        assert second.update("A", 1.0)


def test_second_close_returns_when_the_first_one_has_freed_the_name(engine, held):
    begin, end = held
    assert begin()
    told, beginning = [], threading.Event()

    def close_second():
        beginning.set()
        engine.close()
        try:
            PriceEngine("md", **SMALL).close()
        except Exception as error:
            told.append(error)

    first, second = threading.Thread(target=engine.close), threading.Thread(target=close_second)
    first.start()
    until(lambda: engine.closed)
    second.start()
    assert beginning.wait(PATIENCE_S)
    second.join(GRACE_S)
    end()
    for thread in (first, second):
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert told == []


def test_close_again_does_not_touch_the_segment_of_the_next_writer(engine):
    engine.update("A", 1.0)
    engine.close()
    with PriceEngine("md", **SMALL) as second, second.consumer("log", "raise") as consumer:
        second.update("A", 2.0)
        engine.close()
        assert [name for name, _ in second.metrics().ring.consumers] == ["log"]
        assert consumer.read()["price"].tolist() == [2.0]
        with pytest.raises(EngineClosedError):
            engine.update("A", 3.0)
        assert second.price("A") == 2.0


@needs_fork
def test_child_forked_in_mid_close_leaves_the_segment_to_its_parent(engine, held):
    """That thread is not there: in the child the engine is not closed, but its parent's."""
    engine.update("A", 1.5)
    begin, end = held
    assert begin()
    closing = threading.Thread(target=engine.close)
    closing.start()
    until(lambda: engine.closed)

    def child():
        with pytest.raises(WrongProcessError):
            engine.close()
        return engine.price("A")

    try:
        assert run_in_child(child) == 1.5
        with attach("md") as attached:
            assert attached.alive
    finally:
        end()
        closing.join(PATIENCE_S)
    with PriceEngine("md", **SMALL) as second:
        assert second.price("A") == 1.5


@needs_fork
def test_child_closes_a_private_engine_that_its_parent_was_closing():
    native = native_module("closing")
    engine = PriceEngine(**SMALL)
    assert native.begin_batch(engine)
    closing = threading.Thread(target=engine.close)
    closing.start()
    until(lambda: engine.closed)
    try:
        assert run_in_child(lambda: (engine.close(), engine.closed)[1]) is True
    finally:
        native.end_batch(engine)
        closing.join(PATIENCE_S)


@needs_signals
def test_view_whose_close_was_interrupted_is_closed_by_the_next_one(engine, monkeypatch, only_woken):
    """A call that follows the name has the view's lock: `close` waits for it, and there comes the signal."""
    monkeypatch.setattr(subscription_core, "SETTLE_S", 0.0)  # who sleeps does not look once more
    attached = attach("md")
    subscription = attached.subscribe()
    inside, go_on, interrupted, told = threading.Event(), threading.Event(), threading.Event(), []
    main = threading.get_ident()

    def sleep():
        try:
            subscription.poll(1, None)
        except EngineClosedError as error:
            told.append(error)

    def look(_):
        inside.set()
        return go_on.wait(PATIENCE_S)

    def follow():
        with pytest.raises(EngineClosedError):
            attached.symbols()

    def ring():
        until(lambda: attached.closed)
        until(lambda: interrupted.is_set() or signal.pthread_kill(main, signal.SIGUSR1))

    def interrupt_once():
        if not interrupted.is_set():
            interrupted.set()
            interrupt()

    sleeper, follower, ringer = (threading.Thread(target=body, daemon=True) for body in (sleep, follow, ring))
    sleeper.start()
    until(lambda: subscription.waits.announced)
    with monkeypatch.context() as patch, handler(interrupt_once):
        patch.setattr(view, "is_current", look)
        supersede(engine.segment.file.descriptor)  # from now on calls look where the name leads
        follower.start()
        assert inside.wait(PATIENCE_S)
        ringer.start()
        with pytest.raises(KeyboardInterrupt, match="here"):
            attached.close()
        go_on.set()
        for thread in (ringer, follower):
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
    attached.close()
    sleeper.join(PATIENCE_S)
    assert len(told) == 1
