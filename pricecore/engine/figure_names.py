"""Level 5: what people may call that whose figures stand in the segment: a cache, a subscription."""

MAX_NAME_BYTES = 16  # a figure's name has 32 bytes, of which the kind and the field take the rest


def check_figure_name(name: str, what: str) -> str:
    """Return `name`; ValueError, TypeError when no `what` can be called so."""
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {name!r}")
    encoded = name.encode("utf-8", "replace")  # a lone surrogate becomes a "?"
    if not 1 <= len(encoded) <= MAX_NAME_BYTES or encoded.decode() != name or "/" in name or "\0" in name:
        raise ValueError(
            f"name is {name[:100]!r}; a {what}'s name has 1 to {MAX_NAME_BYTES} bytes as UTF-8, none of them zero or "
            f"'/'"
        )
    return name
