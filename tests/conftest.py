"""Makes `helpers` and `models` importable, and tests the compiled package: the installed one, or one built in place.

`python -m pytest` puts the working directory on the path, and the source folder there hides the installed package
although nothing is compiled in it. It is taken off the path here, for this process and for those that tests start.
"""

import importlib.machinery
import importlib.util
import os
import signal
import sys
import sysconfig
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent


def built_in_place() -> bool:
    """Tell whether every .pyx of the source tree stands beside a library for this interpreter."""
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    return all(path.with_suffix(suffix).exists() for path in (ROOT / "pricecore").rglob("*.pyx"))


def choose_package() -> None:
    """Leave only a compiled pricecore on the path."""
    os.environ["PYTHONSAFEPATH"] = "1"
    in_front = any(Path(entry or ".").resolve() == ROOT for entry in sys.path)
    if in_front and not built_in_place():
        sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    if package_folder() == ROOT / "pricecore":
        # Built in place, or an editable install, which mypy and Cython do not see through.
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def package_folder() -> Path:
    """Return the folder of the pricecore under test, or end the run with what to do."""
    spec = importlib.util.find_spec("pricecore")
    if spec is None or spec.origin is None:
        pytest.exit("pricecore is not built: pip install '.[test]', or python setup.py build_ext --inplace", 4)
    return Path(spec.origin).parent


def take_ctrl_c() -> None:
    """Undo what a shell does to a job in the background: it ignores SIGINT, and so would all that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


choose_package()
take_ctrl_c()
sys.path.insert(0, str(TESTS))


def pytest_report_header() -> str:
    return f"pricecore: {package_folder()}"


def gil_is_on() -> bool:
    return getattr(sys, "_is_gil_enabled", lambda: True)()


@pytest.fixture(scope="session", autouse=True)
def gil_stays_off():
    """Fail where the interpreter can do without the GIL and it is on all the same, before or after the tests.

    The interpreter turns it on for a module that does not declare that it does without: then nothing here was tested
    free-threaded. With PYTHON_GIL=1 that is what was asked for.
    """
    expected = bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and os.environ.get("PYTHON_GIL") != "1"
    assert not (expected and gil_is_on()), "the GIL is on before the first test"
    yield
    assert not (expected and gil_is_on()), "something that the tests imported has turned the GIL on"
