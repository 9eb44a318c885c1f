"""How a call takes its arguments."""

from built_copy import Replacement

from .technique import Technique

CYTHON_PARSES = (
    Replacement(
        "pricecore/engine/updater.pyx",
        'put_before(Updater, "update", <Method>put_trade, &trade_parameters)',
        "False",
    ),
    Replacement(
        "pricecore/engine/updater.pyx",
        'put_before(Updater, "update_quote", <Method>put_quote, &quote_parameters)',
        "False",
    ),
    Replacement(
        "pricecore/engine/reader.pyx", '\nput_before(Reader, "price", <Method>price_as_given, &price_parameters)\n', ""
    ),
    Replacement(  # the rest of the quick way stays
        "pricecore/engine/reader.pyx",
        "        return self.find_price(symbol)\n",
        "        cdef double price\n"
        "        if likely(quick_price(self, <PyObject*>symbol, &price)):\n"
        "            return price\n"
        "        return self.find_price(symbol)\n",
    ),
    Replacement(
        "pricecore/primitives/counter.pyx",
        '\nput_before(AtomicCounter, "add", <Method>add_as_given, &add_parameters)\n',
        "",
    ),
)

TECHNIQUES = (
    Technique(
        "method_binding",
        "methods are descriptors that the interpreter calls directly (binding=False), not Cython's function objects",
        (Replacement("setup.py", '"binding": False,', '"binding": True,'), *CYTHON_PARSES),
        counted=("get", "latency_record", "pool_cycle", "queue_push_pop"),
        timed=("get", "latency_record"),
    ),
    Technique(
        "arguments_as_they_come",
        "a method reads its arguments from the interpreter's array, without Cython's parse and its references",
        CYTHON_PARSES,
        counted=("update", "update_keywords", "update_quote", "price", "counter_add"),
        timed=("update", "update_keywords", "price"),
    ),
    Technique(
        "digits",
        "an int is read from its digits in place, not by a call of the C API",
        (
            Replacement("pricecore/prices/numbers.pxd", "    #if PY_VERSION_HEX < 0x030F0000 &&", "    #if 0 &&"),
            Replacement(
                "pricecore/prices/numbers.pxd",
                "{ (void)number; (void)value; return 0; }",
                "{ int over; *value = PyLong_AsLongLongAndOverflow(number, &over); return !over; }",
            ),
        ),
        counted=("update", "update_ints"),
        timed=("update", "update_ints"),
    ),
)
