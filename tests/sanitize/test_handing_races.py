"""Queue and pool under the thread sanitizer: nothing is reported of them, and something of every broken twin.

`ci/sanitize thread` builds the package for it and runs this file. No report is suppressed.
"""

import os

import pytest
from helpers.handing_races import RIGHT, TWINS
from helpers.native import build_native
from helpers.sanitized import TESTS, check_broken, check_right

pytestmark = pytest.mark.skipif(os.environ.get("PRICECORE_SANITIZE") != "thread", reason="run by ci/sanitize thread")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The loops, compiled once for all interpreters that run them."""
    return build_native(TESTS / "native" / "handing_races.pyx", tmp_path_factory.mktemp("native")).__file__


@pytest.mark.parametrize("scenario", RIGHT)
def test_nothing_is_reported_of_the_right_code(library, scenario):
    check_right("handing_races", library, scenario)


@pytest.mark.parametrize("scenario", TWINS)
def test_a_broken_twin_is_reported(library, scenario):
    check_broken("handing_races", library, scenario)
