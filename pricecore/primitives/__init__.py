"""Level 1: atomics, clock, aligned memory, segment, counter, queue and buffer pool."""
