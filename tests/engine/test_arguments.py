"""How `update` and `update_quote` take their arguments: as a plain Python method of the same signature does.

Both answer through C functions that bind common calls themselves (pricecore/primitives/arguments.h) and leave the rest
to Cython's own methods, so every call is made both ways here: by interned keywords, and by other ones.
"""

import inspect
import math
import sys
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pricecore import EngineClosedError, InvalidUpdateError, PriceEngine
from pricecore.engine import updater
from pricecore.engine.updater import Updater

NAN = math.nan
TIME = 1_723_075_200_000_000_000
CALLS = ["update", "update_quote"]
RECEIVERS = ["engine", "writer", "subclass", "override"]


class Like:
    """The signatures, in plain Python."""

    def update(self, symbol, price, volume=0.0, timestamp_ns=0, change_24h=NAN):
        return symbol, price, volume, timestamp_ns, change_24h

    def update_quote(self, symbol, bid, ask, bid_size=0.0, ask_size=0.0, timestamp_ns=0, partial=False):
        return symbol, bid, ask, bid_size, ask_size, timestamp_ns


FULL = {
    "update": {"symbol": "A", "price": 1.5, "volume": 2.5, "timestamp_ns": TIME, "change_24h": -3.5},
    "update_quote": {
        "symbol": "A", "bid": 1.5, "ask": 2.5, "bid_size": 3.5, "ask_size": 4.5, "timestamp_ns": TIME,
        "partial": False,
    },
}  # fmt: skip


class Text(str):
    """A str that is no interned one."""

    __slots__ = ()


def new_str(text):
    """Return an equal str that is not interned."""
    return "".join([text[:1], text[1:]])


class Subclass(PriceEngine):
    pass


class Override(PriceEngine):
    def update(self, *args, **kwargs):
        return super().update(*args, **kwargs)

    def update_quote(self, *args, **kwargs):
        return super().update_quote(*args, **kwargs)


@pytest.fixture(scope="module")
def receivers():
    """Everything that has the methods; no order of times."""
    options = {"max_symbols": 1_024, "ring_capacity": 1_024, "latency_window": 10, "pool_buffers": 1}
    options["out_of_order"] = "apply"
    with (
        PriceEngine(**options) as engine,
        Subclass(**options) as subclass,
        Override(**options) as override,
        engine.writer() as writer,
    ):
        yield {"engine": engine, "writer": writer, "subclass": subclass, "override": override}


def method(receivers, who, call, bound):
    """Return the method of this receiver, looked up on the object or on its class."""
    receiver = receivers[who]
    if bound:
        return getattr(receiver, call)
    return lambda *args, **kwargs: getattr(type(receiver), call)(receiver, *args, **kwargs)


def stored(receivers, who, call):
    """Return what the receiver's engine has for A, without sequence and receive time."""
    engine = receivers["engine" if who == "writer" else who]
    return tuple((engine.get("A") if call == "update" else engine.quote("A"))[:-2])


def expected(call, *args, **kwargs):
    """Return what is stored for these arguments; TypeError where plain Python raises it."""
    return getattr(Like(), call)(*args, **kwargs)


def same(one, other):
    return repr(one) == repr(other)  # NaN is NaN


every_call = pytest.mark.parametrize("call", CALLS)
every_receiver = pytest.mark.parametrize("who", RECEIVERS)
bound_or_not = pytest.mark.parametrize("bound", [True, False], ids=["bound", "unbound"])


@every_call
def test_c_functions_answer_on_this_interpreter(call):
    assert updater._put_before[call] is True


class Watched:
    """A number that notes how often it is referred to while its update runs."""

    def __init__(self):
        self.seen = []

    def __float__(self):
        self.seen.append(sys.getrefcount(self))
        return 1.0


@pytest.mark.parametrize(("call", "names"), [("update", ("price", "volume")), ("update_quote", ("bid", "ask"))])
def test_arguments_bound_at_once_are_not_referred_to_once_more(receivers, call, names):
    at_once, parsed = Watched(), Watched()
    for watched, key in ((at_once, str), (parsed, new_str)):
        getattr(receivers["engine"], call)("A", 1.0, **{key(names[1]): watched})
    assert len(at_once.seen) == len(parsed.seen) == 1
    assert at_once.seen[0] < parsed.seen[0]


