from typing_extensions import Buffer

VERDICTS: tuple[str, ...]

def first_bad_symbol(symbols: Buffer) -> int: ...
