"""Level 6: what is exported of a state: each metric's name, help, labels, and how its values are found.

Names and units follow Prometheus' conventions: base units (seconds, bytes, ratios of 0 to 1), `_total` for what only
grows. Every metric has the label `worker`, the engine's name, in front of its own. Counters fall when the engine is
reset (`reset_stats`) or another writer takes its place, as those of a restarted process do; `rate` and `increase`
expect that.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from pricecore.errors import REASONS

State = dict[str, Any]
Values = Iterable[tuple[tuple[str, ...], float]]

LATENCY = "pricecore_update_latency_seconds"
LATENCY_HELP = "Time from the entry of an update call to the update being visible and published."


class Family(NamedTuple):
    """A metric: `values` yields the values of `labels` with the figure."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: Callable[[State], Values]


def _one(figure: Callable[[State], float]) -> Callable[[State], Values]:
    """Return the `values` of a metric without labels of its own."""
    return lambda state: [((), figure(state))]


def _updates(state: State) -> Values:
    yield ("processed",), state["messages_processed"]
    yield ("out_of_order",), state["out_of_order"]
    yield ("refused",), state["errors"]


def _errors(state: State) -> Values:
    """All reasons from the start on: `increase` does not see the first of a series that comes out of nothing."""
    by_reason = state["errors_by_reason"]
    return [((reason,), by_reason.get(reason, 0)) for reason in REASONS if reason]


def _acquires(state: State) -> Values:
    yield ("hit",), state["pool"]["hits"]
    yield ("miss",), state["pool"]["misses"]


def _buffers(state: State) -> Values:
    yield ("available",), state["pool"]["available"]
    yield ("outstanding",), state["pool"]["outstanding"]


def _window(state: State) -> Values:
    """A summary has these as `quantile`, and a count that only grows; here they are of the last samples alone."""
    if state["latency"]["sample_count"]:
        for name, percentile in (("p50_us", "50"), ("p95_us", "95"), ("p99_us", "99"), ("p999_us", "99.9")):
            yield (percentile,), state["latency"][name] / 1e6


def _backlogs(state: State) -> Values:
    return [((name,), behind) for name, behind in state["ring"]["consumers"].items()]


def _subscription(figure: str) -> Callable[[State], Values]:
    """Return the `values` of a metric of the subscriptions of each name."""
    return lambda state: [((name,), group[figure]) for name, group in state["subscriptions"]["by_name"].items()]


def _cache(*fields: tuple[tuple[str, ...], Callable[[State], float]]) -> Callable[[State], Values]:
    """Return the `values` of a metric of each cache: further labels, and the figure of its CacheStats."""
    return lambda state: [
        ((name, *labels), figure(cache)) for name, cache in state["caches"].items() for labels, figure in fields
    ]


def _log(figure: Callable[[State], float]) -> Callable[[State], Values]:
    """Return the `values` of a metric of the log, if there is one."""
    return lambda state: [] if state["log"] is None else [((), figure(state["log"]))]


def _not_durable(state: State) -> Values:
    if state["log"] is not None:
        yield (), max(0, state["ring"]["sequence"] - state["log"]["durable_sequence"])


COUNTERS = (
    Family("pricecore_updates_total", "Updates received, by what became of them.", ("result",), _updates),
    Family("pricecore_errors_total", "Updates refused, by reason.", ("reason",), _errors),
    Family(
        "pricecore_ring_records_total",
        "Records published: prices, quotes, new symbols, unused tickets.",
        (),
        _one(lambda state: state["ring"]["sequence"]),
    ),
    Family(
        "pricecore_subscription_delivered_records_total",
        "Records that subscriptions of the engine's own process returned, by their name.",
        ("subscription",),
        _subscription("delivered"),
    ),
    Family(
        "pricecore_subscription_conflated_records_total",
        "Records that conflating subscriptions passed over for newer ones.",
        ("subscription",),
        _subscription("conflated"),
    ),
    Family(
        "pricecore_subscription_lost_records_total",
        "Records overwritten in the ring before a subscription that wants all of them took them.",
        ("subscription",),
        _subscription("lost"),
    ),
    Family(
        "pricecore_pool_acquires_total",
        "Buffers taken: hit, from the pool; miss, allocated because it was empty.",
        ("result",),
        _acquires,
    ),
    Family(
        "pricecore_pool_dropped_total",
        "Buffers released too large to be kept.",
        (),
        _one(lambda state: state["pool"]["dropped"]),
    ),
    Family(
        "pricecore_cache_requests_total",
        "Keys asked for, by whether the cache had them.",
        ("cache", "result"),
        _cache((("hit",), lambda cache: cache["hits"]), (("miss",), lambda cache: cache["misses"])),
    ),
    Family(
        "pricecore_cache_loads_total",
        "Calls of the loader that have ended.",
        ("cache", "result"),
        _cache(
            (("loaded",), lambda cache: max(0, cache["loads"] - cache["load_errors"])),
            (("failed",), lambda cache: cache["load_errors"]),
        ),
    ),
    Family(
        "pricecore_cache_evictions_total",
        "Entries that have left the cache, by reason.",
        ("cache", "reason"),
        lambda state: [
            ((name, reason), count)
            for name, cache in state["caches"].items()
            for reason, count in cache["evictions"].items()
        ],
    ),
    Family(
        "pricecore_log_written_bytes_total",
        "Bytes written to the event log.",
        (),
        _log(lambda log: log["bytes_written"]),
    ),
    Family("pricecore_log_syncs_total", "Syncs of the event log to the disk.", (), _log(lambda log: log["syncs"])),
    Family(
        "pricecore_log_missing_records_total",
        "Records that the event log lacks.",
        (),
        _log(lambda log: log["gap_records"]),
    ),
)

