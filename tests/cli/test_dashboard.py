"""`pricecore dashboard`: what it says, and what it refuses."""

import os
import socket
import subprocess
import sys
import time

import httpx
import pytest
from helpers.processes import started
from helpers.waiting import PATIENCE_S

from pricecore import PriceEngine
from pricecore.cli import main

pytest.importorskip("nicegui", reason='no NiceGUI here: pip install "pricecore[dashboard]"')


def refused(capsys, *arguments):
    """Return what is said about wrong use."""
    assert main(["dashboard", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))

    def start(*arguments, **environment):
        command = (sys.executable, "-m", "pricecore", "dashboard", *arguments, "--port", "0")
        return started(*command, folder=tmp_path, printed=tmp_path / "out.txt", **environment)

    return start


def address_of(running):
    running.until_said("http://")
    return next(word for word in running.text.split() if word.startswith("http://"))


def test_without_a_name_the_sample_is_shown(run):
    with run() as running:
        address = address_of(running)
        assert "bundled sample" in running.text
        page = httpx.get(address)
        assert page.status_code == 200
        assert "pricecore" in page.text
        assert running.end() == 130
        assert running.text.count("\n") == 1, "nothing else is printed, at the end neither"


def test_names_are_followed_and_those_missing_are_said(run, tmp_path):
    with PriceEngine("there", max_symbols=1_024, ring_capacity=1_024), run("there", "later") as running:
        address_of(running)
        assert "(waiting for later; there are: there)" in running.text


def test_a_token_is_asked_of_visitors_from_anywhere(run):
    with run("--host", "0.0.0.0", PRICECORE_TOKEN="a long token") as running:
        port = address_of(running).rstrip("/").rpartition(":")[2]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            assert client.get("/").status_code == 401
            assert client.get("/healthz").status_code == 200
            assert client.get("/", params={"token": "a long token"}, follow_redirects=True).status_code == 200
            assert client.get("/").status_code == 200
        assert "a long token" not in running.text


def test_neither_another_name_nor_a_page_of_another_site_is_taken_for_this_one(run):
    with run() as running:
        address = address_of(running)
        assert httpx.get(address, headers={"host": "evil.example"}).status_code == 421
        connection = f"{address}_nicegui_ws/socket.io/?EIO=4&transport=polling"
        for origin, status in (("http://evil.example", 403), ("null", 403), (address.rstrip("/"), 200)):
            assert httpx.get(connection, headers={"origin": origin}).status_code == status, origin


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.org", ""])
def test_other_machines_need_a_token(capsys, monkeypatch, host):
    monkeypatch.delenv("PRICECORE_TOKEN", raising=False)
    said = refused(capsys, "md", "--host", host)
    assert "can be reached from other machines: give --token" in said


def test_a_short_token_is_refused(capsys):
    assert "it needs 8 or more" in refused(capsys, "md", "--host", "0.0.0.0", "--token", "1234567")


def test_a_taken_port_is_said_in_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(capsys, "md", "--port", port)
    assert f"cannot listen at 127.0.0.1 port {port}: Address already in use; --port 0" in said


def test_an_address_that_is_not_here_is_said(capsys):
    assert "cannot listen at 192.0.2.7" in refused(capsys, "md", "--host", "192.0.2.7", "--token", "12345678")


@pytest.mark.parametrize("name", ["a/b", "", "../x", "ü"])
def test_what_cannot_be_a_name_is_refused(capsys, name):
    assert "cannot be a segment's name" in refused(capsys, name)


@pytest.mark.parametrize("port", ["-1", "65536", "http", "1.5", "٣"])
def test_what_cannot_be_a_port_is_refused(capsys, port):
    with pytest.raises(SystemExit, match="2"):
        main(["dashboard", f"--port={port}"])
    assert "is not a port, 0 to 65535" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "nicegui", None)
    assert refused(capsys, "md") == (
        'pricecore dashboard: error: the dashboard needs NiceGUI: pip install "pricecore[dashboard]"\n'
    )


def test_ctrl_c_before_it_is_ready_ends_it(run):
    with run() as running:
        time.sleep(0.3)
        assert running.end() in (130, -15)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_the_loopback_of_ipv6_works(run):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with run("--host", "::1") as running:
        address = address_of(running)
        assert address.startswith("http://[::1]:")
        assert httpx.get(address).status_code == 200


def test_help_names_every_option():
    command = [sys.executable, "-m", "pricecore", "dashboard", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"}, timeout=60)
    for option in ("--host", "--port", "--token", "--show", "NAME", "/healthz"):
        assert option in done.stdout
