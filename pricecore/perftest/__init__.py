"""Level 3: the performance test. It drives whatever object it is given and imports no engine."""

from pricecore.perftest.beside import Beside, measure_beside
from pricecore.perftest.report import PerformanceReport
from pricecore.perftest.run import run_performance_test

__all__ = ["Beside", "PerformanceReport", "measure_beside", "run_performance_test"]
