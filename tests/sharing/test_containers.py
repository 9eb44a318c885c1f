"""Writer and reader in namespaces of their own that have one folder in common, as two containers with a volume."""

from contextlib import ExitStack

import pytest
from helpers.containers import AS_ANY_USER, container, why_not
from helpers.waiting import until
from helpers.writers import SMALL

ENGINE = f"globals().update(engine=pricecore.PriceEngine('md', **{SMALL}))"
VIEW = "globals().update(view=pricecore.attach('md'))"
SUBSCRIPTION = "globals().update(subscription=view.subscribe(mode='all'))"
NEVER_LOOK_UP = "setattr(sys.modules['pricecore.delivery.subscription_core'], 'LOOK_UP_S', 3600.0)"
ROUNDS = 100


@pytest.fixture(params=[(), AS_ANY_USER], ids=["as root", "with users of their own"])
def start(request, folder, tmp_path):
    """Return a function that starts a container with the test's folder, under this name."""
    reason = why_not(*request.param)
    if reason:
        pytest.skip(f"no namespaces here: {reason}")
    with ExitStack() as stack:
        yield lambda name, **setting: stack.enter_context(container(folder, tmp_path / name, *request.param, **setting))


def test_they_have_nothing_else_in_common(start, folder):
    writer, reader = start("a"), start("b")
    assert writer.ask(ENGINE) == "None"
    for one in (writer, reader):
        assert one.ask("os.getpid()") == "1"
        assert one.ask("os.listdir('/dev/shm')") == "[]"
    assert (folder / "pricecore-md").exists()
    assert writer.ask("os.environ['PRICECORE_SHM_DIR']") != reader.ask("os.environ['PRICECORE_SHM_DIR']")


def test_price_is_read_and_the_writer_is_alive_in_the_other(start):
    writer, reader = start("a"), start("b")
    assert "no segment 'md'" in reader.ask(VIEW)
    assert [writer.ask(ENGINE), writer.ask("engine.update('A', 1.5)")] == ["None", "True"]
    assert reader.ask(VIEW) == "None"
    assert reader.ask("(view.price('A'), view.alive, view.generation)") == "(1.5, True, 1)"
    assert "SegmentInUseError" in reader.ask(ENGINE)


def test_sleeper_is_woken_by_the_other(start, folder):
    writer, reader = start("a"), start("b")
    assert [writer.ask(ENGINE), reader.ask(NEVER_LOOK_UP), reader.ask(VIEW), reader.ask(SUBSCRIPTION)] == ["None"] * 4
    page = folder / "pricecore-md.wait"
    for price in range(1, ROUNDS + 1):
        reader.tell("subscription.poll(10, None)['price'].tolist()")
        until(lambda: page.read_bytes()[0])  # it sleeps, or has announced to
        assert writer.ask(f"engine.update('A', {price})") == "True"
        assert reader.answer() == f"[{price:.1f}]"


def test_other_takes_over_when_the_writer_is_killed(start):
    writer, reader = start("a"), start("b")
    assert [writer.ask(ENGINE), writer.ask("engine.update('A', 1.5)")] == ["None", "True"]
    assert [reader.ask(VIEW), reader.ask(SUBSCRIPTION)] == ["None"] * 2
    reader.tell("subscription.poll(1, None)")
    writer.kill()
    assert reader.answer().startswith("WriterDiedError: process 1,")
    assert reader.ask("(view.price('A'), view.alive)") == "(1.5, False)"
    following = start("c")
    assert following.ask(ENGINE) == "None"
    assert following.ask("(engine.price('A'), engine.update('A', 2.5))") == "(1.5, True)"
    assert reader.ask("(view.price('A'), view.alive, view.generation)") == "(2.5, True, 2)"
    assert reader.ask("subscription.poll()[['sequence', 'price']].tolist()") == "[(3, 2.5)]"


def test_reader_that_may_only_read_the_folder_follows_too(start):
    writer, reader = start("a"), start("b", access="ro")
    assert writer.ask(ENGINE) == "None"
    assert "Read-only" in reader.ask("open(os.environ['PRICECORE_SHM_DIR'] + '/x', 'w')")
    assert [reader.ask(VIEW), reader.ask(SUBSCRIPTION)] == ["None"] * 2
    assert reader.ask("(view.alive, subscription.waits.wakes)") == "(True, False)"
    for price in range(1, 11):
        reader.tell("subscription.poll(10, None)['price'].tolist()")
        assert writer.ask(f"engine.update('A', {price})") == "True"
        assert reader.answer() == f"[{price:.1f}]"
    writer.kill()
    assert reader.ask("(view.price('A'), view.alive)") == "(10.0, False)"