GAUGES = (
    Family(
        "pricecore_generation",
        "Writers that the engine has had: it grows with each restart.",
        (),
        _one(lambda state: state["generation"]),
    ),
    Family(
        "pricecore_uptime_seconds",
        "Time since this writer made the engine.",
        (),
        _one(lambda state: state["uptime_s"]),
    ),
    Family(
        "pricecore_update_latency_window_seconds",
        "Exact percentiles of the update latency over the last updates (latency_window).",
        ("percentile",),
        _window,
    ),
    Family(
        "pricecore_update_latency_target_seconds",
        "The target: the 95th percentile of the update latency stays below it.",
        (),
        _one(lambda state: state["target_p95_us"] / 1e6),
    ),
    Family(
        "pricecore_batch_latency_mean_seconds",
        "Mean duration of a batch call (update_many, update_quotes).",
        (),
        _one(lambda state: state["batch_us"] / 1e6),
    ),
    Family(
        "pricecore_cpu_ratio",
        "CPU time of the writer's process in its last second; 1 is one core.",
        (),
        _one(lambda state: state["cpu_percent"] / 100),
    ),
    Family("pricecore_symbols", "Symbols registered.", (), _one(lambda state: state["symbols"])),
    Family(
        "pricecore_ring_capacity_records",
        "Records that the ring holds.",
        (),
        _one(lambda state: state["ring"]["capacity"]),
    ),
    Family(
        "pricecore_consumer_backlog_records",
        "Records that a consumer which holds the ring has not taken yet; at the capacity, writers wait.",
        ("consumer",),
        _backlogs,
    ),
    Family(
        "pricecore_subscriptions",
        "Subscriptions of the engine's own process that are open, by their name.",
        ("subscription",),
        _subscription("open"),
    ),
    Family(
        "pricecore_subscription_lag_records",
        "Records published that the subscription furthest behind has not looked at.",
        ("subscription",),
        _subscription("lag_records"),
    ),
    Family(
        "pricecore_subscription_lag_seconds",
        "How long ago the engine took the oldest of those records.",
        ("subscription",),
        _subscription("lag_s"),
    ),
    Family("pricecore_pool_buffers", "Buffers of the pool, by state.", ("state",), _buffers),
    Family(
        "pricecore_pool_capacity_buffers",
        "Buffers that the pool owns.",
        (),
        _one(lambda state: state["pool"]["capacity"]),
    ),
    Family("pricecore_cache_entries", "Entries held.", ("cache",), _cache(((), lambda cache: cache["size"]))),
    Family(
        "pricecore_cache_capacity_entries",
        "Entries that the cache holds at most.",
        ("cache",),
        _cache(((), lambda cache: cache["capacity"])),
    ),
    Family(
        "pricecore_log_durable_sequence",
        "The last record that survives what the log's durability names.",
        (),
        _log(lambda log: log["durable_sequence"]),
    ),
    Family(
        "pricecore_log_backlog_records",
        "Records published and not yet written to the event log.",
        (),
        _log(lambda log: log["backlog"]),
    ),
    Family(
        "pricecore_log_not_durable_records",
        "Records published and not yet durable.",
        (),
        _not_durable,
    ),
    Family(
        "pricecore_log_failed",
        "1: an error has ended the event log, the engine goes on without it.",
        (),
        _log(lambda log: float(log["error"] is not None)),
    ),
)


def _of_row(field: str) -> Callable[[State], Values]:
    """Return the `values` of one field of the rows that `latest_rows` returns, where it is there."""
    return lambda state: [((row["symbol"],), row[field]) for row in state["rows"] if row[field] is not None]


SYMBOLS = (
    Family("pricecore_price", "Latest trade price.", ("symbol",), _of_row("price")),
    Family("pricecore_bid", "Latest best bid.", ("symbol",), _of_row("bid")),
    Family("pricecore_ask", "Latest best ask.", ("symbol",), _of_row("ask")),
    Family(
        "pricecore_price_age_seconds",
        "Time since the engine took the newest price or quote of the symbol.",
        ("symbol",),
        _of_row("age_s"),
    ),
)
"""Only when symbols are asked for; their `state` has `rows`."""
