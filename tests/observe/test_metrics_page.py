"""docs/metrics.md lists what is exported, with the words of the exporter."""

import re
from pathlib import Path

from pricecore.observe.families import COUNTERS, GAUGES, LATENCY, LATENCY_HELP, SYMBOLS

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def listed():
    """Return name: (type, labels, words) of the table's rows."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+)[^|]* \| ([^|]*) \| (.*) \|$", PAGE, re.MULTILINE)
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels)), words) for name, kind, labels, words in rows}


def test_the_page_lists_every_metric_as_it_is_exported():
    exported = {family.name: ("counter", family.labels, family.help) for family in COUNTERS}
    exported |= {family.name: ("gauge", family.labels, family.help) for family in (*GAUGES, *SYMBOLS)}
    exported[LATENCY] = ("histogram", ("le",), LATENCY_HELP)
    exported["pricecore_up"] = ("gauge", (), "1: a process writes this engine.")
    assert {name: row for name, row in listed().items() if name != "pricecore_build_info"} == exported
    assert "pricecore_build_info" in listed()
