"""Level 2: latency window, histogram and the frozen summaries that people read."""
