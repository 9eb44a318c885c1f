"""The page in somebody's application, in processes of their own: NiceGUI knows one application a process."""

import sys

import httpx
import pytest
from helpers.processes import started
from helpers.subprocesses import run_python
from helpers.waiting import until

SERVICE = """
import sys
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from pricecore import PriceEngine
from pricecore.dashboard import mount_dashboard
from nicegui import Client

engine = PriceEngine()
engine.update("BINANCE:BTCUSDT", 61737.63)
if sys.argv[1] == "fastapi":
    app = FastAPI()
    app.get("/prices")(lambda: {"BINANCE:BTCUSDT": engine.price("BINANCE:BTCUSDT")})
    app.get("/visits")(lambda: len(Client.instances))
else:
    app = Starlette()
mount_dashboard(app, [engine, "md"], sys.argv[2])
config = uvicorn.Config(app, port=0, log_level="info", access_log=False)
uvicorn.Server(config).run()
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Return a context manager that runs a service with a dashboard; its value is a process."""

    def start(kind, path):
        folder = tmp_path_factory.mktemp("service")
        return started(sys.executable, "-c", SERVICE, kind, path, folder=folder, printed=folder / "out.txt")

    return start


@pytest.fixture(scope="module")
def client(service):
    """Asks a FastAPI service with the page at /dashboard."""
    with service("fastapi", "/dashboard") as running, client_of(running) as client:
        yield client


def client_of(running):
    running.until_said("Uvicorn running on")
    address = next(word for word in running.text.split() if word.startswith("http://"))
    return httpx.Client(base_url=address, timeout=30.0)


def test_health_checks_build_no_page_and_unconnected_visits_stay_few(client):
    for _ in range(50):
        client.get("/dashboard/healthz")
    assert client.get("/visits").json() == 0
    for _ in range(40):
        assert client.get("/dashboard/").status_code == 200
    assert client.get("/visits").json() == 32


def test_a_service_keeps_its_own_paths_and_has_the_page_beside(client):
    assert client.get("/prices").json() == {"BINANCE:BTCUSDT": 61737.63}
    page = client.get("/dashboard", follow_redirects=True)
    assert page.status_code == 200
    assert "BINANCE:BTCUSDT" in page.text
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert "content-security-policy" not in client.get("/prices").headers
    assert client.get("/dashboard/healthz").text == "ok\n"
    assert client.get("/dashboard/nonesuch").status_code == 404


def test_a_starlette_application_has_the_page_where_it_is_wanted(service):
    with service("starlette", "/ops/prices/") as running, client_of(running) as client:
        page = client.get("/ops/prices/")
        assert page.status_code == 200
        assert "BINANCE:BTCUSDT" in page.text
        script = page.text.split('src="', 1)[1].split('"', 1)[0]
        assert script.startswith("/ops/prices/_nicegui/")
        assert client.get(script).status_code == 200


REFUSALS = {
    "mount_dashboard(object(), 'md')": "TypeError: app must be a FastAPI or Starlette application",
    "mount_dashboard(FastAPI(), 'md', 'dashboard')": "ValueError: path is 'dashboard'; it must begin with /",
    "mount_dashboard(FastAPI(), 7)": "TypeError: source must be a PriceEngine, an EngineView, a name",
    "mount_dashboard(FastAPI(), 'a b')": "ValueError: 'a b' cannot be a segment's name",
    "mount_dashboard(FastAPI(), ['md', 'md'])": "ValueError: 'md' is given twice",
}
MOUNTED = "mount_dashboard(FastAPI(), 'md')"
HEAD = "import sys\nfrom fastapi import FastAPI\nfrom pricecore.dashboard import *\n"
EACH = """
for call in sys.argv[1:]:
    try:
        eval(call)
        print("fine")
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
"""


@pytest.fixture(scope="module")
def said():
    """What Python says of each call in one process: of all that are wrong, then of a right one and one too many."""
    done = run_python(HEAD + EACH, *REFUSALS, MOUNTED, MOUNTED)
    *refused, first, second = done.stdout.splitlines()
    return dict(zip(REFUSALS, refused, strict=True)) | {"first": first, "second": second}


@pytest.mark.parametrize("call", REFUSALS)
def test_wrong_arguments_are_refused(said, call):
    assert said[call].startswith(REFUSALS[call])


def test_refused_calls_leave_room_for_a_right_one(said):
    assert said["first"] == "fine"


def test_a_second_dashboard_in_a_process_is_refused_with_what_to_do(said):
    assert said["second"].startswith("RuntimeError: this process has a dashboard")
    assert "in one call" in said["second"]


def test_without_nicegui_the_error_says_what_to_install():
    done = run_python(HEAD + "sys.modules['nicegui'] = None\n" + MOUNTED)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("pricecore.errors.MissingExtraError: the dashboard needs NiceGUI: pip install")
    assert '"pricecore[dashboard]"' in last


def test_the_room_is_imported_without_nicegui():
    assert run_python(HEAD + "sys.exit(7 if 'nicegui' in sys.modules else 0)").returncode == 0


def test_an_application_that_ends_lets_the_engine_go(service):
    with service("fastapi", "/dashboard") as running, client_of(running) as client:
        client.get("/dashboard/")
        running.process.send_signal(2)
        until(lambda: running.process.poll() is not None)
        assert "Application shutdown complete" in running.text
        assert "ERROR" not in running.text
