"""The process with the engine: `python -m soak.service SETTINGS`."""

import json
import resource
import sys
import threading
from pathlib import Path

from soak.captures import Line, messages
from soak.life import Lasting, Life
from soak.talking import answer


class Service:
    """An engine that is opened, closed and opened again while the process lives."""

    def __init__(self, settings: dict) -> None:
        self.lasting = Lasting()
        self.log = Path(settings["log"])
        lines = [Line(*line) for line in settings["lines"]]
        self._settings = (lines, messages(lines), settings["rate_per_s"], settings["keep_mib"], settings["compress"])
        self._name = settings["name"]
        self.life = self._live()

    def _live(self) -> Life:
        return Life(self.lasting, self._name, self.log, *self._settings)

    def reopen(self) -> dict[str, int]:
        """Close the engine and open the next one; return where the old one ended and the new one begins."""
        durable = self.life.end()
        self.life = self._live()
        return {"durable": durable, "first_sequence": self.life.first_sequence}

    def stick(self, seconds: float) -> int:
        """Let a subscriber look at nothing for so long; return what it has lost so far."""
        self.life.stuck.stuck_s = seconds
        return self.lasting.deliveries["thread"].lost_in_all

    def burst(self, count: int) -> dict[str, int]:
        return self.life.feeding.burst(count)

    def disconnect(self, seconds: float) -> int:
        return self.life.feeding.disconnect(seconds)

    def limit_files(self, size_bytes: int | None) -> None:
        """Let no file grow beyond this size: a full disk for who may not mount one."""
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (most if size_bytes is None else size_bytes, most))

    def sample(self) -> dict:
        """Return figures, and the checksums of what was published since the last call."""
        engine, lasting = self.life.engine, self.lasting
        metrics = engine.metrics()
        return {
            "first_sequence": self.life.first_sequence,
            "durable": metrics.log.durable_sequence,
            "sequence": metrics.ring.sequence,
            "log_error": metrics.log.error,
            "fed": lasting.fed + self.life.feeding.fed,
            "problems": list(lasting.problems),
            "chunks": lasting.chunks.take(),
            "ledger_holes": list(lasting.chunks.holes),
            "figures": {
                "per_s": metrics.throughput_per_s,
                "p50_us": metrics.latency.p50_us,
                "p99_us": metrics.latency.p99_us,
                "errors": metrics.errors,
                "log_backlog": metrics.log.backlog,
                "log_gap_records": metrics.log.gap_records,
                "pool_utilization": metrics.pool.utilization,
                "pool_outstanding": metrics.pool.outstanding,
                "cache_size": lasting.cache.stats().size,
                "cache_hit_rate": lasting.cache.stats().hit_rate,
                "python_threads": threading.active_count(),
            }
            | {
                f"{name}_{figure}": value
                for name, delivery in lasting.deliveries.items()
                for figure, value in delivery.sample().items()
            },
        }


def main() -> None:
    """Feed until standard input ends; then close."""
    service = Service(json.loads(sys.argv[1]))
    answer(
        {
            "sample": service.sample,
            "reopen": service.reopen,
            "stick": service.stick,
            "burst": service.burst,
            "disconnect": service.disconnect,
            "limit_files": service.limit_files,
        }
    )
    service.life.end()


if __name__ == "__main__":
    main()
