"""The five cards: p50, p95, p99, throughput, error rate."""

from typing import Any

from pricecore.dashboard.elements import Text, box, choose
from pricecore.observe import text

_VERDICTS = ("good", "bad", "unknown")


class Card:
    """A large figure with its unit, and a line below."""

    def __init__(self, name: str, marker: str) -> None:
        with box("section", "card") as self.root:
            self.root.props(f'aria-label="{name}"').mark(marker)
            with box("div", "card-name"):
                Text(name, "h2")
                self.badge = Text("", classes="badge")
            with box("div", "card-value"):
                self._number = Text("-", classes="number").mark(f"{marker}-number")
                self._unit = Text("", classes="unit")
            self._note = Text("", "div", "note")

    def show(self, value: str, note: str) -> None:
        """Show a figure as `observe.text` writes it: number, space, unit."""
        number, _, unit = text.micro_sign(value).partition(" ")
        self._number.text, self._unit.text, self._note.text = number, unit, text.micro_sign(note)

    def judge(self, met: bool | None) -> None:
        """Mark the figure green or red, in words as well as in colour."""
        choose(self.root, "unknown" if met is None else "good" if met else "bad", _VERDICTS)
        self.badge.text = "" if met is None else "target met" if met else "target missed"


class Cards:
    """All five, side by side. Threads: one at a time."""

    def __init__(self) -> None:
        with box("div", "cards"):
            self._p50 = Card("p50 latency", "p50")
            self._p95 = Card("p95 latency", "p95")
            self._p99 = Card("p99 latency", "p99")
            self._throughput = Card("Throughput", "throughput")
            self._errors = Card("Error rate", "error-rate")

    def show(self, state: dict[str, Any]) -> None:
        """Show a state."""
        latency = state["latency"]
        samples = latency["sample_count"]
        of_window = f"last {samples:,} updates" if samples else "no updates yet"
        self._p50.show(_us(latency, "p50_us"), of_window)
        self._p95.show(_us(latency, "p95_us"), f"target below {text.format_limit(state['target_p95_us'])}")
        self._p95.judge(state["target_met"])
        self._p99.show(_us(latency, "p99_us"), of_window)
        mean = text.format_rate(state["mean_throughput_per_s"])
        self._throughput.show(text.format_rate(state["throughput_per_s"]), f"mean {mean}")
        received, errors = state["messages_received"], state["errors"]
        self._errors.show(text.format_percent(state["error_rate"]), f"{errors:,} of {received:,} updates")


def _us(latency: dict[str, Any], name: str) -> str:
    return text.format_us(latency[name] if latency["sample_count"] else None)
