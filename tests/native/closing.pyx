"""A batch that lasts as long as a test wants: `close` waits for it."""

from pricecore.engine.closing cimport begin_writing, end_writing
from pricecore.engine.core cimport EngineCore


def begin_batch(EngineCore engine not None):
    """Return whether it has begun: the engine is open."""
    return begin_writing(&engine.state, 0)


def end_batch(EngineCore engine not None):
    end_writing(&engine.state, 0)
