"""`pricecore info` and `pricecore --version`."""

import json
import subprocess
import sys

import pricecore


def run(*arguments):
    command = [sys.executable, "-m", "pricecore", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_json_is_one_object_with_version_clock_and_sizes():
    done = run("info", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["version"] == pricecore.__version__
    assert facts["clock"]["source"] in ("counter", "clock_gettime")
    assert facts["defaults"]["max_symbols"] == 65_536
    assert facts["memory_bytes"] == {"slots": 16 << 20, "ring": 4 << 20, "pool": 512 << 10}


def test_the_text_says_which_clock_is_used():
    done = run("info")
    assert done.returncode == 0, done.stderr
    assert "clock" in done.stdout
    assert pricecore.__version__ in done.stdout


def test_the_version_is_shown():
    assert run("--version").stdout == f"pricecore {pricecore.__version__}\n"


def test_a_command_is_needed_and_the_help_names_them():
    assert run().returncode == 2
    assert run("unheard-of").returncode == 2
    done = run("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("run", "perf-test", "info"))


def test_a_reader_that_leaves_is_no_traceback():
    script = f"{sys.executable} -m pricecore run --sample | true"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr


def test_permissions_are_shown_as_people_write_them():
    rows = dict(line.split(maxsplit=1) for line in run("info").stdout.splitlines())
    assert (rows["permissions"], rows["max_symbols"]) == ("0o600", "65,536")
