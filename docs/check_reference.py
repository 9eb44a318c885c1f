"""Sees that the built reference has every public name: `python docs/check_reference.py build/docs`.

Public are the names in `__all__` of the package and its open rooms, and of those that are classes every attribute
without an underscore that comes from pricecore, unless the class's own text describes it as parameter or attribute.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from sphinx.util.inventory import InventoryFile

ROOMS = ("pricecore", "pricecore.compression", "pricecore.dashboard", "pricecore.feeds", "pricecore.observe")
LEFT_OUT = {"pricecore.__version__", "pricecore.dashboard.need_nicegui", "pricecore.observe.text"}
LEFT_OUT |= {f"pricecore.{name}" for name in ("EngineView.segment", "Subscription.segment", "Subscription.waits")}
"""What is public for the other rooms of the package, or needs no entry."""


def attributes(found: type) -> Iterator[str]:
    described = re.findall(r"^ *([\w, *]+?) : ", inspect.getdoc(found) or "", re.MULTILINE)
    told = {name for names in described for name in names.split(", ")}
    for owner in inspect.getmro(found):
        if owner.__module__.startswith("pricecore"):
            yield from (name for name in vars(owner) if not name.startswith("_") and name not in told)


def public_names() -> Iterator[str]:
    for room in ROOMS:
        for name in import_module(room).__all__:
            yield f"{room}.{name}"
            found = getattr(import_module(room), name)
            if inspect.isclass(found) and not issubclass(found, BaseException):
                yield from (f"{room}.{name}.{attribute}" for attribute in attributes(found))


def missing(built: Path) -> list[str]:
    with (built / "objects.inv").open("rb") as stream:
        inventory = InventoryFile.load(stream, "", lambda base, page: page)
    there = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    return sorted(set(public_names()) - there - LEFT_OUT)


def main() -> int:
    names = missing(Path(sys.argv[1]))
    for name in names:
        print(f"the reference lacks {name}: put it on a page of docs/reference/", file=sys.stderr)
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
