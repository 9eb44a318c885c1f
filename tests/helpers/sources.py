"""The source tree as the contract tests read it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pricecore"


def package_files(*suffixes: str) -> list[Path]:
    """Return the package's source files with one of these suffixes."""
    return sorted(path for path in PACKAGE.rglob("*") if path.suffix in suffixes)


def project_files() -> list[Path]:
    """Return every text file of the project: code, tests, scripts and prose, nothing generated."""
    folders = [ROOT / name for name in ("pricecore", "tests", "asv_bench", "ci", ".ci", "docs", ".github")]
    inside = [path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts]
    texts = {"", ".py", ".pyx", ".pxd", ".pyi", ".h", ".pml", ".md", ".toml", ".in", ".yml", ".yaml", ".json", ".txt"}
    found = [*inside, *ROOT.glob("[!.]*.*"), ROOT / ".gitignore"]
    return sorted(path for path in found if path.is_file() and path.suffix in texts)


def module_name(path: Path) -> str:
    """Return the dotted name under which Python or Cython imports this file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def label(path: Path) -> str:
    """Return the path as a test shows it."""
    return path.relative_to(ROOT).as_posix()


def needs_package(module: str) -> str | None:
    """Return the package without which this module cannot be imported; not every interpreter has all of them."""
    if module.startswith(("pricecore.feeds", "pricecore.cli.progress", "pricecore.cli.run")):
        return "msgspec"
    if module == "pricecore.observe.prometheus":
        return "prometheus_client"
    return "nicegui" if module.startswith("pricecore.dashboard.") else None


def skip_without_its_package(module: str) -> None:
    """Skip the test where this module of the package cannot be imported."""
    package = needs_package(module)
    if package is not None:
        pytest.importorskip(package, reason=f"no {package} here")
