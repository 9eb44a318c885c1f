"""Calls of one process beside what would be used in their place, in interleaved rounds of one run."""
