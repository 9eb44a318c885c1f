"""What `UpdateQueue` does, with a deque and no thread in sight."""

from collections import deque


class ModelClosedError(Exception):
    """The model's QueueClosedError."""


class QueueModel:
    def __init__(self, capacity: int) -> None:
        self.capacity = 2
        while self.capacity < capacity:
            self.capacity *= 2
        self.items: deque[int] = deque()
        self.closed = False

    def try_push(self, item: int) -> bool:
        return self.try_push_many([item]) == 1

    def try_push_many(self, items: list[int]) -> int:
        if self.closed:
            raise ModelClosedError
        room = self.capacity - len(self.items)
        self.items.extend(items[:room])
        return min(room, len(items))

    def try_pop(self) -> int | None:
        popped = self.try_pop_many(1)
        return popped[0] if popped else None

    def try_pop_many(self, max_items: int) -> list[int]:
        if self.closed and not self.items:
            raise ModelClosedError
        return [self.items.popleft() for _ in range(min(max_items, len(self.items)))]

    def close(self) -> None:
        self.closed = True
