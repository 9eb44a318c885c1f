"""The dashboard as Grafana expects it: what can be judged without one."""

import itertools
import json
import re

from pricecore.observe.families import COUNTERS, GAUGES, LATENCY
from pricecore.observe.grafana_files import alert_rules, grafana_dashboard

DASHBOARD = json.loads(grafana_dashboard())
PANELS = DASHBOARD["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]


def exported():
    """Return the names of all series that the collector can yield."""
    plain = {family.name for family in (*COUNTERS, *GAUGES)} | {"pricecore_up"}
    return plain | {f"{LATENCY}_{part}" for part in ("bucket", "sum", "count")}


def test_every_metric_asked_for_is_one_that_is_exported():
    asked = set(re.findall(r"pricecore_\w+", " ".join([*QUERIES, alert_rules()])))
    assert "pricecore_up" in asked
    assert asked <= exported()


def test_every_query_heeds_the_chosen_engines_and_the_chosen_data_source():
    for query in QUERIES:
        assert query.count("pricecore_") == query.count('worker=~"$worker"'), query
    for panel in PANELS:
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {source["uid"] for source in sources} == {"${datasource}"}
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "worker"]


def test_panels_have_units_words_and_places_of_their_own():
    taken = set()
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        at = panel["gridPos"]
        across, down = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        cells = set(itertools.product(across, down))
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_no_row_of_the_grid_has_a_hole():
    for y in {panel["gridPos"]["y"] for panel in PANELS}:
        assert sum(panel["gridPos"]["w"] for panel in PANELS if panel["gridPos"]["y"] == y) == 24


def test_p95_is_green_below_the_target_and_red_from_there():
    (p95,) = (panel for panel in PANELS if panel["title"] == "p95 latency")
    steps = p95["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps == [{"color": "green", "value": None}, {"color": "red", "value": 0.001}]
    assert p95["fieldConfig"]["defaults"]["unit"] == "s"
