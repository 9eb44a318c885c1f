"""What an exporter says, read by the client's own parser."""

from typing import Any


def samples(collector: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample of a collector by its name and sorted labels, checked for doubles."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for metric in collector.collect():
        for sample in metric.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(found: dict, name: str, **labels: str) -> float:
    """Return the one sample of this name and these labels."""
    return found[name, tuple(sorted(labels.items()))]


def named(found: dict, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Return the samples of this name, by their labels."""
    return {labels: number for (found_name, labels), number in found.items() if found_name == name}
