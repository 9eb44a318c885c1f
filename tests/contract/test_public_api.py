"""The public names, their parameters and defaults, and what every docstring has to say."""

import importlib
import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LISTED = Path(__file__).parent / "public_api.txt"
MODULES = ("pricecore", "pricecore.feeds", "pricecore.compression", "pricecore.observe")
DATA = {"count", "index"}  # of a tuple


def public(module_name: str) -> Iterator[tuple[str, object]]:
    """Yield what a module shows, without plain values and modules."""
    module = importlib.import_module(module_name)
    for name in module.__all__:
        found = getattr(module, name)
        if callable(found):
            yield f"{module_name}.{name}", found


def members(owner: type) -> Iterator[tuple[str, object]]:
    """Yield the public members of a class; not the fields of a result, and not what every tuple or error has."""
    inherited = {name for base in (tuple, Exception) for name in dir(base) if issubclass(owner, base)}
    fields = {*getattr(owner, "_fields", ()), *getattr(owner, "__dataclass_fields__", ())}
    for name in sorted(dir(owner)):
        if not name.startswith("_") and name not in inherited | fields:
            yield name, inspect.getattr_static(owner, name)


def is_told_of(name: str, text: str) -> bool:
    """Tell whether a docstring speaks of an attribute: as a parameter or attribute of its own, or in backticks."""
    return bool(re.search(rf"`{name}`|^[\w, ]*\b{name}\b[\w, ]* : ", text, re.MULTILINE))


def signature(item: object) -> str:
    """Return parameters and defaults without annotations, or nothing where there are none to see."""
    item = getattr(item, "__func__", item)
    try:
        found = inspect.signature(item)
    except (TypeError, ValueError):
        return ""
    bare = [one.replace(annotation=one.empty) for one in found.parameters.values() if one.name not in ("self", "cls")]
    return str(found.replace(parameters=bare, return_annotation=found.empty)).replace("(/, ", "(").replace("(/)", "()")


if __name__=="__main__":
    for m in MODULES:
        for n,o in public(m):
            d=inspect.getdoc(o) or ""
            if not d: print("NODOC",n)
            if inspect.isclass(o) and not issubclass(o,Exception):
                for k,v in members(o):
                    dd=inspect.getdoc(getattr(o,k,v)) or ''
                    call = callable(getattr(v,"__func__",v))
                    if (not dd or not call and not isinstance(v,property) and type(v).__name__!="getset_descriptor") and not is_told_of(k,d): print("ATTR",n,k)
                    if call and not ("Threads:" in dd and "Cost:" in dd): print("CALL",n,k, "T" if "Threads:" in dd else "", "C" if "Cost:" in dd else "")
