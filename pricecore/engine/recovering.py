"""Level 5: an engine comes back with what its log holds; together with a surviving named segment the newer state wins."""

from pricecore.eventlog.opening import OpenedLog
from pricecore.prices.symbols import SymbolTable
from pricecore.primitives.named_segment import write_segment
from pricecore.primitives.segment import Segment


def segment_beside_log(
    name: str | None, sizes: dict[str, int], permissions: int, resume: bool, opened: OpenedLog | None
) -> Segment:
    """Return the engine's segment: private, or the named one unless the log is ahead of it.

    Threads: any. Cost: as `write_segment`.
    """
    if name is None:
        return Segment(**sizes)
    segment = write_segment(name, sizes, permissions, resume=resume)
    if opened is None or segment.file.fresh or segment.facts()["sequence"] >= opened.last_sequence:
        return segment
    segment.file.close()
    return write_segment(name, sizes, permissions, resume=False)


def restore_from_log(segment: Segment, symbols: SymbolTable, opened: OpenedLog) -> None:
    """Put into a fresh segment what the log holds."""
    if opened.last_sequence:
        raise NotImplementedError
