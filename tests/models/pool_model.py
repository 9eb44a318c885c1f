"""What `BufferPool` counts and what its buffers hold, with lists and integers only."""


class BufferModel:
    def __init__(self, pooled: bool, room: int) -> None:
        self.pooled = pooled
        self.room = room
        self.data = b""

    def extend(self, data: bytes) -> None:
        self.data += data
        if len(self.data) > self.room:
            self.room = max(len(self.data), 2 * self.room)


class PoolModel:
    def __init__(self, buffers: int, buffer_size: int) -> None:
        self.capacity = self.available = buffers
        self.buffer_size = buffer_size
        self.outstanding = self.hits = self.misses = self.dropped = 0

    def acquire(self) -> BufferModel:
        pooled = self.available > 0
        self.available -= pooled
        self.hits += pooled
        self.misses += not pooled
        self.outstanding += 1
        return BufferModel(pooled, self.buffer_size)

    def release(self, buffer: BufferModel) -> None:
        self.available += buffer.pooled
        self.outstanding -= 1
        self.dropped += buffer.room > 4 * self.buffer_size

    def reset_stats(self) -> None:
        self.hits = self.misses = self.dropped = 0

    def stats(self) -> tuple:
        utilization = (self.capacity - self.available) / self.capacity
        return (self.capacity, self.available, self.outstanding, self.hits, self.misses, self.dropped, utilization)
