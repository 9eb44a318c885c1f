"""`pricecore metrics` and `pricecore grafana`, in processes of their own."""

import json
import re
import socket
import subprocess
import sys
import urllib.request

import pytest
from helpers.processes import started
from helpers.segments import own_segments
from helpers.writers import SMALL

from pricecore import PriceEngine

pytest.importorskip("prometheus_client", reason="needs the extra prometheus")


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    with own_segments(monkeypatch) as folder:
        yield folder


@pytest.fixture
def engine():
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.0)
        yield engine


def run(*arguments, code=None):
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "pricecore"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)


def test_open_metrics_text_goes_to_stdout_once(engine):
    done = run("metrics", "md")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'pricecore_updates_total{result="processed",worker="md"} 1.0\n' in done.stdout
    assert done.stdout.endswith("# EOF\n")
    assert "symbol=" not in done.stdout


def test_symbols_are_there_when_asked_for(engine):
    assert (
        'pricecore_price{symbol="A",worker="md"} 1.0\n'
        in run("metrics", "--symbols", "A", "m*", "--symbols", "B").stdout
    )


def test_engine_that_is_not_there_is_said_to_be_down(engine):
    done = run("metrics", "nobody", "md")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'pricecore_up{worker="nobody"} 0.0' in done.stdout


def test_when_none_is_there_the_known_ones_are_named(engine):
    done = run("metrics", "nobody")
    assert (done.returncode, done.stderr) == (
        1,
        "pricecore metrics: no engine writes nobody; on this machine: md\n",
    )
    assert 'pricecore_up{worker="nobody"} 0.0' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a/b"], "pricecore metrics: error: 'a/b' cannot be a segment's name"),
        (["a", "a"], "pricecore metrics: error: 'a' is given twice"),
        ([], "the following arguments are required: NAME"),
        (["a", "--serve", "65536"], "'65536' is not a port, 0 to 65535"),
        (["a", "--serve", "x"], "'x' is not a port, 0 to 65535"),
    ],
)
def test_wrong_use_is_refused_in_a_line(arguments, said):
    done = run("metrics", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_endpoint_is_scraped_and_ends_well_when_it_is_stopped(engine, tmp_path):
    command = (sys.executable, "-m", "pricecore", "metrics", "md", "--serve", "0")
    with started(*command, folder=tmp_path, printed=tmp_path / "said") as process:
        process.until_said("/metrics tells of md")
        address = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.text)[0]
        for number in (1, 2):
            with urllib.request.urlopen(address, timeout=30) as answer:
                text = answer.read().decode()
            assert f'pricecore_updates_total{{result="processed",worker="md"}} {number}.0' in text
            engine.update("A", 1.0)
        assert process.end() == 0
    assert "Traceback" not in process.text


def test_port_that_is_taken_is_said_to_be_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("metrics", "md", "--serve", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"pricecore metrics: error: cannot listen on 127.0.0.1 port {port}: Address already in use; "
        f"another one by --serve PORT, or any free one by --serve 0\n"
    )


def test_host_that_is_none_is_refused_in_a_line():
    done = run("metrics", "md", "--serve", "0", "--host", "no.such.host.invalid")
    assert done.returncode == 2
    assert done.stderr.startswith("pricecore metrics: error: cannot listen on no.such.host.invalid port 0: ")
    assert done.stderr.count("\n") == 1


def test_without_the_extra_one_line_says_what_to_install():
    code = "import sys; sys.modules['prometheus_client'] = None\nfrom pricecore.cli import main; sys.exit(main())"
    done = run("metrics", "md", code=code)
    assert (done.returncode, done.stdout) == (2, "")
    said = 'metrics for Prometheus need prometheus-client: pip install "pricecore[prometheus]"'
    assert done.stderr == f"pricecore metrics: error: {said}\n"


def test_dashboard_is_json_and_needs_no_extra():
    code = "import sys; sys.modules['prometheus_client'] = None\nfrom pricecore.cli import main; sys.exit(main())"
    done = run("grafana", code=code)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["uid"] == "pricecore"


def test_alert_rules_are_printed():
    done = run("grafana", "--alerts")
    assert done.returncode == 0
    assert "alert: PricecoreEngineGone" in done.stdout
