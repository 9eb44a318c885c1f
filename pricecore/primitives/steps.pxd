"""Named steps of an update, for tests that kill the process at each: see steps.h. Nothing in a normal build."""

cdef extern from "steps.h" nogil:
    void step "PC_STEP" (int name) noexcept
    # Names alone: the macro makes text of them.
    const int AT_SLOT_TAKEN "SLOT_TAKEN"
    const int AT_TICKET_CLAIMED "TICKET_CLAIMED"
    const int AT_RING_FILLED "RING_FILLED"
    const int AT_SLOT_STORED "SLOT_STORED"
    const int AT_RING_PUBLISHED "RING_PUBLISHED"
    const int AT_SLOT_FREED "SLOT_FREED"
    const int AT_CHUNK_CLAIMED "CHUNK_CLAIMED"
    const int AT_ROW "ROW"
    const int AT_SYMBOL_CLAIMED "SYMBOL_CLAIMED"
    const int AT_NAME_WRITTEN "NAME_WRITTEN"
    const int AT_NAME_INDEXED "NAME_INDEXED"
    const int AT_NAME_COUNTED "NAME_COUNTED"
    const int AT_SYMBOL_FILLED "SYMBOL_FILLED"
    const int AT_SYMBOL_PUBLISHED "SYMBOL_PUBLISHED"
