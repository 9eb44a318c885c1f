"""Level 0: the error tree. Every error is also the built-in that a Python user would catch."""

REASONS = (
    "",
    "price_not_finite",
    "price_not_positive",
    "volume",
    "change",
    "no_side",
    "size",
    "symbol_empty",
    "symbol_too_long",
    "symbol_encoding",
    "symbol_table_full",
    "time_unit",
    "time_negative",
    "time_overflow",
    "future",
    "ring_full",
    "symbol_id",
)
"""Why an update was refused, by the code that the compiled modules use (types.pxd, enum Reason)."""

COMPRESSION_REASONS = ("too_large", "not_a_frame", "no_size", "wrong_size", "wrong_dictionary", "damaged")
"""Why a payload or a frame was refused."""


class PricecoreError(Exception):
    """Root of all errors of this package."""


class InvalidUpdateError(PricecoreError, ValueError):
    """An update was refused; `reason` is one of `REASONS` and nothing of the update is visible."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.args[0], self.reason)


class SymbolTableFullError(InvalidUpdateError):
    """A new symbol has no place: `max_symbols` are registered."""


class RingFullError(PricecoreError, BufferError):
    """The ring is full of records that a holding consumer has not taken yet."""


class LaggedError(PricecoreError, BufferError):
    """A subscription was lapped by the writer: `lost` records are gone, it goes on at `next_sequence`."""

    def __init__(self, lost: int, next_sequence: int) -> None:
        super().__init__(
            f"{lost:,} records were overwritten before this subscription took them; it goes on at sequence "
            f"{next_sequence:,}: poll more often, or make the engine with a larger ring_capacity"
        )
        self.lost = lost
        self.next_sequence = next_sequence

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.lost, self.next_sequence)


class UnknownSymbolError(PricecoreError, KeyError):
    """No such symbol, or nothing of the kind asked for is stored for it."""

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return str(self.args[0]) if self.args else ""


class EngineClosedError(PricecoreError, ValueError):
    """The engine was closed."""


class WrongProcessError(PricecoreError, RuntimeError):
    """The engine belongs to another process."""


class WriterDiedError(PricecoreError, ConnectionError):
    """The process that wrote this segment is gone."""


class SegmentError(PricecoreError, OSError):
    """A segment cannot be made, opened or trusted."""


class SegmentInUseError(SegmentError):
    """Another process writes this segment."""


class LogCorruptError(PricecoreError, ValueError):
    """A log file is damaged: `file`, `offset` in bytes and `reason` say where and how."""

    def __init__(self, file: str, offset: int, reason: str) -> None:
        super().__init__(f"{file}: damaged at byte {offset}: {reason}")
        self.file = file
        self.offset = offset
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.file, self.offset, self.reason)


class LogNotFoundError(PricecoreError, FileNotFoundError):
    """No event log stands there."""


class LogReadOnlyError(PricecoreError, OSError):
    """The log takes no more records."""


class MissingExtraError(PricecoreError, ImportError):
    """A package that only this call needs is not installed; the message says what to install."""


class CompressionError(PricecoreError, ValueError):
    """Bytes cannot be compressed or expanded; `reason` is one of `COMPRESSION_REASONS`."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.args[0], self.reason)


class FormatError(PricecoreError, ValueError):
    """A source is not in the format that it should have; nothing of it was read into the engine."""


class MalformedError(PricecoreError, ValueError):
    """A message that should carry a price cannot be read; `Feed` counts it, a decoder of one's own may raise it."""


class QueueClosedError(PricecoreError, ValueError):
    """The queue was closed: nothing can be pushed, and nothing is left to pop."""


class BufferReleasedError(PricecoreError, ValueError):
    """The buffer went back to its pool."""


class BufferInUseError(PricecoreError, BufferError):
    """The buffer cannot move or go back to its pool while views of its memory are alive."""


class LoadRecursionError(PricecoreError, RecursionError):
    """A loader of a cache asks for the key that it loads, itself or by way of other loads."""
