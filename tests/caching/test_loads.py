"""`get_or_load` in threads: one load a key, errors for all, circles refused, nothing lost."""

import os
import threading
from collections import Counter
from contextlib import suppress

import pytest
from helpers.fork import run_in_child
from helpers.threads import run_threads
from helpers.waiting import PATIENCE_S, until

from pricecore import LoadRecursionError, PriceCache

THREADS = 8


class Source:
    """A slow source: counts its calls, and waits until it may answer."""

    def __init__(self, answer=lambda key: f"value of {key}"):
        self.answer = answer
        self.calls = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, key):
        self.calls.append(str(key))
        assert self.may_answer.wait(PATIENCE_S)
        return self.answer(key)


class SeenKey:
    """Equal to "A"; counts in which threads it was hashed: first by the search, then among the loads under way."""

    def __init__(self):
        self.seen = Counter()

    def __hash__(self):
        self.seen[threading.get_ident()] += 1
        return hash("A")

    def __eq__(self, other):
        return other == "A" if isinstance(other, str) else self is other

    def __str__(self):
        return "A"


def asked_at_once(cache, source, count=THREADS):
    """Ask for "A" in so many threads, none of which gets an answer before all wait for one; return the answers."""
    key = SeenKey()
    source.may_answer.clear()

    def ask(index):
        if index == count:
            until(lambda: sum(times >= 2 for times in key.seen.copy().values()) == count)
            return source.may_answer.set()
        try:
            return cache.get_or_load(key)
        except Exception as error:
            return error

    return run_threads(count + 1, ask)[:count]


def test_what_is_not_there_is_loaded_once_and_kept():
    source = Source()
    cache = PriceCache(4, loader=source)
    assert [cache.get_or_load("A") for _ in range(3)] == ["value of A"] * 3
    assert (source.calls, cache.get("A"), cache.loader) == (["A"], "value of A", source)
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.loads, stats.load_errors) == (3, 1, 1, 0)
    assert stats.load_latency.sample_count == 1


def test_what_is_loaded_expires_as_what_is_put():
    source = Source()
    cache = PriceCache(4, ttl_s=10.0, loader=source)
    for seconds in (9.0, 1.0, 0.0):
        cache.get_or_load("A")
        cache._pass_time(seconds)
    assert source.calls == ["A", "A"]


def test_of_many_threads_that_ask_at_once_one_loads():
    source = Source()
    cache = PriceCache(4, loader=source)
    assert asked_at_once(cache, source) == ["value of A"] * THREADS
    assert source.calls == ["A"]
    assert cache.stats().loads == 1


def test_an_error_reaches_all_who_wait_and_is_not_kept():
    failing = [ZeroDivisionError("no price")]

    def answer(key):
        if failing:
            raise failing.pop()
        return 1.5

    source = Source(answer)
    cache = PriceCache(4, loader=source)
    errors = asked_at_once(cache, source)
    assert {str(error) for error in errors} == {"no price"}
    assert (source.calls, "A" in cache) == (["A"], False)
    assert cache.get_or_load("A") == 1.5
    stats = cache.stats()
    assert (stats.loads, stats.load_errors, stats.load_latency.sample_count) == (2, 1, 2)


def test_none_is_handed_on_and_not_kept():
    source = Source(lambda key: None)
    cache = PriceCache(4, loader=source)
    assert asked_at_once(cache, source) == [None] * THREADS
    assert "A" not in cache
    assert cache.get_or_load("A") is None
    assert (source.calls, cache.stats().load_errors) == (["A", "A"], 0)


def test_different_keys_load_at_the_same_time():
    barrier = threading.Barrier(THREADS)

    def answer(key):
        barrier.wait(PATIENCE_S)
        return key

    cache = PriceCache(THREADS, loader=answer)
    assert run_threads(THREADS, cache.get_or_load) == list(range(THREADS))


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda cache: cache.put("A", "newer"), "newer"),
        (lambda cache: cache.setdefault("A", "newer"), "newer"),
        (lambda cache: cache.put_many({"A": "newer"}), "newer"),
        (lambda cache: cache.delete("A"), None),
        (lambda cache: cache.pop("A", None), None),
        (lambda cache: cache.clear(), None),
        (lambda cache: cache.put("B", "other"), "loaded"),
        (lambda cache: cache.get("A"), "loaded"),
        (lambda cache: cache.resize(9), "loaded"),
    ],
)
@pytest.mark.parametrize("where", ["loader", "thread"])
def test_a_key_that_changes_while_it_is_loaded_keeps_the_change(change, kept, where):
    def answer(key):
        if where == "loader":
            change(cache)
        else:
            run_threads(1, lambda _: change(cache))
        return "loaded"

    cache = PriceCache(4, loader=answer)
    assert cache.get_or_load("A") == "loaded"
    assert cache.get("A") == kept


