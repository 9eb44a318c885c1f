"""What the symbol table promises, as a dict."""


def fnv1a(data: bytes) -> int:
    """The documented hash of a name's bytes: FNV-1a, 64 bits."""
    mixed = 0xCBF29CE484222325
    for byte in data:
        mixed = (mixed ^ byte) * 0x100000001B3 % 2**64
    return mixed


class SymbolModel:
    """Names to dense ids, and why a name gets none."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.ids: dict[str, int] = {}

    def refusal(self, name: str) -> str | None:
        if name == "":
            return "symbol_empty"
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            return "symbol_encoding"
        return "symbol_too_long" if size > 48 else None

    def add(self, name: str) -> str | None:
        """Give the name an id; return the reason for which it gets none."""
        if name in self.ids:
            return None
        if reason := self.refusal(name):
            return reason
        if len(self.ids) == self.capacity:
            return "symbol_table_full"
        self.ids[name] = len(self.ids)
        return None
