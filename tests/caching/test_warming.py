"""`warm`: all keys, several at once, with progress, whatever some of them do."""

import io
import sys
import threading

import pytest
from helpers.waiting import PATIENCE_S

from pricecore import PriceCache, WarmReport


def test_a_warm_cache_has_all_keys_and_says_what_became_of_them():
    def load(key):
        if key == 13:
            raise ZeroDivisionError
        return None if key == 7 else key

    cache = PriceCache(1_000, loader=load)
    cache.put(3, "was there")
    report = cache.warm(range(100))
    assert isinstance(report, WarmReport)
    assert report[:3] == (97, 1, 1)
    assert {key: type(error) for key, error in report.errors.items()} == {13: ZeroDivisionError}
    assert (cache.get(3), cache.get(99), len(cache)) == ("was there", 99, 98)


def test_several_are_loaded_at_once():
    barrier = threading.Barrier(5)
    cache = PriceCache(10, loader=lambda key: barrier.wait(PATIENCE_S) + 1)
    assert cache.warm(range(5), workers=5).loaded == 5


def test_progress_is_told_in_this_thread_and_once_at_the_end():
    told = []

    def progress(done, total):
        told.append((done, total))
        assert threading.current_thread() is here

    here = threading.current_thread()
    slow = threading.Event()
    cache = PriceCache(10, loader=lambda key: slow.wait(0.15) or key)
    cache.warm("abca", workers=1, progress=progress)
    assert told[-1] == (3, 3)
    assert told == sorted(told)
    assert len(told) >= 3
    cache.warm([], progress=progress)
    assert told[-1] == (0, 0)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_may_be_a_line_on_a_terminal(is_terminal, monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", stream)
    PriceCache(10, loader=str.upper).warm("abc", progress=True)
    assert stream.getvalue().endswith(" 100%  3 of 3 keys\n") == is_terminal
    assert bool(stream.getvalue()) == is_terminal


def test_an_interrupt_ends_the_warming_after_what_has_begun():
    calls, slow = [], threading.Event()

    def load(key):
        calls.append(key)
        slow.wait(0.05)
        return key

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PriceCache(1_000, loader=load).warm(range(1_000), workers=2, progress=interrupt)
    assert 0 < len(calls) < 100


@pytest.mark.parametrize("workers", [0, -1, 1_025])
def test_workers_out_of_range_are_refused(workers):
    with pytest.raises(ValueError, match=f"workers is {workers}"):
        PriceCache(2, loader=str).warm([], workers)


@pytest.mark.parametrize(("workers", "progress"), [(1.0, None), (True, None), ("8", None), (8, 3), (8, "yes")])
def test_wrong_types_are_refused(workers, progress):
    with pytest.raises(TypeError, match=r"workers must be|progress must be"):
        PriceCache(2, loader=str).warm([], workers, progress)


def test_a_key_without_a_hash_is_a_type_error():
    with pytest.raises(TypeError, match="unhashable"):
        PriceCache(2, loader=str).warm([[]])
