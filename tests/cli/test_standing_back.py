"""Who only looks does not interrupt who writes."""

import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="a policy of Linux")


@pytest.mark.parametrize(
    ("extra", "command"),
    [("prometheus_client", ("metrics", "md", "--serve", "0")), ("nicegui", ("dashboard", "md", "--port", "0"))],
)
def test_a_process_that_only_looks_waits_for_a_free_core(extra, command):
    pytest.importorskip(extra)
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pricecore", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert any(re.search("http://", line) for line in process.stdout)
            assert os.sched_getscheduler(process.pid) == os.SCHED_BATCH
        finally:
            process.terminate()
            process.stdout.read()
