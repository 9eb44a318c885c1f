"""The figures of sharing: what is judged, how it is shown, and that what must be caught is."""

import os
from pathlib import Path

import numpy as np
import pytest
import sharing_figures
from across_processes import neighbours, redis_get, report, stream
from across_processes.report import Row
from benchmarks.sharing_loops import passing_folder

import pricecore


@pytest.mark.parametrize(
    ("share", "value"), [(0.001, 1), (0.01, 1), (0.5, 50), (0.505, 51), (0.99, 99), (0.991, 100), (1.0, 100)]
)
def test_a_percentile_is_the_smallest_value_with_so_many_up_to_it(share, value):
    assert report.percentile(range(100, 0, -1), share) == value


def test_a_percentile_of_one_value_is_that_value():
    assert report.percentile([7.0], 0.99) == 7.0


def test_a_percentile_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="nothing was measured"):
        report.percentile([], 0.5)


@pytest.mark.parametrize(
    ("row", "judged"),
    [
        (Row("f", "ns", 60.0, "dict", 40.0, 1.5), "ok"),
        (Row("f", "ns", 61.0, "dict", 40.0, 1.5), "over"),
        (Row("f", "ns", 1.0, "nothing", 0.0, 1.5), "over"),
        (Row("f", "ms", 1.0, limit=1.0), "ok"),
        (Row("f", "ms", 1.01, limit=1.0), "over"),
        (Row("f", "torn", 0, limit=0), "ok"),
        (Row("f", "torn", 1, limit=0), "over"),
        (Row("f", "ns", 1e9, "dict", 1.0), ""),
        (Row("f", "rows/s", 8.0, "one thread", 10.0, 0.8, least=True), "ok"),
        (Row("f", "rows/s", 7.9, "one thread", 10.0, 0.8, least=True), "under"),
        (Row("f", "rows/s", 1.0, "nothing", 0.0, 0.8, least=True), "under"),
        (Row("f", "rows/s", 1.0, limit=1.0, least=True), "ok"),
    ],
)
def test_a_row_is_judged_by_its_ratio_or_where_there_is_no_rival_by_itself(row, judged):
    assert report.verdict(row) == judged


def test_the_short_form_judges_only_what_other_programs_cannot_change():
    assert report.verdict(Row("f", "ms", 9.0, limit=1.0), quick=True) == ""
    assert report.verdict(Row("f", "torn", 1, limit=0, exact=True), quick=True) == "over"


def test_a_line_gives_ours_the_rival_the_ratio_and_the_verdict():
    cells = report.line(Row("view.price", "ns", 45.678, "a dict", 91.356, 1.5)).split()
    assert cells == ["view.price", "45.68", "ns", "91.36", "ns", "a", "dict", "0.5", "1.5", "ok"]


def test_a_line_says_which_limit_is_the_least():
    cells = report.line(Row("f", "rows/s", 9.0, "one", 10.0, 0.8, least=True)).split()
    assert cells[-3:] == [">=", "0.8", "ok"]


def test_a_line_without_a_rival_has_no_ratio():
    assert report.line(Row("lost", "records", 50_000_000, limit=0)).split() == [
        "lost",
        "50,000,000",
        "records",
        "0",
        "over",
    ]


def test_json_rows_carry_ratio_and_verdict():
    (row,) = report.as_dicts([Row("f", "ns", 1.0, "dict", 4.0, 0.2)])
    assert (row["figure"], row["ratio"], row["verdict"]) == ("f", 0.25, "over")


@pytest.fixture
def one_figure(monkeypatch):
    """Put these rows, then a reason to skip what follows, in the place of all figures."""

    def put(*rows, reason=None):
        def figure(_quick):
            yield from rows
            if reason:
                raise report.Skipped(reason)

        monkeypatch.setattr(sharing_figures, "FIGURES", {"one": figure})
        monkeypatch.setattr("sys.argv", ["sharing_figures.py", "--only", "one"])

    return put


def test_a_figure_over_its_limit_ends_the_run_with_1(one_figure):
    one_figure(Row("f", "ms", 2.0, limit=1.0), Row("g", "ms", 0.5, limit=1.0))
    assert sharing_figures.main() == 1


def test_a_figure_under_its_least_ends_the_run_with_1(one_figure):
    one_figure(Row("f", "rows/s", 2.0, limit=3.0, least=True))
    assert sharing_figures.main() == 1


def test_what_cannot_be_measured_is_named_and_is_no_failure(one_figure, capsys):
    one_figure(Row("f", "ms", 0.5, limit=1.0), reason="no compiler")
    assert sharing_figures.main() == 0
    assert "SKIP one: no compiler" in capsys.readouterr().err


def test_an_unknown_figure_is_refused_with_the_names_that_there_are(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["sharing_figures.py", "--only", "reads,speed"])
    with pytest.raises(SystemExit):
        sharing_figures.main()
    assert "no figure speed; there are reads, redis" in capsys.readouterr().err


def test_segments_lie_in_a_folder_that_passes_and_the_usual_one_comes_back(monkeypatch, tmp_path):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    with passing_folder():
        folder = Path(os.environ["PRICECORE_SHM_DIR"])
        engine = pricecore.PriceEngine("md", max_symbols=1_024, ring_capacity=1_024)
        assert folder != tmp_path
        assert list(folder.iterdir())
    assert not folder.exists()
    assert os.environ["PRICECORE_SHM_DIR"] == str(tmp_path)
    assert engine.update("A", 1.0), "who has mapped a segment keeps it"


def test_a_command_is_written_as_redis_reads_it():
    assert redis_get.command("GET", "AB") == b"*2\r\n$3\r\nGET\r\n$2\r\nAB\r\n"


def test_bodies_are_timed_by_turns():
    order = []
    clock = iter(range(100))
    bodies = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    assert neighbours.interleaved(bodies, 2, 3, lambda: next(clock)) == {"a": 0.5, "b": 0.5}
    assert order == ["a", "b"] * 4  # once unmeasured, then three rounds


class Delivering:
    """A subscription that returns batches of these sequences; the last of them lost `lost` records before it."""

    next_sequence = 1

    def __init__(self, *batches, lost=0):
        self.batches, self.lost = list(batches), lost

    def poll(self, _max_items, _timeout_s):
        records = np.zeros(len(self.batches[0]) if self.batches else 0, pricecore.RECORD_DTYPE)
        if self.batches:
            records["sequence"] = self.batches.pop(0)
        return records

    def stats(self):
        return pricecore.SubscriptionStats(0, 0, 0 if self.batches else self.lost, 0, 0, 0.0)


@pytest.mark.parametrize(
    ("subscription", "lost", "misplaced"),
    [
        (Delivering([1, 2], [3, 4]), 0, 0),
        (Delivering([1], [4], lost=2), 2, 0),
        (Delivering([1, 2], [4]), 1, 1),
        (Delivering([1, 3], [2, 4]), 0, 1),
        (Delivering([1, 2]), 2, 0),
    ],
    ids=["whole", "lost and reported", "lost and not reported", "out of order", "the end never came"],
)
def test_the_stream_is_followed_to_its_end_and_every_gap_is_seen(subscription, lost, misplaced):
    followed = stream.follow(subscription, 4)
    assert (followed.lost, followed.misplaced) == (lost, misplaced)
