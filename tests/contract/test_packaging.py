"""What of packaging goes stale unseen: lists of Pythons, the version, what workflows call and may do, data files."""

import os
import re
import tomllib
from fnmatch import fnmatch

import pytest
from helpers.sources import PACKAGE, ROOT, label, project_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PACKAGING = (ROOT / "docs" / "packaging.md").read_text()
NOT_INSTALLED = {".pyx", ".pml"}  # sources of what is compiled, and models of it
LIBRARIES = {".so", ".pyd", ".pyc"}

needs_workflows = pytest.mark.skipif(not WORKFLOWS, reason="an sdist has no workflows")


def classified() -> list[str]:
    """Return the Pythons that the classifiers name, as 3.11."""
    found = [re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", c) for c in PROJECT["project"]["classifiers"]]
    return [match[1] for match in found if match]


def built() -> set[str]:
    """Return the Pythons that wheels are built for, as 3.11 or 3.13t."""
    identifiers = list(PROJECT["tool"]["cibuildwheel"]["build"])
    for workflow in WORKFLOWS:
        identifiers += re.findall(r"CIBW_BUILD: (cp3\d+t-\*)", workflow.read_text())
    return {re.sub(r"cp3(\d+t?)-\*", r"3.\1", identifier) for identifier in identifiers}


def text_of(*names: str) -> str:
    return "\n".join((ROOT / name).read_text() for name in names)


@needs_workflows
def test_every_python_that_the_classifiers_name_gets_a_wheel():
    assert classified()
    assert set(classified()) <= built()


@needs_workflows
def test_the_document_names_every_python_that_gets_a_wheel_and_says_which_were_never_run():
    row = re.search(r"^\| CPython (.*?) \|.*\n\| CPython (.*?) \| experimental", PACKAGING, re.MULTILINE)
    assert row is not None, "docs/packaging.md: one row of supported Pythons, below it one of experimental ones"
    supported, experimental = (set(re.findall(r"3\.\d+t?", part)) for part in row.groups())
    assert supported | experimental == built()
    assert supported - {"3.13t"} == set(classified())
    assert not supported & experimental


def test_the_oldest_python_is_the_same_everywhere():
    oldest = min(classified(), key=lambda version: int(version.split(".")[1]))
    assert PROJECT["project"]["requires-python"] == f">={oldest}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"


def test_the_version_is_written_in_one_place():
    version = re.search(r'__version__ = "(.*)"', text_of("pricecore/version.py"))
    assert version is not None
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "pricecore.version.__version__"
    others = [path for path in project_files() if path.suffix in (".py", ".pyx", ".toml") and path.parent != PACKAGE]
    again = re.compile(rf'version\w* = "{re.escape(version[1])}"')
    assert not [label(path) for path in others if again.search(path.read_text())]


@needs_workflows
def test_workflows_call_scripts_that_exist_and_can_be_run():
    texts = [path.read_text() for path in WORKFLOWS] + [PROJECT["tool"]["cibuildwheel"]["test-command"]]
    texts = [text.replace("{project}/", "") for text in texts]
    called = {name for text in texts for name in re.findall(r"(?<![\w./])\.?ci/[\w.-]+", text)}
    assert {".ci/run", "ci/setup", "ci/wheel", "ci/try-wheel", "ci/release-version", "ci/sbom.py"} <= called
    for name in called:
        path = ROOT / name
        assert path.is_file(), name
        assert path.suffix == ".py" or os.access(path, os.X_OK), f"{name} cannot be executed"


@needs_workflows
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_begins_without_rights_and_keeps_no_credentials(path):
    text = path.read_text()
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE), "rights are given job by job"
    assert text.count("uses: actions/checkout@") == text.count("persist-credentials: false")
    written = re.findall(r"^ +([\w-]+): write", text, re.MULTILINE)
    assert written == (["id-token", "attestations"] if path.stem == "release" else [])


@needs_workflows
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_names_a_version_of_each_action(path):
    used = re.findall(r"uses: (\S+)", path.read_text())
    assert used
    for action in used:
        assert action.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+(\.\d+)*", action), action


@needs_workflows
def test_what_is_experimental_may_fail_and_is_not_released():
    text = text_of(".github/workflows/wheels.yml")
    experimental = text[text.index("\n  experimental:") :]
    assert "continue-on-error: true" in experimental
    assert "name: experimental-" in experimental
    assert not re.search("macos|windows", text.replace(experimental, ""))
    assert "pattern: release-*" in text_of(".github/workflows/release.yml")


def test_every_kind_of_file_in_the_package_is_installed_or_known_not_to_be():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    found = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in LIBRARIES]
    missed = [path for path in found if not any(fnmatch(path.name, pattern) for pattern in ["*.py", *patterns])]
    assert {path.suffix for path in missed} <= NOT_INSTALLED, [label(path) for path in missed]
    names = {label(path) for path in found}
    assert {"pricecore/py.typed", "pricecore/data/binance_spot.gz", "pricecore/dashboard/page.css"} <= names
    assert {path.suffix for path in (PACKAGE / "observe" / "grafana").iterdir()} >= {".json", ".yml"}
