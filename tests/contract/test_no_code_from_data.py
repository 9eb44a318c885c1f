"""Nothing that is read can become code: no pickle, no eval, no shell, anywhere in the package."""

import ast
import re

import pytest
from helpers.sources import label, package_files

MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "xml", "runpy"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
FUNCTIONS = {"os.system", "os.popen", "tempfile.mktemp", "np.load", "numpy.load", "pd.read_pickle"}
IN_CYTHON = re.compile(
    rf"^\s*c?import\s+(?:{'|'.join(MODULES)})\b|^\s*from\s+(?:{'|'.join(MODULES)})\b"
    rf"|(?<![\w.])(?:{'|'.join(BUILTINS)})\s*\(|\b(?:PyRun_\w+|Py_CompileString\w*|system|popen)\s*\("
)


def flaws(source: str) -> list[str]:
    """Return what in this Python could run what was read."""
    return [found for node in ast.walk(ast.parse(source)) for found in flaws_of(node)]


def flaws_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names if name.name.split(".")[0] in MODULES]
    if isinstance(node, ast.ImportFrom):
        return [node.module] if (node.module or "").split(".")[0] in MODULES else []
    if not isinstance(node, ast.Call):
        return []
    name = ast.unparse(node.func)
    loose = {word.arg for word in node.keywords if word.arg in ("shell", "allow_pickle")}
    return [name] if name in BUILTINS | FUNCTIONS or loose else []


@pytest.mark.parametrize("path", package_files(".py", ".pyi"), ids=label)
def test_no_module_runs_what_it_reads(path):
    assert flaws(path.read_text()) == []


@pytest.mark.parametrize("path", package_files(".pyx", ".pxd"), ids=label)
def test_no_compiled_module_runs_what_it_reads(path):
    assert [line for line in path.read_text().splitlines() if IN_CYTHON.search(line.split("#")[0])] == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from marshal import loads",
        "def f():\n    import shelve as s",
        "eval(text)",
        "x = exec(text)",
        "compile(text, '', 'eval')",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "np.load(path)",
        "numpy.lib.load(path, allow_pickle=True)",
    ],
)
def test_the_reader_of_sources_sees_every_form(source):
    assert flaws(source)


@pytest.mark.parametrize("source", ["re.compile(text)", "import ast", "evaluate(x)", "self.exec_(x)"])
def test_the_reader_of_sources_lets_the_rest_pass(source):
    assert not flaws(source)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import pickle", True),
        ("    from marshal import loads", True),
        ("x = eval(text)", True),
        ("PyRun_String(text, 0, a, b)", True),
        ("self.compile(x)", False),
        ("cdef int evaluate(int x)", False),
    ],
)
def test_the_reader_of_cython_sees_every_form(line, found):
    assert bool(IN_CYTHON.search(line)) is found
