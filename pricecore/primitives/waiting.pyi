from typing_extensions import disjoint_base

PAGE_BYTES: int

@disjoint_base
class WaitRoom:
    def __new__(cls, descriptor: int | None = None) -> WaitRoom: ...
    @property
    def wakes(self) -> bool: ...
    @property
    def announced(self) -> bool: ...
