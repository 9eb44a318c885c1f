"""The page of sleeping readers."""

import pytest
from helpers.subprocesses import run_python


@pytest.mark.parametrize("options", ["", "'md'"], ids=["private", "named"])
def test_an_engine_that_outlives_its_modules_goes_without_a_word(options, tmp_path):
    # `sys` is cleared last, when the names of all other modules are gone.
    done = run_python(
        f"import sys, pricecore; sys.kept = pricecore.PriceEngine({options})", PRICECORE_SHM_DIR=str(tmp_path)
    )
    assert (done.returncode, done.stderr) == (0, "")
