"""A real Prometheus of the test's own: scrapes and evaluates every second, keeps its data in the test's folder."""

import json
import math
import shutil
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.processes import Running, started
from helpers.waiting import until

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus (Debian's package) is not installed"
)

_CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [rules.yml]
scrape_configs:
  - job_name: pricecore
    static_configs:
      - targets: ["{target}"]
"""


class PrometheusServer:
    """Asks the server by its HTTP interface."""

    def __init__(self, process: Running, port: int) -> None:
        self.process = process
        self._address = f"http://127.0.0.1:{port}"

    def ask(self, path: str, **parameters: str) -> Any:
        """Return what stands under "data" of an answer; an error of the server is raised."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._address}/api/v1/{path}?{query}", timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of every series that the expression has now and that is a number."""
        found = [(one["metric"], float(one["value"][1])) for one in self.ask("query", query=expression)["result"]]
        return [(labels, number) for labels, number in found if not math.isnan(number)]

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def firing(self) -> set[tuple[str, str]]:
        """Return name of the alert and worker of all that fire."""
        alerts = self.ask("alerts")["alerts"]
        return {(one["labels"]["alertname"], one["labels"]["worker"]) for one in alerts if one["state"] == "firing"}

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._address}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


@contextmanager
def prometheus_server(folder: Path, target: str, rules: str) -> Iterator[PrometheusServer]:
    """Run a server that scrapes `target` (host:port) and has these alert rules."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "rules.yml").write_text(rules)
    (folder / "prometheus.yml").write_text(_CONFIG.format(target=target))
    options = {
        "config.file": "prometheus.yml",
        "storage.tsdb.path": "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "log.level": "warn",
    }
    command = ["prometheus", *(f"--{name}={value}" for name, value in options.items())]
    with started(*command, folder=folder, printed=folder / "prometheus.log") as process:
        server = PrometheusServer(process, port)
        process.until(server.ready)
        yield server


def eventually(server: PrometheusServer, expression: str) -> list[tuple[dict[str, str], float]]:
    """Return what the expression gives, once it gives anything."""
    until(lambda: server.query(expression))
    return server.query(expression)
