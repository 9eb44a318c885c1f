"""The subscriptions of an engine in its metrics, and in those of its views: by name, and in sum."""

import asyncio
import gc
import json
import logging
import pickle
import threading
from contextlib import suppress

import pytest
from helpers.fork import run_in_child
from helpers.threads import run_threads
from helpers.waiting import until
from helpers.writers import SMALL

from pricecore import LaggedError, PriceCache, PriceEngine, attach
from pricecore.engine.subscription_names import FIELDS, MAX_NAMES, subscriptions_in
from pricecore.metrics.subscriptions import SubscriptionGroup, Subscriptions


def told(source):
    return source.metrics().subscriptions


def test_an_engine_without_subscriptions_tells_of_none(engine):
    with attach("md") as view, view.subscribe(name="elsewhere"):
        assert told(engine) == told(view) == Subscriptions(0, 0, 0.0, 0, 0, 0, {})
        assert not [name for name in engine.segment.figures() if name.startswith("sub/")]


def test_each_name_has_what_its_subscriptions_say_and_the_sum_has_all(engine):
    with engine.subscribe(name="risk") as risk, engine.subscribe(mode="all") as other, engine.subscribe() as idle:
        engine.update_many(["A"] * 8 + ["B"] * 2, range(1, 11))
        risk.poll()
        other.poll(3)
        assert told(engine).by_name == {
            "risk": SubscriptionGroup(1, 0, 0.0, risk.stats().delivered, risk.stats().conflated, 0),
            "": SubscriptionGroup(2, 12, pytest.approx(0, abs=60), 3, 0, 0),
        }
        assert (risk.name, idle.name, risk.stats().delivered, risk.stats().conflated) == ("risk", None, 2, 8)
        assert 0 < told(engine).lag_s < idle.stats().lag_s + 60
        assert told(engine)[:2] + told(engine)[3:6] == (3, 12, 5, 8, 0)


def test_a_view_sees_the_same_within_seconds(engine):
    with attach("md") as view, engine.subscribe(name="risk") as risk, engine.subscribe("B", name="é" * 8) as other:
        engine.update_many(["A", "B"] * 40, range(1, 81))
        until(lambda: told(view).open == 2 and told(view).lag_records == 82)
        assert told(view).lag_s > 0
        risk.poll()
        other.poll()
        until(lambda: told(view) == told(engine))
        assert told(view).by_name["risk"] == SubscriptionGroup(1, 0, 0.0, 2, 78, 0)


def test_records_that_were_lost_are_told_also_of_one_that_raises(engine):
    with engine.subscribe(mode="all") as reports, engine.subscribe(mode="all", on_lag="raise", name="strict") as strict:
        for price in range(1, SMALL["ring_capacity"] + 101):
            engine.update("A", price)
        reports.poll()
        with pytest.raises(LaggedError):
            strict.poll()
        assert reports.stats().lost == strict.stats().lost == 101
        assert told(engine).by_name["strict"].lost == 101
        assert told(engine).lost == engine.metrics().ring.lost == 202


@pytest.mark.parametrize("close", [True, False])
def test_one_that_is_closed_or_forgotten_is_not_open_and_its_counts_stay(engine, close):
    subscription = engine.subscribe(name="risk")
    engine.update("A", 1.0)
    subscription.poll()
    engine.update("A", 2.0)
    assert told(engine).by_name["risk"][:2] == (1, 1)
    if close:
        subscription.close()
    else:
        del subscription
        gc.collect()
    assert told(engine).by_name == {"risk": SubscriptionGroup(delivered=1)}
    with engine.subscribe(name="risk") as another:
        engine.update("A", 3.0)
        another.poll()
        assert told(engine).by_name == {"risk": SubscriptionGroup(open=1, delivered=2)}
        assert another.stats().delivered == 1


def test_counts_never_fall_while_subscriptions_come_and_go(engine):
    delivered = 0
    for number in range(30):
        subscriptions = [engine.subscribe(mode="all") for _ in range(1 + number % 3)]
        engine.update_many(["A"] * 5, range(1, 6))
        for subscription in subscriptions:
            delivered += len(subscription.poll())
        assert (told(engine).open, told(engine).delivered) == (len(subscriptions), delivered)
        del subscription, subscriptions
    assert delivered == 30 * 2 * 5
    assert told(engine)[:3] == (0, 0, 0.0)


def test_counts_add_up_while_threads_subscribe_poll_and_forget(engine):
    engine.update_many(["A"] * 20, range(1, 21))

    def follow():
        for number in range(300):
            subscription = engine.subscribe(mode="all", start=1, name=("one", "two", None)[number % 3])
            assert len(subscription.poll()) == 20

    def follow_or_look(index):
        look() if index == 4 else follow()

    def look():
        delivered = [told(engine).delivered]
        while delivered[-1] < 4 * 300 * 20:
            delivered.append(told(engine).delivered)
            assert told(engine).open <= 2 * 4
        assert delivered == sorted(delivered)

    run_threads(5, follow_or_look)
    assert told(engine) == Subscriptions.of(
        {name: SubscriptionGroup(delivered=4 * share * 20) for name, share in (("one", 100), ("two", 100), ("", 100))}
    )


