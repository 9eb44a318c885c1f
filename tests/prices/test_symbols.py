"""The symbol table against a dict: any text, equal texts in different objects, crafted collisions, threads."""

import itertools
import random

import numpy as np
import pytest
from helpers.threads import run_threads
from hypothesis import given, settings
from hypothesis import strategies as st
from models.symbol_table import SymbolModel, fnv1a

from pricecore import PriceEngine
from pricecore.errors import InvalidUpdateError, SymbolTableFullError, UnknownSymbolError
from pricecore.prices.price_map import PriceMap
from pricecore.prices.symbols import SymbolTable

CAPACITY = 1024
STR_ENTRIES = 1024  # of the private index, before it grows
INDEX_ENTRIES = 2 * CAPACITY


class Name(str):
    """A str with opinions of its own, which the table must not ask for."""

    __slots__ = ()

    def __eq__(self, other):
        raise AssertionError("the table compared a str by a method of its class")

    def __hash__(self):
        raise AssertionError("the table hashed a str by a method of its class")

    def __str__(self):
        return "not me"


def copy_of(text):
    """An equal str that is another object with no hash computed yet."""
    return "".join(list(text)) if len(text) > 1 else text


@pytest.fixture
def engine():
    with PriceEngine(max_symbols=CAPACITY, ring_capacity=1024, latency_window=8, pool_buffers=1) as made:
        yield made


texts = st.one_of(
    st.sampled_from(["A", "B", "\0", "A\0", "A\0B", "\x1b[0m", "\ud800", "a\udfff", "", "ß" * 24, "ß" * 25, "€" * 16]),
    st.text(max_size=6),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=10, max_size=50),
    st.text("AB\0é\U0001f600", max_size=20),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["register", "update", "find", "subclass"]), texts), max_size=40))
def test_it_is_a_dict_from_text_to_the_next_number(steps):
    model = SymbolModel(CAPACITY)
    with PriceEngine(max_symbols=CAPACITY, ring_capacity=1024, latency_window=8, pool_buffers=1) as engine:
        for verb, text in steps:
            if verb == "find":
                assert (text in engine) == (text in model.ids)
                continue
            given_name = Name(text) if verb == "subclass" else copy_of(text)
            reason = model.add(text)
            if reason:
                with pytest.raises(InvalidUpdateError) as caught:
                    engine.update(given_name, 1.0) if verb == "update" else engine.register(given_name)
                assert caught.value.reason == reason
            elif verb == "update":
                engine.update(given_name, 1.0)
            else:
                assert engine.register(given_name) == model.ids[text]
        assert engine.symbols() == list(model.ids)
        assert len(engine) == len(model.ids)
        assert [engine.symbol_id(name) for name in model.ids] == list(model.ids.values())
        assert SymbolTable(engine.segment).list() == list(model.ids)  # what another process reads


