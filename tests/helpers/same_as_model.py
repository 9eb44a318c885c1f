"""An engine beside its model: the same prices, the same stream, the same accounts."""

import numpy as np
from models.engine_model import PRICE, QUOTE

from helpers.stream import SYMBOL, VOID, records_of


def assert_same_stored(engine, model):
    assert engine.symbols() == model.symbols
    for symbol in model.symbols:
        for kind, found in ((PRICE, engine.get(symbol)), (QUOTE, engine.quote(symbol))):
            expected = model.stored.get((symbol, kind))
            if expected is None:
                assert found is None
                continue
            a, b, c, d = expected.figures
            figures = (a, b, expected.timestamp_ns, c) if kind == PRICE else (a, b, c, d, expected.timestamp_ns)
            np.testing.assert_array_equal(found[1:-2], figures)
            assert (found.symbol, found.sequence) == (symbol, expected.sequence)
            assert found.received_ns > 0


def assert_same_stream(engine, model):
    records = records_of(engine)
    expected = model.stream[-len(records) :] if len(records) else []
    assert len(records) == min(len(model.stream), engine.metrics().ring.capacity)
    for record, wanted in zip(records.tolist(), expected, strict=True):
        sequence, symbol_id, kind, flags, timestamp_ns, _, *figures = record
        assert (sequence, kind) == (wanted.sequence, wanted.kind)
        if kind == SYMBOL:
            assert (symbol_id, flags) == (wanted.symbol_id, wanted.flags)
        elif kind != VOID:
            assert (symbol_id, flags, timestamp_ns) == (wanted.symbol_id, wanted.flags, wanted.timestamp_ns)
            np.testing.assert_array_equal(figures, wanted.figures)


def assert_same_accounts(engine, model):
    m = engine.metrics()
    assert (m.messages_processed, m.out_of_order) == (model.processed, model.out_of_order)
    assert m.errors_by_reason == dict(model.errors)
    assert m.messages_received == m.messages_processed + m.out_of_order + m.errors
    assert (m.latency.sample_count, m.histogram.count) == (min(model.processed, 1_000), model.processed)
    assert (m.ring.sequence, m.symbols) == (len(model.stream), len(model.symbols))
