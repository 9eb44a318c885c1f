"""A real second user: it reads nothing of a log, whatever the umask of its writer, and writes nothing into it."""

import os
import stat
import subprocess
import sys

import pytest
from helpers.writers import SMALL
from models.log_model import flip

from pricecore import PriceEngine
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.repairing import repair

NOBODY = 65_534

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)

ATTEMPTS = """
import importlib, os, pkgutil, sys
import pricecore
import pricecore.eventlog
from pricecore.eventlog.repairing import repair
from pricecore.eventlog.verifying import verify
pricecore.EventLog, pricecore.PriceEngine
for room in (pricecore.eventlog, pricecore.engine, pricecore.metrics):  # the other user may not read the package
    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(room.__name__ + "." + module.name)
os.setgroups([])
os.setgid({uid})
os.setuid({uid})
folder = sys.argv[1]
for name, attempt in {{
    "read": lambda: pricecore.EventLog.open(folder),
    "verify": lambda: verify(folder),
    "repair": lambda: repair(folder),
    "write": lambda: pricecore.PriceEngine(log=folder, max_symbols=16, ring_capacity=1024),
    "list": lambda: os.listdir(folder),
    **{{path: (lambda path=path: open(path, "rb")) for path in sys.argv[2:]}},
}}.items():
    try:
        attempt()
    except OSError as error:
        print("refused" if error.errno in (1, 13) or "Permission denied" in str(error) else repr(error))
    else:
        print("DONE", name)
"""


@pytest.fixture
def folder(tmp_path):
    """A log whose writer lets others read all that it makes, and that was repaired."""
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o755)
    old_mask = os.umask(0)
    try:
        folder = tmp_path / "log"
        for _ in range(2):
            with PriceEngine(log=folder, **SMALL) as engine:
                for price in range(1, 200):
                    engine.update("A", float(price))
        flip(folder / file_name(1, "log"), 8 * 2_000)
        assert repair(folder).damages
        yield folder
    finally:
        os.umask(old_mask)


def tried(folder, *paths):
    command = [sys.executable, "-c", ATTEMPTS.format(uid=NOBODY), str(folder), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_another_user_gets_nothing_of_a_log(folder):
    assert tried(folder) == ["refused"] * 5


def test_the_files_are_their_owners_alone_also_where_the_folder_is_open(folder):
    folder.chmod(0o755)
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert set(tried(folder, *paths)[5:]) == {"refused"}
