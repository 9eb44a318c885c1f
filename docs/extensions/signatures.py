"""The reference: signatures with their types from the stubs, texts from the compiled modules, and how both look."""

import ast
import inspect
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from sphinx.util.inspect import signature, stringify_signature

import pricecore

PACKAGE = Path(pricecore.__file__).parent
MADE_BY_CALLS = (
    *("EngineLog", "EngineView", "EventLog", "FeedCounts", "Histogram", "HoldingConsumer", "LogWriter"),
    *("PerformanceReport", "PooledBuffer", "Sink", "Subscription", "Writer"),
)
"""Classes that users get from a call, and never construct: how they are made is nobody's business."""
ELSEWHERE = (
    "pricecore.delivery.holding_consumer.HoldingConsumer",
    "pricecore.engine.writer.Writer",
    "pricecore.eventlog.export.Exported",
    "pricecore.eventlog.log_writer.LogWriter",
    "pricecore.eventlog.replay.ReplayReport",
    "pricecore.eventlog.scanning.Gap",
    "pricecore.eventlog.scanning.TornTail",
    "pricecore.eventlog.sealed_compressor.CompressionFigures",
    "pricecore.eventlog.state_at.PricesAt",
    "pricecore.metrics.summary.Histogram",
    "pricecore.observe.performance.PerformanceRun",
    "pricecore.perftest.PerformanceReport",
)
"""What calls of the public names return, and the reference has under the name of its own module."""
Signature = tuple[str, str | None]


def functions_in(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from functions_in(node.body, f"{prefix}.{node.name}")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}.{node.name}", node


@cache
def stub_functions() -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of the stubs by its dotted name; of overloads the last, which takes most."""
    found = {}
    for stub in sorted(PACKAGE.rglob("*.pyi")):
        module = ".".join(("pricecore", *stub.relative_to(PACKAGE).with_suffix("").parts))
        found.update(functions_in(ast.parse(stub.read_text()).body, module))
    return found


def with_defaults(arguments: ast.arguments, found: Any) -> None:
    """Put the compiled function's own defaults where the stub has `...`."""
    try:
        parameters = inspect.signature(found).parameters
    except (TypeError, ValueError):
        return
    named = [*arguments.posonlyargs, *arguments.args]
    for argument, default in zip(named[len(named) - len(arguments.defaults) :], arguments.defaults, strict=True):
        if ast.unparse(default) == "..." and argument.arg in parameters:
            i = arguments.defaults.index(default)
            arguments.defaults[i] = ast.Name(repr(parameters[argument.arg].default))


def signature_of(node: ast.FunctionDef | ast.AsyncFunctionDef, found: Any, bound: bool) -> Signature:
    node = deepcopy(node)
    with_defaults(node.args, found)
    if bound and (node.args.posonlyargs or node.args.args):
        (node.args.posonlyargs or node.args.args).pop(0)
    returns = None if node.returns is None or node.name in ("__new__", "__init__") else ast.unparse(node.returns)
    return f"({ast.unparse(node.args)})", returns


def made_in_python(found: type) -> Signature | None:
    """Return the signature of a class whose `__init__` is plain Python, whatever compiled class it comes from."""
    for owner in inspect.getmro(found):
        made = vars(owner).get("__init__", vars(owner).get("__new__"))
        if made is not None:
            if not inspect.isfunction(made):
                return None
            return stringify_signature(signature(made, bound_method=True), show_return_annotation=False), None
    return None


def stub_names(what: str, name: str, found: Any) -> Iterator[str]:
    """Yield under which names an object may stand in the stubs."""
    if what == "class":
        for owner in inspect.getmro(found):
            yield from (f"{owner.__module__}.{owner.__qualname__}.{made}" for made in ("__new__", "__init__"))
    elif what == "method":
        owner = pricecore_object(name.rpartition(".")[0])
        for base in inspect.getmro(owner):
            yield f"{base.__module__}.{base.__qualname__}.{name.rpartition('.')[2]}"
    else:
        yield f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"


def pricecore_object(name: str) -> Any:
    found: Any = pricecore
    for step in name.split(".")[1:]:
        found = getattr(found, step)
    return found


def typed(app: Any, what: str, name: str, found: Any, options: Any, given: str, returns: str) -> Signature | None:
    """Take the signature from the stub, when the object is compiled."""
    if what == "class":
        if issubclass(found, tuple) or name.rpartition(".")[2] in MADE_BY_CALLS:
            return "", None
        made = made_in_python(found)
        if made is not None:
            return made
    for place in stub_names(what, name, found):
        node = stub_functions().get(place)
        if node is not None:
            static = "staticmethod" in {ast.unparse(decorator) for decorator in node.decorator_list}
            return signature_of(node, found, bound=what in ("class", "method") and not static)
    return None


def last_paragraph(lines: list[str]) -> None:
    """Show the paragraph "Threads: ... Cost: ..." as two fields."""
    for number, line in enumerate(lines):
        if line.startswith("Threads:"):
            end = next((i for i in range(number, len(lines)) if not lines[i].strip()), len(lines))
            text = " ".join(lines[number:end]).removeprefix("Threads:")
            threads, cost, costs = text.partition(" Cost:")
            fields = [f":Threads: {threads.strip()}", *([f":Cost: {costs.strip()}"] if cost else [])]
            lines[number:end] = ["", "", *fields, "", ""]  # two empty lines end a section of napoleon's
            return


kept: dict[str, list[str]] = {}


def before_napoleon(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Keep the text of an attribute from napoleon, which takes what stands before a colon for the type."""
    last_paragraph(lines)
    if what in ("attribute", "property"):
        kept[name] = lines.copy()
        lines.clear()


def behind_napoleon(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    lines.extend(kept.pop(name, ()))
    if lines and lines[0].startswith("Alias for field number"):  # a named tuple's own words
        lines.clear()


def public_names() -> Iterator[tuple[str, str]]:
    """Yield the last part of each name of the reference, and the whole."""
    for room in ("pricecore", "pricecore.compression", "pricecore.feeds", "pricecore.observe"):
        yield from ((name, f"{room}.{name}") for name in import_module(room).__all__)
    yield from ((name.rpartition(".")[2], name) for name in ELSEWHERE)


def resolve(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Find a name where the reference has it. One in single backticks that is no object, as a parameter, is code."""
    if node.get("refdomain") != "py":
        return None
    public = dict(public_names()).get(node["reftarget"].rpartition(".")[2])
    if public not in (None, node["reftarget"]):
        domain = env.get_domain("py")
        return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, contnode)
    prose = " " in node["reftarget"]  # "KeyboardInterrupt, or what another signal handler raises"
    return contnode if node["reftype"] == "obj" or prose else None


def setup(app: Any) -> dict[str, bool]:
    for name in ELSEWHERE:  # else autodoc imports the stub of a compiled module, which has no text
        import_module(name.rpartition(".")[0])
    app.connect("autodoc-process-signature", typed)
    app.connect("autodoc-process-docstring", before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", behind_napoleon, priority=600)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True}