@pytest.mark.parametrize(
    ("text", "bytes_each"), [("a", 1), ("ß", 2), ("€", 3), ("\U0001f600", 4)], ids=["ascii", "2", "3", "4"]
)
def test_the_limit_is_48_bytes_not_characters(engine, text, bytes_each):
    longest = text * (48 // bytes_each)
    assert engine.register(longest) == 0
    with pytest.raises(InvalidUpdateError) as caught:
        engine.register(longest + text)
    assert caught.value.reason == "symbol_too_long"
    with pytest.raises(InvalidUpdateError):
        engine.register(longest + "a" * (49 - len(longest.encode())))
    assert engine.symbols() == [longest]


@pytest.mark.parametrize(
    ("text", "reason"), [("", "symbol_empty"), ("\ud800", "symbol_encoding"), ("a" * 10**6, "symbol_too_long")]
)
def test_what_cannot_be_a_symbol_is_refused_and_leaves_nothing(engine, text, reason):
    before = bytes(engine.segment.view()[: engine.segment.describe()["handles"]])
    for call in (engine.register, lambda name: engine.update(name, 1.0), lambda name: engine.update_quote(name, 1, 2)):
        with pytest.raises(InvalidUpdateError) as caught:
            call(text)
        assert caught.value.reason == reason
    assert text not in engine
    assert len(engine) == 0
    assert bytes(engine.segment.view()[: len(before)])[4096:] == before[4096:]


@pytest.mark.parametrize("wrong", [None, 1, 1.5, b"A", ["A"], ("A",), object()])
def test_what_is_no_str_is_a_type_error(engine, wrong):
    for call in (lambda name: engine.update(name, 1.0), engine.price, engine.symbol_id):
        with pytest.raises(TypeError, match="symbol must be a str"):
            call(wrong)
    assert len(engine) == 0


def test_texts_that_differ_only_behind_a_nul_or_in_form_are_different(engine):
    names = ["A", "A\0", "A\0\0", "\0A", "a", "\u00e9", "e\u0301", "\uff21", "A ", " A"]
    assert engine.register(names).tolist() == list(range(len(names)))
    assert engine.symbols() == names
    for number, name in enumerate(names):
        engine.update(copy_of(name), number + 1.0)
    assert [engine.price(copy_of(name)) for name in names] == [number + 1.0 for number in range(len(names))]


def test_equal_texts_of_different_classes_are_one_symbol(engine):
    assert engine.register("VENUE:X") == 0
    same = [copy_of("VENUE:X"), Name("VENUE:X"), np.str_("VENUE:X"), np.array(["VENUE:X"])[0]]
    assert [engine.register(text) for text in same] == [0] * 4
    assert type(engine.symbols()[0]) is str


def test_a_subclass_can_be_the_first_to_name_a_symbol(engine):
    engine.update(Name("FIRST"), 5.0)
    assert engine.symbols() == ["FIRST"]
    assert engine.price("FIRST") == engine.price(Name("FIRST")) == 5.0


def colliding(count, key, modulus, end):
    """Names that begin their search at `end` in a table of `modulus` places."""
    names = (f"{i:x}" for i in itertools.count())
    return list(itertools.islice((name for name in names if key(name) % modulus == end), count))


@pytest.mark.parametrize("end", [0, INDEX_ENTRIES - 1], ids=["first", "last"])
def test_names_that_collide_in_the_segment_are_told_apart(engine, end):
    names = colliding(40, lambda name: fnv1a(name.encode()), INDEX_ENTRIES, end)  # a run that wraps around
    *registered, absent = names
    ids = engine.register(registered)
    assert ids.tolist() == list(range(39))
    fresh = SymbolTable(engine.segment)  # with nothing in its private index
    assert [fresh.find_id(name) for name in registered] == list(range(39))
    assert fresh.find_id(absent) == -1


@pytest.mark.parametrize("end", [0, STR_ENTRIES - 1], ids=["first", "last"])
def test_names_that_collide_in_the_private_index_are_told_apart(engine, end):
    *registered, absent = colliding(60, hash, STR_ENTRIES, end)
    ids = engine.register(registered)
    for _ in range(2):
        assert [engine.register(copy_of(name)) for name in registered] == ids.tolist()
    assert absent not in engine


def test_the_index_grows_and_keeps_what_it_knew():
    names = [f"SYMBOL {i}" for i in range(20_000)]
    with PriceEngine(max_symbols=32_768, ring_capacity=1024, pool_buffers=1) as engine:
        for at in range(0, len(names), 1000):
            engine.register(names[at : at + 1000])
            assert engine.symbol_id(copy_of(names[at // 2])) == at // 2
        assert [engine.symbol_id(copy_of(name)) for name in names] == list(range(20_000))
        assert engine.symbols() == names


@pytest.mark.filterwarnings("ignore")
def test_a_full_table_refuses_new_names_and_serves_the_old():
    names = [f"S{i}" for i in range(CAPACITY)]
    with PriceEngine(max_symbols=CAPACITY, ring_capacity=1024, pool_buffers=1) as engine:
        engine.register(names)
        sequence = engine.metrics().ring.sequence
        for call in (engine.register, lambda name: engine.update(name, 1.0)):
            with pytest.raises(SymbolTableFullError):
                call("ONE MORE")
        assert engine.update_many(["ONE MORE", "S5"], [1.0, 2.0]) == 1
        assert "ONE MORE" not in engine
        assert engine.metrics().ring.sequence == sequence + 1  # the row of S5: no ticket was spent on the others
        assert engine.symbols() == names
        assert engine.register("S1023") == 1023


def test_a_full_price_map_refuses_new_names():
    prices = PriceMap(1)
    for i in range(CAPACITY):
        prices.update(f"S{i}", 1.0 + i)
    with pytest.raises(SymbolTableFullError):
        prices.update("ONE MORE", 1.0)
    assert len(prices) == CAPACITY
    assert "ONE MORE" not in prices
    assert prices.get("S1000").price == 1001.0


@pytest.mark.parametrize("wrong", [-1, 3, 2**31, 2**64, -(2**70)])
def test_an_id_that_is_not_given_is_unknown(engine, wrong):
    engine.register(["A", "B", "C"])
    with pytest.raises(UnknownSymbolError, match="ids run from 0 to 2"):
        engine.symbol(wrong)


def test_threads_that_add_the_same_and_different_names_agree():
    common = [f"COMMON {i}" for i in range(400)]
    with PriceEngine(max_symbols=4096, ring_capacity=1024, pool_buffers=1) as engine:

        def body(index):
            chance = random.Random(index)
            names = [copy_of(name) for name in common] + [f"OWN {index}:{i}" for i in range(200)]
            chance.shuffle(names)
            found = {}
            for name in names:
                if chance.random() < 0.5:
                    engine.update(name, 1.0)
                    found[name] = engine.symbol_id(copy_of(name))
                else:
                    found[name] = engine.register(name)
                other = common[chance.randrange(400)]
                assert (other in engine) in (True, False)  # a lookup beside additions
            return found

        results = run_threads(6, body)
        names = engine.symbols()
        assert len(names) == len(set(names)) == len(engine) == 400 + 6 * 200
        for found in results:
            assert all(names[symbol_id] == name for name, symbol_id in found.items())
        assert sorted({i for found in results for i in found.values()}) == list(range(len(names)))
