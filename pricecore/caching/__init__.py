"""Level 3: the cache in front of something slow: keys to values, in bounded memory, fresh or not at all."""
