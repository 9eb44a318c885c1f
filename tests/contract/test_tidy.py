"""House rules that a machine can judge without harm."""

import itertools
import re
from functools import partial
from pathlib import Path

import pytest
from helpers.sources import label, package_files, project_files

MAX_CODE_LINES = 300  # of a file, without docstrings, comments and empty lines
MAX_ACCESSOR_LINES = 8
CYTHON = package_files(".pyx", ".pxd")
ALL = package_files(".py", ".pyx", ".pxd", ".pyi", ".h")

OBJECT_TYPES = "object|str|bytes|bytearray|list|tuple|dict|set|frozenset|type|memoryview|cnp.ndarray"
FUNCTION = re.compile(
    r"^[ ]*c(?:def|pdef)\s+(?!class\b|struct\b|enum\b|extern\b|union\b|packed\b|const\s+\w+\s+\w+\s*=)"
    r"(?P<head>[^(=:\n]*?)(?P<name>\w+)[ ]*\((?P<arguments>[^()]*(?:\([^()]*\)[^()]*)*)\)(?P<tail>[^\n#]*)",
    re.MULTILINE,
)
ORDERED = re.compile(r"\b(?:\w+_acquire|\w+_release|\w+_acq_rel)\s*\(")
MACHINE_PATH = r"/(?:root|home/\w+|Users/\w+|work|tmp/\w+)/|[A-Z]:[\\/]Users"


def without_docstrings(text: str) -> str:
    """Return the text with docstrings blanked, line numbers kept."""
    return re.sub(r'"""(?:.|\n)*?"""', lambda found: "\n" * found[0].count("\n"), text)


def code(path: Path) -> str:
    """Return the file without comments and docstrings, line numbers kept."""
    return re.sub(r"#.*", "", without_docstrings(path.read_text()))


def lines_matching(pattern: str, text: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if re.search(pattern, line)]


@pytest.mark.parametrize("path", ALL, ids=label)
def test_file_is_small_enough_to_read(path):
    length = len([line for line in code(path).splitlines() if line.strip()])
    assert length <= MAX_CODE_LINES, f"{length} lines of code: find the seam and split it"


@pytest.mark.parametrize("path", CYTHON, ids=label)
def test_no_compile_time_definitions_and_no_textual_includes(path):
    assert not lines_matching(r"^\s*(?:DEF\s|IF\s.*:|include\s+[\"'])", code(path))


@pytest.mark.parametrize("path", package_files(".py", ".pyx", ".pxd"), ids=label)
def test_no_bare_except(path):
    assert not lines_matching(r"^\s*except\s*:", code(path))


def extension_classes() -> set[str]:
    """Return the names of all cdef classes: a function that returns one reports errors by NULL anyway."""
    return {name for path in CYTHON for name in re.findall(r"^\s*cdef class (\w+)", path.read_text(), re.MULTILINE)}


def silent_functions(text: str, classes: set[str]) -> list[str]:
    """Return the cdef functions that return a C value and say neither noexcept nor except."""
    objects = re.compile(rf"\b(?:{OBJECT_TYPES}|{'|'.join(classes) or 'object'})\s*$")
    return [
        found["name"]
        for found in FUNCTION.finditer(text)
        if not re.search(r"\b(?:noexcept|except)\b", found["tail"]) and not objects.search(found["head"])
    ]


@pytest.mark.parametrize("path", CYTHON, ids=label)
def test_every_c_function_says_how_errors_leave_it(path):
    assert not silent_functions(code(path), extension_classes())


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("cdef int f(int a) nogil:", ["f"]),
        ("cdef inline void f(Ring* ring) noexcept nogil:", []),
        ("cdef Segment* f(\n    int a,\n    int b,\n) except NULL:", []),
        ("cdef Segment* f(\n    int a,\n    int b,\n):", ["f"]),
        ("    cdef bint _check(self)", ["_check"]),
        ("cdef str f(int a):", []),
        ("cdef Room f(int a):", []),
        ("cdef f(int a):", ["f"]),
        ("cdef double x = f(1)", []),
        ("cdef Record* record = <Record*> at(1)", []),
        ("cdef int (*callback)(int) noexcept", []),
    ],
)
def test_the_reader_of_c_functions_sees_every_form(text, silent):
    assert silent_functions(text, {"Room"}) == silent


@pytest.mark.parametrize("path", ALL, ids=label)
def test_memory_orders_of_the_compiler_stand_in_atomics_h_only(path):
    if path.name != "atomics.h":
        assert not lines_matching(r"__ATOMIC_|__atomic_|memory_order_|libcpp\.atomic", code(path))


def functions(text: str) -> list[tuple[str, list[str]]]:
    """Return name and code lines of every function of a Cython file."""
    lines = text.splitlines()
    heads = [number for number, line in enumerate(lines) if re.match(r"\s*c?p?def\s(?!class\b)[^=]*\w\(", line)]
    found = []
    for start in heads:
        body = itertools.takewhile(partial(belongs, lines[start]), lines[start + 1 :])
        found.append((lines[start].strip(), [line for line in body if line.strip()]))
    return found


def belongs(head: str, line: str) -> bool:
    """Tell whether a line is still part of the function with this head: deeper, empty, or its closing parenthesis."""
    return not line.strip() or indent(line) > indent(head) or line.lstrip().startswith(")")


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def bare_orders(text: str) -> list[str]:
    """Return the ordered accesses in the body of a long function that say nothing about their pair."""
    return [
        line.strip()
        for _, body in functions(text)
        if len([line for line in body if line.split("#")[0].strip()]) > MAX_ACCESSOR_LINES
        for line in body
        if ORDERED.search(line.split("#")[0]) and "#" not in line
    ]


@pytest.mark.parametrize("path", CYTHON, ids=label)
def test_an_ordered_access_stands_in_a_named_accessor_or_says_what_it_pairs_with(path):
    assert not bare_orders(without_docstrings(path.read_text()))


def test_the_reader_of_ordered_accesses_sees_a_bare_one():
    body = "    a = load_acquire(word)\n" + "    b += 1\n" * MAX_ACCESSOR_LINES
    assert bare_orders("cdef int f(int a) noexcept:\n" + body) == ["a = load_acquire(word)"]
    assert not bare_orders("cdef int f(\n    int a,\n) noexcept:\n" + body.replace(")", ")  # pairs with g", 1))
    assert not bare_orders("cdef int f() noexcept:\n    return load_acquire(word)\n\n" + "cdef int x\n" * 20)


@pytest.mark.parametrize("path", project_files(), ids=label)
def test_no_path_of_one_machine(path):
    assert not lines_matching(MACHINE_PATH, path.read_text())