@every_call
@every_receiver
@bound_or_not
@pytest.mark.parametrize("key", [str, new_str, Text], ids=["interned", "other object", "subclass"])
def test_any_split_into_positions_and_keywords_is_the_same_update(receivers, call, who, bound, key):
    names = list(FULL[call])
    update = method(receivers, who, call, bound)
    for count in range(len(names) + 1):
        for left_out in range(len(names) + 1 - max(count, 3)):
            args = [FULL[call][name] for name in names[:count]]
            kwargs = {key(name): FULL[call][name] for name in names[count : len(names) - left_out]}
            assert update(*args, **kwargs) is True
            assert same(stored(receivers, who, call), expected(call, *args, **kwargs))


any_keywords = st.lists(st.tuples(st.integers(0, 7), st.sampled_from([str, new_str, Text])), max_size=6)


@every_call
@every_receiver
@settings(max_examples=150, deadline=None)
@given(count=st.integers(0, 8), keywords=any_keywords, bound=st.booleans())
@example(count=0, keywords=[(4, str), (3, str), (2, str), (1, str), (0, str)], bound=True)
@example(count=2, keywords=[(4, str), (2, new_str)], bound=True)
def test_any_call_does_what_a_plain_method_does(receivers, call, who, count, keywords, bound):
    names = [*FULL[call], "unknown"]
    values = [*FULL[call].values(), 1.0, 1.0]
    args = values[:count]
    kwargs = {key(names[k % len(names)]): values[k % len(names)] for k, key in keywords}
    update = method(receivers, who, call, bound)
    try:
        want = expected(call, *args, **kwargs)
    except TypeError:
        with pytest.raises(TypeError):
            update(*args, **kwargs)
        return
    assert update(*args, **kwargs) is True
    assert same(stored(receivers, who, call), want)


WRONG_CALLS = [
    ((), {}, "at least"),
    (("A",), {}, "at least"),
    (("A",), {"timestamp_ns": 0}, "at least"),
    ((), {"symbol": "A"}, "at least"),
    (("A", 1.0, 2.0, 0, 0.0, 0, 0, 0), {}, "at most"),
    (("A", 1.0, 2.0), {"symbol": "A"}, "multiple values.*symbol"),
    (("A", 1.0, 2.0), {Text("symbol"): "A"}, "multiple values.*symbol"),
    (("A", 1.0, 2.0), {new_str("symbol"): "A"}, "multiple values.*symbol"),
    (("A", 1.0, 2.0), {"timestamp": 0}, "unexpected keyword argument 'timestamp'"),
    (("A", 1.0, 2.0), {Text("timestamp"): 0}, "unexpected keyword argument 'timestamp'"),
    (("A", 1.0, 2.0), {"": 0}, "unexpected keyword argument ''"),
    (("A", 1.0, 2.0), {"\ud800": 0}, "unexpected keyword argument"),
    (("A", 1.0, 2.0), {1: 0}, "keywords must be strings"),
    (("A", 1.0, 2.0), {None: 0}, "keywords must be strings"),
]


@every_call
@every_receiver
@bound_or_not
@pytest.mark.parametrize(("args", "kwargs", "told"), WRONG_CALLS)
def test_wrong_call_is_a_type_error_that_says_what_is_wrong(receivers, call, who, bound, args, kwargs, told):
    engine = receivers["engine"]
    before = engine.metrics().messages_received
    with pytest.raises(TypeError):
        expected(call, *args, **kwargs)
    with pytest.raises(TypeError, match=told):
        method(receivers, who, call, bound)(*args, **kwargs)
    assert engine.metrics().messages_received == before


@every_call
@pytest.mark.parametrize("args", [(), (object(), "A", 1.0, 2.0), ("A", 1.0, 2.0), (None, "A", 1.0, 2.0), (Updater,)])
@pytest.mark.parametrize("owner", [PriceEngine, Subclass, Updater])
def test_wrong_self_is_a_type_error(call, args, owner):
    with pytest.raises(TypeError):
        getattr(owner, call)(*args)
    with pytest.raises(TypeError):
        getattr(owner, call)(*args, timestamp_ns=0)


@every_call
@pytest.mark.parametrize("owner", [PriceEngine, Updater, Subclass])
def test_object_that_was_never_opened_is_closed(call, owner):
    made = owner.__new__(owner)
    for kwargs in ({}, {"timestamp_ns": 0}, {new_str("timestamp_ns"): 0}):
        with pytest.raises(EngineClosedError):
            getattr(made, call)("A", 1.0, 2.0, **kwargs)


