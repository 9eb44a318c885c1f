"""A batch that lasts as long as a test wants: `close` waits for it."""

from pricecore.engine.closing cimport begin_writing, end_writing
from pricecore.engine.core cimport EngineCore


def begin_batch(EngineCore engine not None, int handle=0):
    """Return whether it has begun, as a call of this writer handle: the engine is open."""
    return begin_writing(&engine.state, handle)


def end_batch(EngineCore engine not None, int handle=0):
    end_writing(&engine.state, handle)
