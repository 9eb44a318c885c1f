"""How updates are counted, summed up and handed on."""

from built_copy import Replacement

from .technique import Technique

LATENCY = "pricecore/metrics/latency.pxd"
PERCENTILES = "pricecore/metrics/percentiles.pyx"

TECHNIQUES = (
    Technique(
        "sharded_counters",
        "every writer handle has counters of its own, so that nobody adds with a locked instruction to a shared line",
        (
            Replacement(
                "pricecore/engine/writer.pyx",
                "meter_of(core.engine, ",
                "meter_of(core.engine, 0 * ",
            ),
            Replacement(
                "pricecore/primitives/atomics.pxd",
                "        uint64_t before = pc_load_relaxed(word);\n"
                "        pc_store_relaxed(word, before + n);\n"
                "        return before;\n",
                "        return pc_fetch_add_relaxed(word, n);\n",
            ),
            Replacement(
                LATENCY,
                "    if FREE_THREADED:\n        window_record_shared",
                "    if True:\n        window_record_shared",
            ),
            Replacement(
                LATENCY,
                "    if FREE_THREADED:\n        place = claim_places",
                "    if True:\n        place = claim_places",
            ),
        ),
        counted=("update",),
        timed=("update", "updates_by_two_writers", "batches_of_64_by_two_writers"),
    ),
    Technique(
        "selection_of_percentiles",
        "latencies are counted value by value, and only the large ones selected from: nothing is sorted",
        (
            Replacement(
                PERCENTILES,
                "cdef double select_all(",
                "cdef int by_value(const void* a, const void* b) noexcept nogil:\n"
                "    cdef uint64_t x = (<const uint64_t*> a)[0], y = (<const uint64_t*> b)[0]\n"
                "    return (x > y) - (x < y)\n\n\n"
                "cdef double sort_all(uint64_t* values, size_t n, Wanted wanted) noexcept nogil:\n"
                "    cdef size_t i\n"
                "    cdef double total = sum_large(values, n)\n"
                "    qsort(values, n, sizeof(uint64_t), by_value)\n"
                "    for i in range(wanted.count):\n"
                "        wanted.values[i] = values[wanted.ranks[i]]\n"
                "    return total\n\n\n"
                "cdef double select_all(",
            ),
            Replacement(PERCENTILES, "out.mean_ns = select_all(", "out.mean_ns = sort_all("),
            Replacement(
                PERCENTILES,
                "from libc.string cimport memset\n",
                "from libc.stdlib cimport qsort\nfrom libc.string cimport memset\n",
            ),
        ),
        counted=("metrics",),
        timed=("metrics",),
    ),
    Technique(
        "fixed_record",
        "the 64 bytes in the ring are a row of a numpy array: poll copies them, and makes no object for a record",
        instead={"poll_all_64": "poll_all_64_as_tuples"},
        timed=("poll_all_64",),
    ),
)
