"""Every query of the dashboard and of the alert rules, asked of a real Prometheus that scrapes a real exporter.

The engine writes in a process of its own, `pricecore metrics --serve` runs in another one, and Prometheus in a third.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers.processes import started
from helpers.prometheus_server import eventually, needs_prometheus, prometheus_server
from helpers.waiting import until
from helpers.writers import writer

from pricecore.observe.grafana_files import alert_rules, grafana_dashboard

pytest.importorskip("prometheus_client", reason="needs the extra prometheus")
pytestmark = pytest.mark.slow

DASHBOARD = json.loads(grafana_dashboard())
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]
RULES = re.findall(r"- alert: (\w+).*?\n\s+expr: (?:\|\n)?(.*?)\n\s+(?:for|labels):", alert_rules(), re.DOTALL)
AT_ONCE = re.sub(r"for: \w+", "for: 1s", alert_rules())

BUSY = """
import threading, time
cache = pricecore.PriceCache(100, loader=lambda key: key)
engine.add_cache("last", cache)
audit = engine.consumer("audit")
reader = engine.subscribe(name="reader")
slow = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), slow.set()), daemon=True).start()
print("ready", flush=True)
n = 0
while True:
    n += 1
    engine.update("A", 1.0 + n, timestamp_ns=10**18 + n)
    engine.update("A", 1.0, timestamp_ns=10**18)
    engine.update("A", -1.0)
    engine.update_quote("B", 1.0, 2.0)
    cache.get_or_load(n % 50)
    audit.read()
    reader.poll()
    for _ in range(50 * slow.is_set()):
        engine._record_latency(3_000_000)
    time.sleep(0.002)
"""
"""Has a log, a cache, a consumer, a subscription, refused and late updates; slow once it is told to be."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with tempfile.TemporaryDirectory() as segments, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRICECORE_SHM_DIR", segments)
        yield tmp_path_factory.mktemp("prometheus")


@pytest.fixture(scope="module")
def engine(folder):
    with writer("md", BUSY, log=str(folder / "log"), on_bad="count") as process:
        yield process


@pytest.fixture(scope="module")
def server(engine, folder):
    command = (sys.executable, "-m", "pricecore", "metrics", "md", "none", "--serve", "0")
    with started(*command, folder=folder, printed=folder / "exporter.log") as exporter:
        exporter.until_said("tells of")
        target = re.search(r"http://(\S+)/metrics", exporter.text)[1]
        with prometheus_server(folder, target, AT_ONCE) as server:
            yield server


P95 = next(one.values[0] for one in QUERIES if one.id == "Update latency-B")


def is_in_bucket_of_3_ms(found):
    """Whether there is one series, and a percentile that lies where 3 ms are counted."""
    ((labels, latency_s),) = found
    return labels["worker"] == "md" and 2**-8.5 < latency_s <= 2**-8


def filled_in(expression):
    """Return a query as Grafana sends it."""
    text = expression.replace("$__rate_interval", "10s").replace("$worker", ".+")
    assert "$" not in text
    return text


@needs_prometheus
@pytest.mark.parametrize("expression", QUERIES)
def test_query_of_the_dashboard_has_data(server, expression):
    assert eventually(server, filled_in(expression))


@needs_prometheus
@pytest.mark.parametrize(("alert", "expression"), RULES)
def test_what_an_alert_compares_is_there(server, alert, expression):
    compared = re.split(r" (?:>|==) |\s+> ", expression, maxsplit=1)[0]
    assert eventually(server, compared), alert


@needs_prometheus
def test_engines_to_choose_from_are_the_workers(server):
    variable = next(one for one in DASHBOARD["templating"]["list"] if one["name"] == "worker")
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()
    until(lambda: sorted(server.ask(f"label/{label}/values", **{"match[]": metric})) == ["md", "none"])


@needs_prometheus
def test_rules_are_evaluated_without_an_error(server):
    until(lambda: {rule["health"] for rule in server.rules()} == {"ok"})
    assert {rule["name"] for rule in server.rules()} == {alert for alert, _ in RULES}
    assert len(RULES) == alert_rules().count("- alert:") > 0


@needs_prometheus
def test_alerts_fire_when_there_is_reason_to_and_not_before(server, engine):
    """Last: it makes the engine slow, and then kills it."""
    until(lambda: ("PricecoreEngineGone", "none") in server.firing())
    until(lambda: ("PricecoreErrors", "md") in server.firing())  # every fourth update is refused
    assert not {("PricecoreLatencyOverTarget", "md"), ("PricecoreEngineGone", "md")} & server.firing()
    engine.stdin.write("slow\n")
    engine.stdin.flush()
    until(lambda: ("PricecoreLatencyOverTarget", "md") in server.firing())
    until(lambda: is_in_bucket_of_3_ms(server.query(filled_in(P95))))
    assert ("PricecoreEngineGone", "md") not in server.firing()
    engine.kill()
    until(lambda: ("PricecoreEngineGone", "md") in server.firing())
    assert {name for name, _ in server.firing()} <= {alert for alert, _ in RULES}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
def test_promtool_accepts_the_rules(tmp_path):
    path = Path(tmp_path / "alerts.yml")
    path.write_text(alert_rules())
    done = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
