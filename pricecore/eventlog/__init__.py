"""Level 4: the event log: written behind the ring, read by anyone."""
