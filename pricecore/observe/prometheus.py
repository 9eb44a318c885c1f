"""Level 6: metrics for Prometheus: a collector, and an ASGI app to mount. Needs the extra `[prometheus]`.

    app.mount("/metrics", metrics_app("md"))        # FastAPI, Starlette

or, in a registry of one's own, ``registry.register(PriceCollector("md-*"))``.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pricecore.delivery.filters import symbol_filter
from pricecore.errors import MissingExtraError
from pricecore.observe.buckets import BOUNDS_S, cumulative_counts
from pricecore.observe.families import COUNTERS, GAUGES, LATENCY, LATENCY_HELP, SYMBOLS, Family
from pricecore.observe.labelled import Source
from pricecore.observe.rows import latest_rows
from pricecore.observe.sources import Sources
from pricecore.observe.state import WITH_FIGURES
from pricecore.version import __version__

try:
    from prometheus_client import CollectorRegistry, make_asgi_app
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector
except ImportError:
    message = 'metrics for Prometheus need prometheus-client: pip install "pricecore[prometheus]"'
    raise MissingExtraError(message) from None

_UNITS = ("seconds", "bytes", "ratio")
_BOUNDS = [*map(repr, BOUNDS_S), "+Inf"]


class PriceCollector(Collector):
    """Tells Prometheus of one or several engines, each with its name as the label `worker`.

    Everything is read when Prometheus asks, from the engines' segments: it is correct with several worker processes,
    whichever of them is asked, and costs none of them anything. An engine that is not there has `pricecore_up` 0; of
    one whose writer is gone the counters are still told, so that none of its last updates is missed.

    Parameters
    ----------
    *sources : PriceEngine, EngineView, Watched, Labelled or str
        As `Sources` takes them: ``PriceCollector(engine)``, ``PriceCollector("md")``, ``PriceCollector("md-*")``.
    symbols : str, iterable of str, or None
        Names, or patterns as in `subscribe`, of symbols of which prices and their age are exported, one series each;
        None: none of them.

    Raises
    ------
    MissingExtraError
        prometheus-client is not installed (when this module is imported).
    TypeError, ValueError
        As `Sources` and `symbol_filter`.

    Threads: any. Cost: `collect` takes 0.1 to 0.5 ms an engine; with symbols, that of reading all prices.
    """

    def __init__(self, *sources: Source, symbols: str | Iterable[str] | None = None) -> None:
        self._sources = Sources(*sources)
        self._wanted: Callable[[str], bool] | None = None if symbols is None else symbol_filter(symbols)
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with what the engines say now."""
        with self._lock:
            states = list(self._read())
        up = GaugeMetricFamily("pricecore_up", "1: a process writes this engine.", labels=("worker",))
        for worker, state in states:
            up.add_metric((worker,), float(state["alive"]))
        yield up
        yield _build_info()
        counted = [(worker, state) for worker, state in states if state["status"] in WITH_FIGURES]
        live = [(worker, state) for worker, state in states if state["alive"]]
        yield _latency(counted)
        yield from (_filled(CounterMetricFamily, family, counted) for family in COUNTERS)
        yield from (_filled(GaugeMetricFamily, family, live) for family in GAUGES)
        if self._wanted is not None:
            yield from (_filled(GaugeMetricFamily, family, live) for family in SYMBOLS)

    def describe(self) -> Iterator[Metric]:
        """Yield all metrics without a value, by which a registry tells one collector from another."""
        yield GaugeMetricFamily("pricecore_up", "")
        yield GaugeMetricFamily("pricecore_build_info", "")
        yield HistogramMetricFamily(LATENCY, "")
        yield from (CounterMetricFamily(family.name, "") for family in COUNTERS)
        yield from (GaugeMetricFamily(family.name, "") for family in (*GAUGES, *SYMBOLS))

    def _read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for worker, source, state in self._sources.read():
            if self._wanted is not None:
                state["rows"] = [] if source is None else latest_rows(source, self._wanted)
            yield worker, state


def metrics_app(*sources: Source, symbols: str | Iterable[str] | None = None) -> Callable[..., Any]:
    """Return an ASGI app that answers with the metrics of these engines, in the format that the client accepts.

    Parameters
    ----------
    *sources, symbols
        As `PriceCollector` takes them.

    Returns
    -------
    callable
        To be mounted in FastAPI or Starlette, or to be served alone.

    Threads: that of the event loop, for the milliseconds of a reading.
    """
    return make_asgi_app(metrics_registry(*sources, symbols=symbols))


def metrics_registry(*sources: Source, symbols: str | Iterable[str] | None = None) -> CollectorRegistry:
    """Return a registry with a `PriceCollector` of these engines and nothing else."""
    registry = CollectorRegistry()
    registry.register(PriceCollector(*sources, symbols=symbols))
    return registry


def _filled(
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily], family: Family, states: list[tuple[str, dict[str, Any]]]
) -> Metric:
    bare = family.name.removesuffix("_total")
    unit = next((unit for unit in _UNITS if bare.endswith(f"_{unit}")), "")
    metric = kind(family.name, family.help, labels=("worker", *family.labels), unit=unit)
    for worker, state in states:
        for labels, value in family.values(state):
            metric.add_metric((worker, *labels), float(value))
    return metric


def _latency(states: list[tuple[str, dict[str, Any]]]) -> Metric:
    metric = HistogramMetricFamily(LATENCY, LATENCY_HELP, labels=("worker",), unit="seconds")
    for worker, state in states:
        histogram = state["histogram"]
        counts = cumulative_counts(histogram)
        buckets = list(zip(_BOUNDS, map(float, counts), strict=True))
        metric.add_metric((worker,), buckets, histogram["sum_ns"] / 1e9)
    return metric


def _build_info() -> Metric:
    metric = GaugeMetricFamily("pricecore_build_info", "The version of pricecore that exports.", labels=("version",))
    metric.add_metric((__version__,), 1.0)
    return metric
