from pathlib import Path

from typing_extensions import disjoint_base

from pricecore.delivery.holding import HolderTable
from pricecore.eventlog.opening import OpenedLog
from pricecore.eventlog.options import LogOptions
from pricecore.prices.symbols import SymbolTable

FIGURE_NAMES: tuple[bytes, ...]
COMMITS: int
SEALED_PLACES: int
DURABILITIES: tuple[str, ...]
FULL: tuple[str, ...]

@disjoint_base
class LogLife:
    options: LogOptions
    path: Path
    def __new__(
        cls, holders: HolderTable, symbols: SymbolTable, opened: OpenedLog, options: LogOptions, *_: object
    ) -> LogLife: ...
    def _begin(self, last_sequence: int) -> None: ...
    def _seal_next(self) -> bool: ...
    def _note_late_seals(self) -> None: ...
    def _let_go(self) -> None: ...
    def _stop(self) -> None: ...
