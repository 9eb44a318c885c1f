"""How the tests run the command: in a process of its own, with real files and pipes."""

import json
import subprocess
import sys

import pytest

TIME_MS = 1723161255342


def pytest_pycollect_makemodule(module_path):
    if module_path.stem.startswith("test_run"):
        pytest.importorskip("msgspec", reason="no msgspec for this interpreter")


class Run:
    """Runs `pricecore run`."""

    TIME_MS = TIME_MS

    @staticmethod
    def trade(symbol="A", price="1.5", received_ns=1, time_ms=TIME_MS):
        message = f'{{"e":"trade","E":1,"s":"{symbol}","p":"{price}","q":"2","T":{time_ms}}}'
        return f"{received_ns} {message}\n".encode()

    @staticmethod
    def done(*arguments, **options):
        """Run; return the ended process, its output as bytes."""
        command = [sys.executable, "-m", "pricecore", "run", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, timeout=300, **options)

    @classmethod
    def report(cls, *arguments, **options):
        """Run with --json; return the report and what was warned of, after checking that the accounts add up."""
        done = cls.done(*arguments, "--json", **options)
        assert done.stdout.count(b"\n") == 1, done.stderr.decode()
        report = json.loads(done.stdout)
        assert report["messages_received"] == report["messages_processed"] + report["out_of_order"] + report["errors"]
        assert report["messages_received"] == report["trades"] + report["quotes"]
        assert report["lines"] == sum(file["lines"] for file in report["files"])
        assert report["pool"]["outstanding"] == 0
        assert done.returncode == (0 if report["passed"] and not any(file["damage"] for file in report["files"]) else 1)
        return report, done.stderr.decode()

    @classmethod
    def prices(cls, *arguments, **options):
        """Run with --json; return the last prices by symbol."""
        report, _ = cls.report(*arguments, **options)
        return {price["symbol"]: price["price"] for price in report["prices"]}

    @classmethod
    def refusal(cls, *arguments, **options):
        """Run what is refused; return what it says."""
        done = cls.done(*arguments, **options)
        assert (done.returncode, done.stdout) == (2, b"")
        return done.stderr.decode()


@pytest.fixture(scope="session")
def run():
    return Run


@pytest.fixture
def write(tmp_path):
    def write(name, *parts):
        path = tmp_path / name
        path.write_bytes(b"".join(parts))
        return path

    return write