def test_who_asks_after_a_change_starts_another_load():
    source = Source()
    cache = PriceCache(4, loader=source)
    source.may_answer.clear()
    first = threading.Thread(target=cache.get_or_load, args=("A",))
    first.start()
    until(lambda: source.calls == ["A"])
    cache.delete("A")
    second = threading.Thread(target=cache.get_or_load, args=("A",))
    second.start()
    until(lambda: source.calls == ["A", "A"])
    source.may_answer.set()
    for thread in (first, second):
        thread.join(PATIENCE_S)
    assert cache.get("A") == "value of A"


def test_a_loader_that_asks_for_its_own_key_gets_a_clear_error():
    cache = PriceCache(4, loader=lambda key: cache.get_or_load(key))
    with pytest.raises(LoadRecursionError, match="the load of 'A' asks for 'A'"):
        cache.get_or_load("A")
    assert "A" not in cache
    assert cache.stats().load_errors == 1


def test_a_loader_may_ask_for_other_keys():
    cache = PriceCache(40, loader=lambda n: n if n < 2 else cache.get_or_load(n - 1) + cache.get_or_load(n - 2))
    assert cache.get_or_load(30) == 832040
    assert cache.stats().loads == 31


def test_a_circle_of_loads_in_one_thread_gets_a_clear_error():
    cache = PriceCache(4, loader=lambda key: cache.get_or_load((key + 1) % 3))
    with pytest.raises(LoadRecursionError):
        cache.get_or_load(0)
    assert len(cache) == 0


def test_a_circle_of_loads_in_two_threads_gets_a_clear_error_and_no_deadlock():
    both = threading.Barrier(2)

    def answer(key):
        both.wait(PATIENCE_S)  # each is being loaded when it is asked for
        return cache.get_or_load(1 - key)

    def ask(key):
        try:
            return cache.get_or_load(key)
        except LoadRecursionError as error:
            return error

    cache = PriceCache(4, loader=answer)
    assert all(isinstance(error, LoadRecursionError) for error in run_threads(2, ask))
    assert len(cache) == 0


def test_a_loader_may_fill_and_read_its_own_cache(whole):
    def answer(key):
        for i in range(10):
            cache.put(("beside", key, i), i)
        cache.get_many(cache.keys())
        return key

    cache = PriceCache(5, loader=answer)
    assert [cache.get_or_load(key) for key in range(20)] == list(range(20))
    whole(cache)


def test_an_interrupted_load_is_done_by_another_who_waits():
    interrupts = [KeyboardInterrupt()]

    def answer(key):
        if interrupts:
            raise interrupts.pop()
        return "at last"

    source = Source(answer)
    cache = PriceCache(4, loader=source)
    source.may_answer.clear()
    answers = []

    def ask(_):
        try:
            answers.append(cache.get_or_load("A"))
        except KeyboardInterrupt:
            answers.append("interrupted")

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: cache.stats().misses == 3)
    source.may_answer.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(answers) == ["at last", "at last", "interrupted"]
    assert cache.get("A") == "at last"


@pytest.mark.parametrize("key", [[], {}])
def test_a_key_without_a_hash_is_not_loaded(key):
    source = Source()
    with pytest.raises(TypeError, match="unhashable"):
        PriceCache(4, loader=source).get_or_load(key)
    assert source.calls == []


def test_a_cache_without_a_loader_says_so():
    cache = PriceCache(4)
    cache.put("A", 1)
    assert (cache.get_or_load("A"), cache.loader) == (1, None)
    for call in (lambda: cache.get_or_load("B"), lambda: cache.warm(["B"])):
        with pytest.raises(RuntimeError, match="no loader"):
            call()


def test_an_async_loader_is_refused_where_nobody_can_await_it():
    async def load(key):
        return key

    for loader in (load, lambda key: load(key)):
        cache = PriceCache(4, loader=loader)
        with pytest.raises(TypeError, match=r"async|awaitable"):
            cache.get_or_load("A")
    with pytest.raises(TypeError, match="gather"):
        PriceCache(4, loader=load).warm(["A"])


