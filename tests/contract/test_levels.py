"""Imports and cimports go downward only: the floor plan of the package, held by reading its source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.sources import PACKAGE, label, module_name, package_files

LEVELS = {
    "types": 0,
    "built": 0,
    "errors": 0,
    "dtypes": 0,
    "include": 0,
    "version": 0,
    "primitives": 1,
    "prices": 2,
    "metrics": 2,
    "compression": 2,
    "caching": 3,
    "delivery": 3,
    "perftest": 3,
    "eventlog": 4,
    "engine": 5,
    "core": 5,
    "view": 5,
    "feeds": 6,
    "observe": 6,
    "dashboard": 7,
    "terminal": 7,
    "cli": 8,
    "__main__": 9,
}
ONE_ROOM = (0, 5)  # the domain's words, and the modules that know all rooms, may import each other
TOP = 10  # pricecore/__init__.py, which shows every room to the user
ROOMS = {path.stem for path in PACKAGE.iterdir()} | set(LEVELS)
CIMPORT = re.compile(r"^\s*(?:from\s+(?P<base>[\w.]+)\s+c?import\s+(?P<names>[^#]+)|c?import\s+(?P<modules>[^#]+))")


def room(module: str) -> str:
    """Return the room a dotted module name belongs to, "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def level(module: str) -> int:
    return LEVELS[room(module)] if room(module) else TOP


def targets(base: str | None, names: list[str]) -> Iterator[str]:
    """Yield the modules of this package behind one `from base import names` or `import names`."""
    if base is None:
        yield from (name for name in names if name.split(".")[0] == "pricecore")
    elif base == "pricecore":
        yield from (f"pricecore.{name}" if name in ROOMS else "pricecore" for name in names)
    elif base.startswith("pricecore."):
        yield base


def split_names(text: str) -> list[str]:
    """Return the names in the tail of an import statement, without their `as`."""
    return [part.split()[0] for part in re.sub(r"[()\\]", " ", text).split(",") if part.strip()]


def absolute(base: str | None, dots: int, importer: Path) -> str | None:
    """Resolve a relative import against the package that holds the importing file."""
    if not dots:
        return base
    package = module_name(importer.parent / "__init__.py").split(".")
    return ".".join(package[: len(package) - dots + 1] + ([base] if base else []))


def python_imports(path: Path) -> Iterator[str]:
    """Yield what a .py file imports from the package, inside functions as well."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from targets(None, [alias.name for alias in node.names])
        elif isinstance(node, ast.ImportFrom):
            yield from targets(absolute(node.module, node.level, path), [alias.name for alias in node.names])


def cython_imports(path: Path) -> Iterator[str]:
    """Yield what a .pyx or .pxd file imports or cimports from the package."""
    text = re.sub(r"\(\s*([^()]*?)\s*\)", lambda group: "(" + group[1].replace("\n", " ") + ")", path.read_text())
    for line in text.splitlines():
        if found := CIMPORT.match(line):
            base = found["base"]
            dots = len(base) - len(base.lstrip(".")) if base else 0
            base = absolute(base.lstrip(".") or None, dots, path) if dots else base
            yield from targets(base, split_names(found["names"] or found["modules"]))


def imports(path: Path) -> set[str]:
    return set(python_imports(path) if path.suffix == ".py" else cython_imports(path))


def allowed(importer: str, target: str) -> bool:
    if level(target) == level(importer):
        return room(target) == room(importer) or level(target) in ONE_ROOM
    return level(target) < level(importer)


def test_every_room_has_a_level():
    rooms = {room(module_name(path)) for path in package_files(".py", ".pyx", ".pxd")} - {""}
    assert rooms <= set(LEVELS), f"give a level to {sorted(rooms - set(LEVELS))}"


@pytest.mark.parametrize("path", package_files(".py", ".pyx", ".pxd"), ids=label)
def test_imports_go_downward_only(path):
    importer = module_name(path)
    for target in sorted(imports(path)):
        assert allowed(importer, target), (
            f"{importer} (level {level(importer)}) imports {target} (level {level(target)}): "
            "a module may import from its own room and from lower levels only"
        )


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("prices/a.py", "import pricecore.metrics.latency as m", {"pricecore.metrics.latency"}),
        ("prices/a.py", "def f():\n    from pricecore import engine", {"pricecore.engine"}),
        ("prices/a.py", "from pricecore import PriceEngine", {"pricecore"}),
        ("prices/a.py", "from ..metrics import x", {"pricecore.metrics"}),
        ("prices/a.py", "from . import b\nimport numpy", {"pricecore.prices"}),
        ("prices/a.pyx", "from pricecore.metrics.latency cimport (\n    a,\n    b,\n)", {"pricecore.metrics.latency"}),
        ("prices/a.pxd", "cimport pricecore.types as t, libc.math", {"pricecore.types"}),
        ("prices/a.pyx", "    from pricecore cimport types, engine  # why", {"pricecore.types", "pricecore.engine"}),
        ("prices/a.pyx", "from ..delivery.ring cimport push", {"pricecore.delivery.ring"}),
    ],
)
def test_the_reader_of_imports_sees_every_form(name, text, expected, monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda self, *args, **kwargs: text)
    assert imports(PACKAGE / name) == expected
