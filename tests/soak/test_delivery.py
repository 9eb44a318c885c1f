"""What a soak's subscriber counts adds up, and a record that is missing, or comes twice, is found."""

import pytest
from soak.delivery import Delivery, OrderError

from pricecore import PriceEngine


@pytest.fixture
def engine():
    with PriceEngine(ring_capacity=1_024) as engine:
        yield engine


@pytest.fixture
def subscription(engine):
    return engine.subscribe(mode="all")


@pytest.fixture
def delivery(subscription):
    delivery = Delivery("test", every=True)
    delivery.begin(subscription)
    return delivery


def write(engine, count):
    for i in range(count):
        engine.update(f"S{i % 10}", 1.0 + i)


def test_every_record_adds_up(engine, subscription, delivery):
    for _ in range(50):
        write(engine, 100)
        delivery.take(subscription.poll(1_000), subscription, len(engine))
    figures = delivery.sample()
    assert (figures["received"], figures["lost"]) == (5_000, 0)
    assert figures["p99_us"] >= 0
    assert delivery.sample()["p99_us"] is None


def test_records_that_were_lost_and_told_add_up(engine, subscription, delivery):
    write(engine, 5_000)
    delivery.take(subscription.poll(2_000), subscription, len(engine))
    figures = delivery.sample()
    assert figures["received"] + figures["lost"] == pytest.approx(5_000, abs=10)  # SYMBOL records may be among the lost
    assert figures["lost"] > 3_000


def test_a_record_that_was_not_delivered_is_found(engine, subscription, delivery):
    write(engine, 100)
    delivery.take(subscription.poll(50), subscription, len(engine))
    subscription.poll(11)  # one more than there are SYMBOL records
    with pytest.raises(OrderError, match="21 are left, and there are 10 symbols"):
        delivery.take(subscription.poll(50), subscription, len(engine))


def test_a_record_that_comes_twice_is_found(engine, subscription, delivery):
    write(engine, 10)
    batch = subscription.poll(100)
    delivery.take(batch, subscription, len(engine))
    with pytest.raises(OrderError, match="behind"):
        delivery.take(batch, subscription, len(engine))


def test_a_new_subscription_begins_anew(engine, subscription, delivery):
    write(engine, 100)
    delivery.take(subscription.poll(100), subscription, len(engine))
    write(engine, 500)
    with engine.subscribe(mode="all") as later:
        delivery.begin(later)
        write(engine, 100)
        delivery.take(later.poll(1_000), later, len(engine))
    assert delivery.sample()["received"] == 200
