"""The five figures at the top: p50, p95 with its target, p99, throughput, error rate."""

from typing import Any, NamedTuple

from pricecore.observe.state import WITH_FIGURES
from pricecore.observe.text import format_count, format_limit, format_percent, format_rate, format_us
from pricecore.terminal.cells import fit
from pricecore.terminal.lines import Line


class Card(NamedTuple):
    """One figure."""

    label: str
    value: str
    note: str
    style: str


def cards(state: dict[str, Any], columns: int) -> list[Line]:
    """Return three lines: labels, values, notes.

    Threads: any. Cost: microseconds.
    """
    each = columns // 5
    known = state["status"] in WITH_FIGURES
    found = _cards(state) if known else [card._replace(value="-", note="", style="dim") for card in _cards(state)]
    return [
        [(fit(f" {card.label}", each), "label") for card in found],
        [(fit(f" {card.value}", each), card.style) for card in found],
        [(fit(f" {card.note}", each), _note_style(card)) for card in found],
    ]


def _note_style(card: Card) -> str:
    return card.style if card.style in ("good", "bad") else "dim"


def _cards(state: dict[str, Any]) -> list[Card]:
    latency, errors = state["latency"], state["errors"]
    sampled = latency["sample_count"] > 0

    def us(name: str) -> str:
        return format_us(latency[name] if sampled else None)

    return [
        Card("p50", us("p50_us"), f"mean {us('mean_us')}", "value"),
        Card(f"p95 < {format_limit(state['target_p95_us'])}", us("p95_us"), *_verdict(state["target_met"])),
        Card("p99", us("p99_us"), f"p99.9 {us('p999_us')}", "value"),
        Card("throughput", format_rate(state["throughput_per_s"]), _mean_rate(state), "value"),
        Card("error rate", format_percent(state["error_rate"]), _errors(errors), "bad" if errors else "value"),
    ]


def _verdict(met: bool | None) -> tuple[str, str]:
    if met is None:
        return "no update yet", "value"
    return ("target met", "good") if met else ("TARGET MISSED", "bad")


def _mean_rate(state: dict[str, Any]) -> str:
    return f"mean {format_rate(state['mean_throughput_per_s'])}"


def _errors(errors: int) -> str:
    return f"{format_count(errors)} refused" if errors else "none refused"
