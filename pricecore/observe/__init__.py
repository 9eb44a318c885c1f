"""Level 6: what people and programs that watch an engine read: one state, from an engine or from outside by its name.

Page, terminal view and exporters all read `dashboard_state`, so that they never disagree. Nothing here needs an extra;
`pricecore.observe.prometheus` does.
"""

from pricecore.observe import text
from pricecore.observe.counting import Counted, count_from
from pricecore.observe.history import History
from pricecore.observe.labelled import Labelled, labelled
from pricecore.observe.performance import PerformanceTest
from pricecore.observe.rows import price_rows
from pricecore.observe.state import dashboard_state
from pricecore.observe.watched import Watched

__all__ = [
    "Counted",
    "History",
    "Labelled",
    "PerformanceTest",
    "Watched",
    "count_from",
    "dashboard_state",
    "labelled",
    "price_rows",
    "text",
]