def test_on_evict_of_a_loaded_entry_may_wait_for_another_thread_that_loads():
    """Nothing is held while it runs."""

    def told(key, value, reason):
        thread = threading.Thread(target=lambda: answers.append(cache.get_or_load(f"beside {key}")))
        if len(answers) < 1:
            answers.append(None)
            thread.start()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    answers = []
    cache = PriceCache(1, loader=str.upper, on_evict=told)
    cache.get_or_load("a")
    cache.get_or_load("b")
    assert answers == [None, "BESIDE A"]


class Hooked:
    """Equal to "A"; calls `hook` with how often it was hashed since that was set, when it is hashed by this thread."""

    hook = None

    def __init__(self):
        self.here, self.times = threading.get_ident(), 0

    def __hash__(self):
        if self.hook is not None and threading.get_ident() == self.here:
            self.times += 1
            self.hook(self.times)
        return hash("A")

    def __eq__(self, other):
        return other == "A" if isinstance(other, str) else self is other


def test_what_is_loaded_between_a_miss_and_the_wait_for_a_load_is_not_loaded_again():
    def load_first(times):
        if times == 2:  # the search has missed; now it is looked for among the loads under way
            assert cache.get_or_load("A") == "value of A"

    key, source = Hooked(), Source()
    cache = PriceCache(4, loader=source)
    key.hook = load_first
    assert cache.get_or_load(key) == "value of A"
    assert (key.times >= 2, source.calls) == (True, ["A"])


@pytest.mark.parametrize("step", range(1, 6))
@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda cache: cache.put("A", "newer"), "newer"),
        (lambda cache: cache.delete("A"), None),
        (lambda cache: cache.clear(), None),
    ],
)
def test_a_change_while_the_loaded_value_is_stored_is_kept(change, kept, step):
    """At each step of the storing at which Python runs; the change may have to wait until it is done."""
    changing = []

    def answer(key):
        key.hook = hook
        return "loaded"

    def hook(times):
        if times == step:
            changing.append(threading.Thread(target=change, args=(cache,)))
            changing[0].start()
            changing[0].join(0.03)

    key, cache = Hooked(), PriceCache(4, loader=answer)
    assert cache.get_or_load(key) == "loaded"
    key.hook = None
    for thread in changing:
        thread.join(PATIENCE_S)
    assert cache.get("A") == (kept if changing else "loaded")


@pytest.mark.parametrize("step", range(1, 6))
def test_a_key_that_fails_while_the_loaded_value_is_stored_leaves_nobody_waiting(step, whole):
    def fail(times):
        if times >= step:
            raise ZeroDivisionError("hashed")

    def answer(key):
        if isinstance(key, Hooked):
            waiting.start()
            until(lambda: cache.stats().misses == 2)
            key.hook = fail
        return "loaded"

    def ask():
        try:
            answers.append(cache.get_or_load("A"))
        except ZeroDivisionError as error:
            answers.append(str(error))

    answers, waiting = [], threading.Thread(target=ask)
    key, cache = Hooked(), PriceCache(4, loader=answer)
    with suppress(ZeroDivisionError):  # not at a step that is never come to
        cache.get_or_load(key)
    waiting.join(PATIENCE_S)
    key.hook = None
    assert answers[0] in ("hashed", "loaded")
    assert cache.get_or_load("A") == "loaded"
    whole(cache)


def ask_each_for_the_others():
    """Have two caches, each of which loads from the other, asked at once."""
    both, caches = threading.Barrier(2), []

    def loader_from(index):
        def load(key):
            both.wait(PATIENCE_S)
            return caches[index].get_or_load(key)

        return load

    def ask(index):
        try:
            return caches[index].get_or_load("A")
        except LoadRecursionError as error:
            return error

    caches += [PriceCache(4, loader=loader_from(1)), PriceCache(4, loader=loader_from(0))]
    return run_threads(2, ask)


def test_a_circle_through_two_caches_in_two_threads_gets_a_clear_error_and_no_deadlock():
    for _ in range(50):
        assert all(isinstance(answer, LoadRecursionError) for answer in ask_each_for_the_others())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_does_not_wait_for_loads_of_its_parents_threads():
    source = Source()
    cache = PriceCache(4, loader=source)
    source.may_answer.clear()
    thread = threading.Thread(target=cache.get_or_load, args=("A",))
    thread.start()
    until(lambda: source.calls == ["A"])

    def child():
        source.may_answer.set()
        assert cache.get_or_load("A") == "value of A"

    run_in_child(child)
    source.may_answer.set()
    thread.join(PATIENCE_S)
    assert cache.get("A") == "value of A"
