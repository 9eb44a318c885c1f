"""The performance test as page and terminal view start it."""

import threading

from helpers.waiting import until

from pricecore.observe.performance import PerformanceRun, PerformanceTest


def test_the_progress_of_a_run_grows_to_its_end():
    run = PerformanceTest(updates=1_000_000).start()
    shares = [run.progress]
    while not run.is_over:
        shares.append(run.progress)
    assert shares == sorted(shares)
    assert any(0.0 < share < 1.0 for share in shares)
    assert run.progress == 1.0
    assert (run.sent, run.report.applied, run.error) == (1_000_000, 1_000_000, "")


def test_a_target_that_is_missed_is_in_the_report():
    run = PerformanceRun(1_000, target_p95_us=1e-6)
    until(lambda: run.is_over)
    assert not run.report.passed
    assert run.report.target_p95_us == 1e-6


def test_a_run_that_cannot_be_is_over_with_the_reason():
    run = PerformanceRun(updates=0)
    until(lambda: run.is_over)
    assert run.report is None
    assert run.error.startswith("ValueError: updates is 0")
    assert run.progress == 1.0


def test_of_those_who_start_at_once_one_gets_a_run():
    test, begun, together = PerformanceTest(updates=1_000_000), [], threading.Barrier(8)

    def start():
        together.wait()
        begun.append(test.start())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (run,) = [run for run in begun if run is not None]
    assert run is test.latest
    until(lambda: run.is_over)
    assert test.start() is not run
    until(lambda: test.latest.is_over)
