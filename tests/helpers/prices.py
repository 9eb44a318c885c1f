"""Stands in for an engine where a test wants to see what a decoder handed on."""

from math import isnan


class Recorder:
    """Takes updates like an engine and keeps them; NaN is kept as None, so that they can be compared."""

    def __init__(self):
        self.trades = []
        self.quotes = []

    def update(self, symbol, price, volume=0.0, timestamp_ns=0, change_24h=float("nan")):
        self.trades.append((symbol, price, volume, timestamp_ns, None if isnan(change_24h) else change_24h))
        return True

    def update_quote(self, symbol, bid, ask, bid_size=0.0, ask_size=0.0, timestamp_ns=0):
        self.quotes.append((symbol, bid, ask, bid_size, ask_size, timestamp_ns))
        return True
