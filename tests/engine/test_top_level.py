"""What `import pricecore` gives by name, and errors that cross a process."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import pricecore
from pricecore.errors import InvalidUpdateError, LogCorruptError


def test_rooms_are_imported_when_they_are_named():
    program = "import sys, pricecore; print('pricecore.feeds' in sys.modules, pricecore.compression.__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("False pricecore.compression\n", "")


def test_dir_names_what_is_imported_on_use_as_well():
    named = dir(pricecore)
    assert {"PriceEngine", "EventLog", "compression", "feeds", "observe"} <= set(named)
    assert named == sorted(set(named))


def test_the_folder_of_headers_holds_the_one_that_foreign_modules_include():
    assert (Path(pricecore.get_include()) / "atomics.h").is_file()


@pytest.mark.parametrize(
    "error",
    [InvalidUpdateError("price -1.0 of 'A' is not above 0", "price"), LogCorruptError("a.log", 128, "torn")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_out_of_another_process_as_it_was(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (str(back), vars(back)) == (str(error), vars(error))
