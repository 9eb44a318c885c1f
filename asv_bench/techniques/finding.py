"""How a symbol is found, and the time."""

from built_copy import Replacement

from .technique import Technique

SYMBOLS = "pricecore/prices/symbols.pxd"
SYMBOLS_SLOW = "pricecore/prices/symbols.pyx"

TECHNIQUES = (
    Technique(
        "two_part_symbol_table",
        "a private index knows str objects by their cached hash; the segment's index of names is for new ones",
        (
            Replacement(
                SYMBOLS,
                "    if likely(is_exact_str(symbol) and cached_hash(symbol) != -1):\n"
                "        return str_find(table, symbol)\n",
                "",
            ),
            Replacement(
                SYMBOLS_SLOW,
                "        hash(symbol)\n        found = str_find(&self.table, <PyObject*>symbol)\n"
                "        if found >= 0:\n            return found\n",
                "",
            ),
            Replacement(SYMBOLS_SLOW, "            self.remember(symbol, found)\n", "            pass\n"),
        ),
        counted=("update", "update_new_str", "price", "update_many_names"),
        timed=("update", "price", "update_many_names"),
    ),
    Technique(
        "pointer_first",
        "the very str that was remembered is known by its address; only another object is compared by hash and text",
        (Replacement(SYMBOLS, "        if likely(key == symbol):\n            return entry.id\n", ""),),
        counted=("update", "price", "update_many_names"),
        timed=("update", "price", "update_many_names"),
    ),
    Technique(
        "entries_of_16_bytes",
        "an entry of the private index never lies across two cache lines",
        (
            Replacement(
                SYMBOLS,
                "    int32_t id\n\ncdef struct StrTable",
                "    int32_t id\n    uint64_t rest\n\ncdef struct StrTable",
            ),
        ),
        timed=("update_1000_symbols", "update_20000_symbols", "price_20000_symbols"),
    ),
    Technique(
        "counter_clock",
        "time is the processor's counter, scaled; the kernel's clock only corrects it, once a second",
        environment={"PRICECORE_CLOCK": "monotonic"},
        timed=("update", "update_quote", "update_many_100"),
    ),
)
