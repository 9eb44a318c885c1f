"""What an exporter tells of: each engine once, however it is named."""

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine, attach
from pricecore.observe import Labelled, Watched
from pricecore.observe.sources import Sources


def workers(*sources):
    return [worker for worker, *_ in Sources(*sources).read()]


def test_a_pattern_finds_no_engine_again_that_is_given_under_another_label(engine):
    with PriceEngine("md-2", **SMALL):
        assert workers(Labelled(engine, "main"), "md*") == ["md-2", "main"]
        assert workers(Labelled("md", "main"), "md*") == ["md-2", "main"]


@pytest.mark.parametrize("kind", ["engine", "view", "watched", "name"])
def test_one_engine_under_two_labels_is_refused(engine, kind):
    with attach("md") as view, Watched("md") as watched:
        source = {"engine": engine, "view": view, "watched": watched, "name": "md"}[kind]
        with pytest.raises(ValueError, match="'one' and 'two' are the same engine: give it once"):
            Sources(Labelled(engine, "one"), Labelled(source, "two"))


def test_one_engine_without_a_name_is_taken_once_and_two_are_two():
    with PriceEngine(**SMALL) as first, PriceEngine(**SMALL) as second:
        assert workers(first, second) == ["engine", "engine-2"]
        with pytest.raises(ValueError, match="'engine' and 'engine-2' are the same engine"):
            Sources(first, first)
