from collections.abc import Callable, Iterable, Iterator
from typing import final

from typing_extensions import disjoint_base

MAX_LINE_BYTES: int
UNREADABLE: bytes

Record = tuple[int, int, bytes]

@disjoint_base
class Stamp: ...

@final
class CaptureStamp(Stamp): ...

@final
class Lines:
    def __init__(
        self,
        chunks: Iterable[bytes],
        number: int = 0,
        stamp: Stamp | None = None,
        damaged: Callable[[], object] | None = None,
    ) -> None: ...
    @property
    def number(self) -> int: ...
    def skip(self, count: int) -> int: ...
    def __iter__(self) -> Iterator[Record]: ...
    def __next__(self) -> Record: ...
