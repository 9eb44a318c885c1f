"""Slot, ring and repair under the thread sanitizer: nothing is reported of them, and something of every broken twin.

`ci/sanitize thread` builds the package for it and runs this file. No report is suppressed.
"""

import os
from pathlib import Path

import pytest
from helpers.native import build_native
from helpers.races import RIGHT, TWINS
from helpers.sanitized import TESTS, check_broken, check_right

import pricecore

pytestmark = pytest.mark.skipif(os.environ.get("PRICECORE_SANITIZE") != "thread", reason="run by ci/sanitize thread")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The loops, compiled once for all interpreters that run them."""
    return build_native(TESTS / "native" / "races.pyx", tmp_path_factory.mktemp("native")).__file__


def test_the_whole_package_is_built_for_the_sanitizer():
    libraries = list(Path(pricecore.__path__[0]).rglob("*.so"))
    assert libraries
    assert [path.name for path in libraries if b"__tsan_init" not in path.read_bytes()] == []


@pytest.mark.parametrize("scenario", RIGHT)
def test_nothing_is_reported_of_the_right_code(library, scenario):
    check_right("races", library, scenario)


@pytest.mark.parametrize("scenario", TWINS)
def test_a_broken_twin_is_reported(library, scenario):
    check_broken("races", library, scenario)
