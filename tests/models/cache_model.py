"""What `PriceCache` does, by an OrderedDict: the most recently used key stands last."""

from collections import Counter, OrderedDict

ABSENT = object()


class CacheModel:
    """Entries that expire leave in the moment in which they do."""

    def __init__(self, capacity, ttl_s=None):
        self.capacity = capacity
        self.ttl_s = ttl_s
        self.now_s = 0.0
        self.entries = OrderedDict()  # key: (value, expires_s or None)
        self.hits = self.misses = 0
        self.left = Counter()
        self.told = []

    def _leave(self, key, reason):
        value, _ = self.entries.pop(key)
        self.left[reason] += 1
        self.told.append((key, value, reason))
        return value

    def pass_time(self, seconds):
        self.now_s += seconds
        for key, (_, expires_s) in list(self.entries.items()):
            if expires_s is not None and expires_s <= self.now_s:
                self._leave(key, "expired")

    def get(self, key, default=None):
        if key not in self.entries:
            self.misses += 1
            return default
        self.hits += 1
        self.entries.move_to_end(key)
        return self.entries[key][0]

    def peek(self, key, default=None):
        return self.entries.get(key, (default,))[0]

    def put(self, key, value, ttl_s=None):
        ttl_s = self.ttl_s if ttl_s is None else ttl_s
        if key not in self.entries and len(self.entries) == self.capacity:
            self._leave(next(iter(self.entries)), "capacity")
        self.entries[key] = (value, None if ttl_s is None else self.now_s + ttl_s)
        self.entries.move_to_end(key)

    def delete(self, key):
        if key not in self.entries:
            return False
        self._leave(key, "deleted")
        return True

    def pop(self, key, default=ABSENT):
        if key in self.entries:
            return self._leave(key, "deleted")
        return default

    def popitem(self):
        key = next(iter(self.entries))
        return key, self._leave(key, "deleted")

    def setdefault(self, key, default):
        if key in self.entries:
            self.entries.move_to_end(key)
            return self.entries[key][0]
        self.put(key, default)
        return default

    def clear(self):
        while self.entries:
            self.popitem()

    def resize(self, capacity):
        while len(self.entries) > capacity:
            self._leave(next(iter(self.entries)), "capacity")
        self.capacity = capacity

    def items(self):
        return [(key, value) for key, (value, _) in reversed(self.entries.items())]
