"""The figures of an engine's log in the metrics of its views."""

import pytest
from helpers.waiting import until
from helpers.writers import SMALL

from pricecore import LogOptions, PriceEngine, attach
from pricecore.engine.log_figures import DURABILITIES, log_in
from pricecore.eventlog import log_life

SEEN = ("written_sequence", "durable_sequence", "synced_sequence", "backlog", "blocks", "bytes_written", "syncs")


@pytest.mark.parametrize("durability", ["memory", "os", "disk"])
def test_a_view_sees_what_the_engine_counts(tmp_path, durability):
    options = LogOptions(tmp_path / "log", durability=durability)
    with PriceEngine("md", log=options, **SMALL) as engine, attach("md") as view:
        for k in range(100):
            engine.update("A", 1.0 + k)
        engine.log.wait_durable()
        until(lambda: all(getattr(view.metrics().log, name) == getattr(engine.log.stats(), name) for name in SEEN))
        log = view.metrics().log
    assert (log.durability, log.durable_sequence, log.error, log.gap_records) == (durability, 101, None, 0)
    assert (log.path, log.commit.sample_count, log.compression) == ("", 0, None)


def test_the_figures_stay_when_the_writer_is_gone(tmp_path):
    with PriceEngine("md", log=tmp_path / "log", **SMALL) as engine:
        engine.update("A", 1.0)
    with attach("md") as view:
        assert (view.metrics().log.durable_sequence, view.metrics().log.backlog) == (2, 0)


def test_a_writer_without_a_log_has_none_whatever_the_one_before_it_had(tmp_path):
    with attach_after_log(tmp_path) as view, PriceEngine("md", **SMALL):
        assert view.metrics().log is None


def attach_after_log(tmp_path):
    PriceEngine("md", log=tmp_path / "log", **SMALL).close()
    return attach("md")


def test_an_engine_that_never_had_a_log_has_none(engine):
    with attach("md") as view:
        assert view.metrics().log is None


def test_a_log_that_failed_is_said_to_have_failed():
    figures = {"log_durability": 2.0, "log_failed": 1.0, "log_written_sequence": 5.0}
    log = log_in(figures, 9)
    assert (log.backlog, log.durability) == (4, "os")
    assert "engine.log.error" in log.error


@pytest.mark.parametrize("durability", [-1.0, 0.0, 0.5, 4.0, 1e18])
def test_a_durability_that_is_none_is_no_log(durability):
    assert log_in({"log_durability": durability}, 0) is None


def test_durabilities_are_in_the_order_of_the_thread_that_writes_them():
    assert log_life.DURABILITIES == DURABILITIES
