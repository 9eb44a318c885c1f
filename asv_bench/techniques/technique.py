"""One entry of the table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from built_copy import Replacement

NONE: Mapping[str, str] = MappingProxyType({})


class Technique(NamedTuple):
    """A technique, how it is taken out, and the calls that are measured with it and without."""

    name: str
    claim: str
    replacements: tuple[Replacement, ...] = ()
    """Take it out of the sources."""
    environment: Mapping[str, str] = NONE
    """Takes it out of a process: no build."""
    instead: Mapping[str, str] = NONE
    """Names of loops that do without it, by the name of one that does not: no build."""
    counted: tuple[str, ...] = ()
    """Calls whose instructions are counted."""
    timed: tuple[str, ...] = ()
    """Calls, or loops of `techniques.loops`, whose CPU time is taken."""
    beside_writer: bool = False
    """Whether to see what a reader meets beside a writer that is busy, or was stopped."""
