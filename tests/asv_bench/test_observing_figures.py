"""The figures of watching: that what is measured is measured, with watchers that really look."""

import os
import time
import urllib.request

import observing_figures
import pytest
from across_processes.neighbours import ask, neighbour
from benchmarks.sharing_loops import passing_folder
from observing import company, costs

import pricecore

pytest.importorskip("prometheus_client", reason="needs the extra prometheus")


@pytest.fixture
def engine():
    with passing_folder(), pricecore.PriceEngine("watched", max_symbols=1_024, ring_capacity=1_024) as engine:
        engine.update("A", 1.0)
        yield engine


def test_cpu_time_of_a_process_is_what_it_has_used():
    before_s, own_s = costs.used_s(os.getpid()), time.process_time()
    while time.process_time() - own_s < 0.05:
        pass
    assert 0.04 < costs.used_s(os.getpid()) - before_s < 5


def test_the_exporter_is_that_of_the_engine(engine):
    with company.exporter("watched") as (process, address):
        with urllib.request.urlopen(address, timeout=30) as answer:
            text = answer.read().decode()
        assert process.poll() is None
    assert 'pricecore_updates_total{result="processed",worker="watched"} 1.0' in text
    assert process.poll() is not None


def test_the_state_reader_tells_its_cpu_time(engine):
    with neighbour(company.read_state, "watched") as pipe:
        first_s = ask(pipe, None)
        assert 0 < first_s <= ask(pipe, None)


def test_the_dashboard_that_looks_on_has_a_visitor_whose_page_refreshes(engine):
    pytest.importorskip("nicegui", reason="needs the extra dashboard")
    with company.onlooker("watched") as looks:
        assert looks == "dashboard"


def test_an_exporter_that_does_not_serve_is_an_error(engine):
    with pytest.raises(RuntimeError, match=r"is not a name|cannot be a segment's name"), company.exporter("a/b"):
        pass


def test_an_unknown_figure_is_refused_with_the_names_that_there_are(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["observing_figures.py", "--only", "speed"])
    with pytest.raises(SystemExit):
        observing_figures.main()
    assert "no figure speed; there are instructions, delay, cpu" in capsys.readouterr().err
