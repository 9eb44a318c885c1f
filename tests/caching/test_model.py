"""`PriceCache` beside an OrderedDict: whatever is done to both, both hold the same, in the same order."""

import random
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from models.cache_model import ABSENT, CacheModel

from pricecore import PriceCache

# Equal ones of several types among them, equal hashes of unequal ones (-1, -2), and str objects made each time.
KEYS = st.one_of(
    st.integers(-2, 12),
    st.integers(0, 12).map(float),
    st.booleans(),
    st.integers(0, 12).map("key {}".format),
    st.tuples(st.integers(0, 3), st.sampled_from("ab")),
    st.sampled_from([None, "é", "\U0001f600", b"x", 2**61 - 1, 2 * (2**61 - 1), 2**70]),
)
TTLS = st.sampled_from([None, None, 8.0, 16.0, 64.0, 4096.0, 1e6, 1e9])
CAPACITIES = st.integers(1, 14)
MILLION = 1_000_000


class CacheMachine(RuleBasedStateMachine):
    @initialize(capacity=CAPACITIES, ttl_s=st.sampled_from([None, None, 8.0, 100.0]), tells=st.booleans())
    def begin(self, capacity, ttl_s, tells):
        self.told = []
        tell = (lambda *told: self.told.append(told)) if tells else None
        self.ours, self.model = PriceCache(capacity, ttl_s=ttl_s, on_evict=tell), CacheModel(capacity, ttl_s)
        self.looks = 0

    @rule(key=KEYS)
    def get(self, key):
        assert self.ours.get(key, ABSENT) is self.model.get(key, ABSENT)

    @rule(key=KEYS)
    def peek(self, key):
        assert self.ours.peek(key, ABSENT) is self.model.peek(key, ABSENT)
        assert (key in self.ours) == (key in self.model.entries)

    @rule(key=KEYS, ttl_s=TTLS)
    def put(self, key, ttl_s):
        value = object()
        self.ours.put(key, value, ttl_s)
        self.model.put(key, value, ttl_s)

    @rule(keys=st.lists(KEYS, max_size=20))
    def put_many(self, keys):
        items = [(key, object()) for key in keys]
        self.ours.put_many(items)
        for key, value in items:
            self.model.put(key, value)

    @rule(keys=st.lists(KEYS, max_size=20))
    def get_many(self, keys):
        found = ((key, self.model.get(key, ABSENT)) for key in keys)
        assert self.ours.get_many(keys) == {key: value for key, value in found if value is not ABSENT}

    @rule(key=KEYS)
    def setdefault(self, key):
        value = object()
        assert self.ours.setdefault(key, value) is self.model.setdefault(key, value)

    @rule(key=KEYS)
    def delete(self, key):
        assert self.ours.delete(key) == self.model.delete(key)

    @rule(key=KEYS)
    def pop(self, key):
        assert self.ours.pop(key, ABSENT) is self.model.pop(key, ABSENT)

    @rule()
    def popitem(self):
        if self.model.entries:
            assert self.ours.popitem() == self.model.popitem()
        else:
            with pytest.raises(KeyError):
                self.ours.popitem()

    @rule()
    def clear(self):
        self.ours.clear()
        self.model.clear()

    @rule(capacity=CAPACITIES)
    def resize(self, capacity):
        self.ours.resize(capacity)
        self.model.resize(capacity)

    @rule(seconds=st.sampled_from([8.0, 24.0, 56.0, 1024.0, 1e6, 1e8]))
    def pass_time(self, seconds):
        self.ours._pass_time(seconds)
        self.model.pass_time(seconds)
        assert self.ours.items() == self.model.items()
        for _ in range(1_000):  # what has expired leaves a few at a time
            if len(self.ours) == len(self.model.entries):
                break
            assert self.ours.get(ABSENT) is None
            self.looks += 1

    @invariant()
    def both_hold_the_same(self):
        if not hasattr(self, "ours"):
            return
        assert self.ours.items() == self.model.items()
        assert len(self.ours) == len(self.model.entries)

    def teardown(self):
        if not hasattr(self, "ours"):
            return
        stats = self.ours.stats()
        assert (stats.hits, stats.misses - self.looks) == (self.model.hits, self.model.misses)
        assert stats.evictions == {name: self.model.left[name] for name in ("capacity", "expired", "deleted")}
        if self.told:
            assert Counter(self.told) == Counter(self.model.told)
        CacheMachine.whole(self.ours)


def test_any_sequence_of_calls_does_what_the_model_does(whole):
    CacheMachine.whole = staticmethod(whole)
    run_state_machine_as_test(CacheMachine, settings=settings(max_examples=80, stateful_step_count=40, deadline=None))


def trade(ours, model, chance, keys, rounds):
    """Do so many random things to both."""
    for number in range(rounds):
        key, what = keys[int(chance.random() ** 2 * len(keys))], chance.random()
        if what < 0.6:
            assert ours.get(key, ABSENT) == model.get(key, ABSENT)
        elif what < 0.93:
            ours.put(key, number)
            model.put(key, number)
        elif what < 0.98:
            assert ours.delete(key) == model.delete(key)
        else:
            assert ours.peek(key, ABSENT) == model.peek(key, ABSENT)


@pytest.mark.parametrize(
    ("capacity", "keys", "rounds"),
    [(1, 3, 50_000), (7, 20, 150_000), (100, 150, 300_000), (1_000, 3_000, 300_000), (5_000, 5_001, 200_000)],
)
def test_a_million_operations_leave_what_the_model_has(capacity, keys, rounds, whole):
    chance = random.Random(capacity)
    ours, model = PriceCache(capacity), CacheModel(capacity)
    model._leave = lambda key, reason: (model.left.update((reason,)), model.entries.pop(key)[0])[1]
    names = [chance.choice([i, f"VENUE:{i}", (i, "x")]) for i in range(keys)]
    trade(ours, model, chance, names, rounds)
    stats = ours.stats()
    assert ours.items() == model.items()
    assert (stats.hits, stats.misses) == (model.hits, model.misses)
    assert stats.evictions == {name: model.left[name] for name in ("capacity", "expired", "deleted")}
    whole(ours)


def test_hit_rate_is_that_of_an_exact_lru():
    """Zipf with exponent 0.99 over 100,000 keys, 10,000 of them kept."""
    chance = random.Random(8)
    weights = [1 / (i + 1) ** 0.99 for i in range(100_000)]
    drawn = chance.choices([f"SYM{i}" for i in range(100_000)], weights, k=150_000)
    ours, model = PriceCache(10_000), CacheModel(10_000)
    for cache in (ours, model):
        for key in drawn:
            if cache.get(key) is None:
                cache.put(key, 1.0)
    assert ours.stats().hits == model.hits
    assert 0.6 < ours.stats().hit_rate < 0.8
