"""How a record gets into its slot and into the ring."""

from built_copy import Replacement

from .technique import Technique

SLOT = "pricecore/prices/slot.pxd"
HOTPATH = "pricecore/engine/hotpath.pxd"
CHUNK = "pricecore/engine/chunk.pxd"
CHUNK_FILL = "pricecore/engine/chunk.pyx"

TECHNIQUES = (
    Technique(
        "alternating_copies",
        "a price is written to the older of two copies, so that a reader never waits for a writer",
        (
            Replacement(
                SLOT,
                "    cdef uint64_t older = first & SEQUENCE > second & SEQUENCE\n"
                "    hold.target, hold.newest = &pair[older], &pair[older ^ 1]\n"
                "    hold.before = second if older else first\n"
                "    hold.newest_sequence = (first if older else second) & SEQUENCE\n",
                "    hold.target = hold.newest = pair\n"
                "    hold.before = first\n"
                "    hold.newest_sequence = first & SEQUENCE\n",
            ),
            Replacement(
                SLOT,
                "        second = copy_word(&pair[1])\n        if likely(not ((first",
                "        second = 0\n        if likely(not ((first",
            ),
            Replacement(
                SLOT,
                "    cdef uint64_t second = copy_word(&pair[1])\n    if unlikely(",
                "    cdef uint64_t second = 0\n    if unlikely(",
            ),
            Replacement(
                SLOT,
                "    cdef uint64_t second = copy_word(&pair[1])\n    cdef uint64_t newer",
                "    cdef uint64_t second = 0\n    cdef uint64_t newer",
            ),
            Replacement(
                SLOT,
                "        second = copy_word(&pair[1])\n        a = complete_sequence(first)",
                "        second = 0\n        a = complete_sequence(first)",
            ),
        ),
        counted=("update", "update_many_10000", "price"),
        timed=("update", "update_many_10000", "price"),
        beside_writer=True,
    ),
    Technique(
        "stores_in_place_of_swaps",
        "a single update that is the only writer takes slot and ticket with plain stores",
        (
            Replacement(
                HOTPATH, "    return not FREE_THREADED and load_acquire(&engine.writing) == 0\n", "    return False\n"
            ),
        ),
        counted=("update", "update_quote"),
        timed=("update", "update_quote"),
    ),
    Technique(
        "ticket_without_fence",
        "who is about to sleep looks twice, so that a single update takes its ticket without a fence",
        (
            Replacement(
                "pricecore/delivery/ring.pxd",
                "    store_release(ring.ticket, taken + 1)   # pairs",
                "    cas_acq_rel(ring.ticket, &taken, taken + 1)   # pairs",
            ),
        ),
        counted=("update",),
        timed=("update", "update_quote"),
    ),
    Technique(
        "chunked_tickets",
        "a batch takes 64 tickets at once, and looks at clock, limit and sleepers once for them",
        (Replacement(CHUNK, "    CHUNK_ROWS = 64 ", "    CHUNK_ROWS = 1 "),),
        counted=("update_many_100", "update_many_10000", "update_many_names"),
        timed=("update_many_100", "update_many_10000", "batches_by_two_writers"),
    ),
    Technique(
        "whole_columns",
        "a chunk of good rows is judged column by column, which the compiler turns into vector instructions",
        (
            Replacement(
                CHUNK_FILL,
                "    if rows.kind != KIND_PRICE or not copy_trades(engine, rows, symbols, chunk, n):\n"
                "        copy_good_rows",
                "    copy_good_rows",
            ),
        ),
        counted=("update_many_100", "update_many_10000"),
        timed=("update_many_100", "update_many_10000"),
    ),
)
