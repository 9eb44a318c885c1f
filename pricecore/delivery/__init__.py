"""Level 3: the broadcast ring that carries every record to its readers."""
