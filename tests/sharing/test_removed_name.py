"""A segment that is removed under its readers, and a name that begins again: what views and subscriptions see."""

import asyncio
import time

import pytest
from helpers.threads import run_threads
from helpers.waiting import until
from helpers.writers import SMALL

from pricecore import PriceEngine, WriterDiedError, attach
from pricecore.delivery import bells, subscription_core
from pricecore.engine import view as view_module
from pricecore.primitives.segment_list import remove_orphaned

PATIENCE_S = 60.0
NEVER_S = 3_600.0


def write(price, **sizes):
    """Be a writer that comes, writes one price and goes."""
    with PriceEngine("md", **(SMALL | sizes)) as engine:
        engine.update("A", price)


@pytest.fixture
def view():
    write(1.5)
    with attach("md") as view:
        yield view


def test_attached_views_keep_the_last_prices_of_a_segment_that_is_removed(view):
    assert remove_orphaned() == ["md"]
    assert (view.price("A"), view.symbols(), len(view.snapshot()), view.metrics().symbols) == (1.5, ["A"], 1, 1)
    assert (view.alive, view.generation) == (False, 1)
    assert repr(view) == "<EngineView of 'md': 1 symbols, writer gone>"


def test_attached_views_follow_the_writer_that_makes_it_again(view):
    remove_orphaned()
    assert view.price("A") == 1.5
    with PriceEngine("md", **SMALL) as engine:
        engine.update("B", 2.5)
        assert view.alive
        assert (view.price("B"), view.get("A"), view.symbols()) == (2.5, None, ["B"])


def test_prices_follow_without_a_question_for_the_writer(view):
    remove_orphaned()
    assert view.price("A") == 1.5
    write(2.5)
    until(lambda: view.price("A") == 2.5)


def test_generation_grows_also_when_the_name_begins_again(view):
    write(2.0)
    write(3.0)
    assert view.generation == 3
    for generation in (4, 5):
        remove_orphaned()
        write(1.0)
        assert view.generation == generation
    write(2.0)
    assert view.generation == 6
    write(2.0, max_symbols=2_048)
    assert view.generation == 7
    with attach("md") as later:
        assert later.generation == 3


def test_reading_a_removed_segment_seldom_looks_at_the_file_system(view, monkeypatch):
    looks = []
    monkeypatch.setattr(view_module, "is_current", lambda file: looks.append(file) and False)
    remove_orphaned()
    began_s = time.monotonic()
    for _ in range(100_000):
        assert view.price("A") == 1.5
    spent_s = time.monotonic() - began_s
    assert 1 <= len(looks) <= 11 + spent_s / 0.05


def test_next_replacement_is_followed_at_once_again(view, monkeypatch):
    remove_orphaned()
    looks, is_current = [], view_module.is_current
    monkeypatch.setattr(view_module, "is_current", lambda file: looks.append(file) or is_current(file))
    until(lambda: view.price("A") == 1.5 and len(looks) > 10)
    write(2.5)
    assert (view.generation, view.price("A")) == (2, 2.5)
    write(3.5, max_symbols=2_048)
    assert view.price("A") == 3.5


def test_question_for_the_writer_always_looks(view, monkeypatch):
    looks = []
    monkeypatch.setattr(view_module, "is_current", lambda file: looks.append(file) and False)
    remove_orphaned()
    for ask in (lambda: view.alive, lambda: view.generation, view.metrics, view.subscribe):
        before = len(looks)
        ask()
        assert len(looks) == before + 1


@pytest.mark.parametrize("mode", ["all", "conflate"])
def test_subscription_gives_what_had_come_then_an_error_that_says_subscribe_again(view, mode):
    subscription = view.subscribe(start=1, mode=mode)
    remove_orphaned()
    assert subscription.poll()["price"].tolist() == [1.5]
    for _ in range(2):  # also once there is a next writer
        with pytest.raises(WriterDiedError, match=r"'md' was removed.*subscribe again"):
            subscription.poll(1, PATIENCE_S)
        write(2.5)
    assert view.generation == 2
    assert view.subscribe(start=1, mode=mode).poll()["price"].tolist()[-1:] == [2.5]


def woken(engine, view):
    """Tell whether a reader that does not look up by himself is woken by an update."""

    def publish():
        until(lambda: subscription.waits.announced)
        time.sleep(0.02)  # else it may not sleep yet, and sees the price without a wake
        engine.update("A", 3.5)

    with view.subscribe(mode="all") as subscription:
        sides = [lambda: subscription.poll(1, PATIENCE_S), publish]
        return run_threads(2, lambda i: sides[i]())[0]["price"].tolist() == [3.5]


def test_reader_of_a_name_that_began_again_is_woken(view, monkeypatch):
    monkeypatch.setattr(subscription_core, "LOOK_UP_S", NEVER_S)
    view.subscribe()
    remove_orphaned()
    view.subscribe()
    with PriceEngine("md", **SMALL) as engine:
        assert woken(engine, view)


def test_reader_is_woken_after_one_that_removes_died_behind_the_page(view, monkeypatch, folder):
    """It has deleted `NAME.wait` and not yet the segment: the next writer goes on with that, and a page of its own."""
    monkeypatch.setattr(subscription_core, "LOOK_UP_S", NEVER_S)
    room = view.subscribe().waits
    assert view.subscribe().waits is room
    (folder / "pricecore-md.wait").unlink()
    with PriceEngine("md", **SMALL) as engine:
        assert woken(engine, view)
        assert view.subscribe().waits is not room


def test_task_is_woken_by_its_own_page(view, monkeypatch, folder):
    """Beside one of the same loop and view that waits at the page before."""

    async def first_price():
        with PriceEngine("md", **SMALL) as engine, view.subscribe(mode="all") as new:
            tasks = [asyncio.ensure_future(anext(one.batches())) for one in (old, new)]
            while not new.waits.announced:
                await asyncio.sleep(0.005)
            engine.update("A", 3.5)
            batch = await tasks[1]
            tasks[0].cancel()
            return batch["price"].tolist()

    monkeypatch.setattr(bells, "LOOK_UP_S", NEVER_S)
    with view.subscribe(mode="all") as old:
        (folder / "pricecore-md.wait").unlink()
        assert asyncio.run(asyncio.wait_for(first_price(), PATIENCE_S)) == [3.5]


def test_page_goes_before_the_segment(view, monkeypatch, folder):
    """The other way round, the next writer could have made both by then, and would lose its page."""
    left = []
    unlink = type(folder).unlink

    def tell(path, *arguments, **options):
        unlink(path, *arguments, **options)
        left.append(sorted(other.name for other in folder.iterdir()))

    monkeypatch.setattr(type(folder), "unlink", tell)
    assert remove_orphaned() == ["md"]
    assert left == [["pricecore-md"], []]


def test_segment_whose_page_cannot_be_deleted_is_removed(view, folder):
    (folder / "pricecore-md.wait").unlink()
    (folder / "pricecore-md.wait").mkdir()
    assert remove_orphaned() == ["md"]
    assert not (folder / "pricecore-md").exists()
