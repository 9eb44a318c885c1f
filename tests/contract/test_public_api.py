"""The public names with their parameters and defaults, and what the docstring of each has to say.

`public_api.txt` lists them: a change of the API is a change of that file. ``python tests/contract/test_public_api.py``
writes it anew.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.sources import ROOT

pytest.importorskip("msgspec", reason="no msgspec for this interpreter: pricecore.feeds needs it")

LISTED = Path(__file__).parent / "public_api.txt"
MODULES = ("pricecore", "pricecore.compression", "pricecore.feeds", "pricecore.observe")


def classes_and_functions() -> Iterator[tuple[str, object]]:
    """Yield what the modules show, without plain values and modules."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            if callable(found := getattr(module, name)):
                yield f"{module_name}.{name}", found


def members(owner: type) -> Iterator[tuple[str, object]]:
    """Yield the public members of a class, without the fields of a result and what the built-in below it has."""
    inherited = {name for base in owner.__mro__ if base.__module__ == "builtins" for name in vars(base)}
    fields = {*getattr(owner, "_fields", ()), *getattr(owner, "__dataclass_fields__", ())}
    for name in sorted(set(dir(owner)) - inherited - fields):
        if not name.startswith("_"):
            yield name, inspect.getattr_static(owner, name)


def is_call(member: object) -> bool:
    return callable(getattr(member, "__func__", member))


def parameters(item: object) -> str:
    """Return parameters and defaults without annotations; of a result its fields, of an error nothing."""
    if inspect.isclass(item) and (issubclass(item, BaseException) or hasattr(item, "_fields")):
        return f"({', '.join(item._fields)})" if hasattr(item, "_fields") else ""
    if inspect.isclass(item) and (stub := stub_of(item)).exists():
        return constructor_in(stub, item.__name__)
    if inspect.isclass(item) and "__init__" not in vars(item):  # made by a call of another class
        return ""
    found = inspect.signature(getattr(item, "__func__", item))
    bare = [one.replace(annotation=one.empty) for one in found.parameters.values() if one.name not in ("self", "cls")]
    return str(inspect.Signature(bare)).replace("<built-in function monotonic>", "time.monotonic")


def stub_of(owner: type) -> Path:
    return (ROOT / owner.__module__.replace(".", "/")).with_suffix(".pyi")


def constructor_in(stub: Path, name: str) -> str:
    """Return the parameters of a compiled class, which does not show them, as its stub has them."""
    (owner,) = (one for one in ast.parse(stub.read_text()).body if isinstance(one, ast.ClassDef) and one.name == name)
    functions = {one.name: one for one in owner.body if isinstance(one, ast.FunctionDef)}
    maker = functions.get("__new__") or functions.get("__init__")
    if maker is None:
        return ""
    arguments = maker.args
    for one in ast.walk(arguments):
        if isinstance(one, ast.arg):
            one.annotation = None
    return f"({ast.unparse(arguments)})".replace("(self, ", "(").replace("(cls, ", "(")


def listing() -> list[str]:
    """Return a line for each public name: classes and functions, below each class its members."""
    lines = []
    for name, item in classes_and_functions():
        lines.append(f"{name}{parameters(item)}")
        if inspect.isclass(item):
            lines += [f"    .{name}{parameters(member) if is_call(member) else ''}" for name, member in members(item)]
    return lines


CALLS = {
    f"{name}.{member}": getattr(owner, member)
    for name, owner in classes_and_functions()
    if inspect.isclass(owner)
    for member, static in members(owner)
    if is_call(static)
}
CLASSES = {name: item for name, item in classes_and_functions() if inspect.isclass(item)}


def test_the_public_api_is_the_one_that_is_listed():
    assert listing() == LISTED.read_text().splitlines(), f"if that is meant: python {__file__}"


@pytest.mark.parametrize("name", CALLS)
def test_a_public_call_says_which_threads_may_make_it_and_what_it_costs(name):
    told = inspect.getdoc(CALLS[name]) or ""
    assert "Threads:" in told
    assert "Cost:" in told


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_says_what_it_is_and_what_its_attributes_are(name):
    told = inspect.getdoc(CLASSES[name]) or ""
    assert told
    for attribute, member in members(CLASSES[name]):
        if not is_call(member) and not inspect.getdoc(member):
            assert re.search(rf"^[\w, ]*\b{attribute}\b[\w, ]*( : |$)", told, re.MULTILINE), attribute


if __name__ == "__main__":
    LISTED.write_text("\n".join(listing()) + "\n")
