"""Engines, views and names under the labels that people see."""

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine, attach
from pricecore.observe import Labelled, Watched, labelled


def test_sources_are_told_apart(engine):
    with PriceEngine(**SMALL) as first, PriceEngine(**SMALL) as second, Watched("followed") as followed:
        sources = [first, engine, second, "other", followed, Labelled(first, "mine")]
        labels = [one.label for one in labelled(sources)]
    assert labels == ["engine", "md", "engine-2", "other", "followed", "mine"]


def test_a_name_that_stands_for_an_unnamed_engine_is_not_given_twice():
    with PriceEngine(**SMALL) as unnamed:
        assert [one.label for one in labelled(["engine", unnamed])] == ["engine", "engine-2"]


def test_one_label_for_two_sources_is_refused(engine):
    with attach("md") as view, pytest.raises(ValueError, match="'md' is given twice"):
        labelled([engine, view])


@pytest.mark.parametrize("source", [None, 7, []])
def test_what_is_no_source_is_refused(source):
    with pytest.raises(TypeError, match="a source must be a PriceEngine, an EngineView or a name"):
        labelled([source])


def test_the_label_is_the_name_in_the_state():
    with PriceEngine(**SMALL) as engine:
        assert Labelled(engine, "bundled sample").state()["name"] == "bundled sample"


def test_an_engine_that_is_only_watched_is_not_reset(engine):
    engine.update("A", 1.0)
    with attach("md") as view, pytest.raises(TypeError, match="md is only watched"):
        Labelled(view, "md").reset_stats()
    assert engine.metrics().messages_received == 1
    Labelled(engine, "md").reset_stats()
    assert engine.metrics().messages_received == 0


def test_what_was_handed_in_is_left_open_and_what_is_followed_is_let_go(engine):
    with attach("md") as view:
        for source in (engine, view):
            Labelled(source, "md").close()
            assert Labelled(source, "md").state()["status"] == "live"
        followed = Labelled("md", "md")
        followed.close()
        assert followed.state()["status"] == "closed"


def test_prices_are_there_as_long_as_the_figures_are(folder):
    followed = Labelled("md", "md")
    assert followed.prices()["total"] == 0
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.0)
        followed._own._look_at_s = 0.0
        assert followed.state()["status"] == "live"
        assert [row["symbol"] for row in followed.prices("a")["rows"]] == ["A"]
    assert followed.state()["status"] == "writer gone"
    assert followed.prices()["total"] == 1, "its last prices stay"
    for path in folder.iterdir():
        path.unlink()
    assert followed.state()["status"] == "not found"
    assert followed.prices() == {"rows": [], "shown": 0, "matching": 0, "total": 0}
    followed.close()