@every_call
def test_it_still_looks_like_the_method_that_it_stands_for(receivers, call):
    found = getattr(PriceEngine, call)
    assert found is Updater.__dict__[call]
    assert inspect.ismethoddescriptor(found)
    assert (found.__name__, found.__qualname__, found.__objclass__) == (call, f"Updater.{call}", Updater)
    assert found.__doc__.startswith("Make a ")
    assert "Parameters\n----------\nsymbol : str" in inspect.getdoc(found)
    plain = inspect.signature(getattr(Like, call)).parameters.values()
    ours = inspect.signature(found).parameters.values()
    assert [(p.name, repr(p.default)) for p in ours] == [(p.name, repr(p.default)) for p in plain]
    bound = getattr(receivers["engine"], call)
    assert (bound.__self__, bound.__name__, bound.__doc__) == (receivers["engine"], call, found.__doc__)


def ways_to_call(update, call, values):
    """Return calls that reach every path of the binding: good ones, refused ones, and wrong ones."""
    names = list(FULL[call])
    keywords = dict(zip(names, values, strict=True))
    refused = [values[0], -1.0, *values[2:]]
    last = names[-1]
    return [
        lambda: update(*values),
        lambda: update(*values[:3]),
        lambda: update(**keywords),
        lambda: update(*values[:2], **{name: keywords[name] for name in reversed(names[2:])}),
        lambda: update(**{new_str(name): value for name, value in keywords.items()}),
        lambda: update(*refused),
        lambda: update(*refused[:-1], **{last: refused[-1]}),
        lambda: update(*values, values[1]),
        lambda: update(*values, **{last: values[-1]}),
        lambda: update(*values[:3], unknown=values[1]),
        lambda: update(values[0], price=values[1], bid=values[1], nothing=values[2]),
        lambda: update(values[0], values[1], values[1], **{last: keywords[last], "volumes": values[2]}),
        lambda: update(values[0], symbol=values[0]),
        lambda: update(values[0]),
        lambda: update(values[0], "no number", values[2]),
        lambda: update(values[0], values[1], values[2], timestamp_ns=values[1]),
    ]


@every_call
@pytest.mark.parametrize("who", ["engine", "writer"])
@bound_or_not
def test_references_to_arguments_do_not_grow(receivers, call, who, bound):
    values = [
        new_str("TRADED") if name == "symbol"
        else TIME + len(CALLS) if name == "timestamp_ns"
        else [] if name == "partial"
        else float(f"1.2{i}")
        for i, name in enumerate(FULL[call])
    ]  # fmt: skip
    update = method(receivers, who, call, bound)
    update(*values)  # a new symbol is kept
    update(*values)  # and its object when it is first looked up
    for one_call in ways_to_call(update, call, values):
        before = [sys.getrefcount(value) for value in values]
        for _ in range(10_000 // 16):
            with suppress(TypeError, InvalidUpdateError):
                one_call()
        assert [sys.getrefcount(value) for value in values] == before


@every_call
@bound_or_not
def test_references_to_the_receiver_do_not_grow(receivers, call, bound):
    update, engine = method(receivers, "engine", call, bound), receivers["engine"]
    before = sys.getrefcount(engine)
    for _ in range(10_000):
        update("A", 1.0, 2.0)
        update("A", 1.0, 2.0, timestamp_ns=TIME)
    assert sys.getrefcount(engine) == before


@every_call
def test_list_that_is_emptied_by_a_number_of_its_own_does_no_harm(receivers, call):
    class Clearing:
        def __float__(self):
            given.clear()
            return 2.0

    given = [new_str("LIVES"), Clearing(), float("3.5")]
    assert getattr(receivers["engine"], call)(*given) is True
    assert given == []
    assert "LIVES" in receivers["engine"]


@every_call
def test_truth_of_an_argument_that_raises_is_told_and_nothing_is_stored(receivers, call):
    class Broken:
        def __bool__(self):
            raise ZeroDivisionError("no truth")

        def __float__(self):
            raise ZeroDivisionError("no truth")

    engine = receivers["engine"]
    before = engine.metrics().ring.sequence
    last = list(FULL[call])[-1]
    for kwargs in ({last: Broken()}, {new_str(last): Broken()}):
        with pytest.raises(ZeroDivisionError, match="no truth"):
            getattr(engine, call)("A", 1.0, 2.0, **kwargs)
    assert engine.metrics().ring.sequence == before
    assert getattr(engine, call)("A", 1.0, 2.0) is True
