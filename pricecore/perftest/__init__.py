"""Level 3: the performance test. It drives whatever object it is given and imports no engine."""

from pricecore.perftest.report import PerformanceReport
from pricecore.perftest.run import run_performance_test

__all__ = ["PerformanceReport", "run_performance_test"]