def test_one_that_waits_for_what_it_wants_is_not_behind(engine):
    with engine.subscribe("WANTED", mode="all") as subscription:
        seen = []
        waiting = threading.Thread(target=lambda: seen.append(subscription.poll(timeout_s=60.0)["price"].tolist()))
        waiting.start()
        engine.update_many(["OTHER"] * 50, range(1, 51))
        until(lambda: told(engine).lag_records == 0)
        assert not seen
        engine.update("WANTED", 5.0)
        waiting.join(60.0)
        assert seen == [[5.0]]


def test_callbacks_and_event_loops_are_told_of_as_well(engine):
    brought, taken = [], []
    delivering, looping = engine.subscribe(mode="all", name="callback"), engine.subscribe(mode="all", name="loop")
    thread = delivering.deliver(brought.append)

    async def take():
        async for batch in looping.batches():
            taken.append(batch)
            looping.close()

    engine.update("A", 1.0)
    asyncio.run(take())
    until(lambda: told(engine).by_name["callback"].delivered == 1)
    assert told(engine).by_name["loop"] == SubscriptionGroup(delivered=1)
    delivering.close()
    thread.join(60.0)
    assert told(engine).open == 0


def test_a_writer_that_is_gone_has_none_open_and_the_next_one_begins_anew():
    with attach_after_subscription() as view:
        assert told(view) == Subscriptions.of({"risk": SubscriptionGroup(delivered=1)})
        with PriceEngine("md", **SMALL) as successor:
            assert told(view) == told(successor) == Subscriptions.of({})
            with successor.subscribe(name="risk"):
                until(lambda: told(view).by_name == {"risk": SubscriptionGroup(open=1)})


def attach_after_subscription():
    with PriceEngine("md", **SMALL) as engine, engine.subscribe(mode="all", name="risk") as subscription:
        view = attach("md")
        engine.update("A", 1.0)
        subscription.poll()
        until(lambda: told(view).delivered == 1)
        return view


def test_eight_names_have_figures_and_the_next_is_counted_without_its_name(engine, caplog):
    open_ = [engine.subscribe(name=f"name {number}") for number in range(MAX_NAMES)]
    with caplog.at_level(logging.WARNING, "pricecore"):
        open_ += [engine.subscribe(name="one more"), engine.subscribe(name="name 3"), engine.subscribe()]
    assert "'one more' is counted with those that have no name" in caplog.text
    assert told(engine).by_name["name 3"].open == told(engine).by_name[""].open == 2
    assert (told(engine).open, len(told(engine).by_name)) == (11, MAX_NAMES + 1)
    for number in range(10):
        engine.add_cache(f"cache {number}", PriceCache(1))


def test_where_caches_have_all_figures_only_the_engine_itself_tells(engine):
    with suppress(ValueError):
        for number in range(20):
            engine.add_cache(f"cache {number}", PriceCache(1))
    with attach("md") as view, engine.subscribe(mode="all", name="risk") as subscription:
        engine.update("A", 1.0)
        subscription.poll()
        assert told(engine).by_name == {"": SubscriptionGroup(open=1, delivered=1)}
        assert told(view).by_name == {}


@pytest.mark.parametrize("name", ["", "a" * 17, "é" * 9, "a/b", "a\0", "\ud800"])
def test_a_name_that_is_none_is_refused(source, name):
    with pytest.raises(ValueError, match="a subscription's name has 1 to 16 bytes"):
        source.subscribe(name=name)


@pytest.mark.parametrize("name", [3, b"A", ["A"]])
def test_a_name_of_a_wrong_type_is_refused(source, name):
    with pytest.raises(TypeError, match="name must be a str"):
        source.subscribe(name=name)


def test_a_child_of_a_named_engine_tells_what_its_parent_does(engine):
    with engine.subscribe(mode="all") as subscription:
        engine.update_many(["A"] * 7, range(1, 8))
        subscription.poll()
        until(lambda: engine.segment.figures()["sub//delivered"] == 7)

        def child():
            assert told(engine).delivered == 7
            subscription.close()
            assert told(engine).open == 1

        run_in_child(child)


def test_figures_go_into_json_and_through_pickle(engine):
    with engine.subscribe(name="risk"):
        metrics = engine.metrics()
    by_name = json.loads(json.dumps(metrics.as_dict()))["subscriptions"]["by_name"]
    assert by_name == {"risk": dict(zip(FIELDS, (1, 0, 0.0, 0, 0, 0), strict=True))}
    assert pickle.loads(pickle.dumps(metrics.subscriptions)) == metrics.subscriptions


def test_damaged_figures_are_no_subscription_or_count_from_zero():
    figures = {"sub/a/open": -3.0, "sub/a/lost": 1e300, "sub": 1.0, "sub/": 2.0, "sub/a/b/open": 3.0, "sub/c/odd": 4.0}
    assert subscriptions_in(figures, True).by_name == {"a": SubscriptionGroup(lost=int(1e300))}
