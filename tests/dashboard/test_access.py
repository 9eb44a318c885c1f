"""Who gets through to the page: asked of the gate alone, over HTTP without a network."""

import asyncio
import functools

import httpx
import pytest

from pricecore.dashboard.access import COOKIE, Gate
from pricecore.dashboard.guesses import MOST_GUESSES

TOKEN = "correct horse"


async def behind(scope, receive, send):
    """What the gate stands before: answers with the path, accepts every websocket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": f"page {scope['path']}".encode()})


def asked(gate, *requests, cookies=None, address="127.0.0.1"):
    """Return the responses to some requests of one visitor."""

    async def main():
        transport = httpx.ASGITransport(gate, client=(address, 123))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765", cookies=cookies) as client:
            return [await client.request(*one[:2], **(one[2] if len(one) > 2 else {})) for one in requests]

    return asyncio.run(main())


def websocket(gate, cookie="", **headers):
    """Return the messages that a websocket gets."""
    sent = []

    async def send(message):
        sent.append(message)

    given = {"host": "127.0.0.1:8765", "cookie": cookie, **headers}
    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "websocket", "path": "/_nicegui_ws/socket.io", "headers": headers, "query_string": b""}
    asyncio.run(gate(scope, None, send))
    return [message["type"] for message in sent]


def test_without_a_token_everybody_sees_the_page():
    (page,) = asked(Gate(behind), ("GET", "/"))
    assert (page.status_code, page.text) == (200, "page /")


def test_with_a_token_nobody_sees_anything_without_it():
    gate = Gate(behind, TOKEN)
    near = [f"/?token={token}" for token in ("", "wrong", "%ff", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), f"c{TOKEN}")]
    for path in ("/", "/?engine=a", "/_nicegui/x.js", "/nonesuch", *near):
        (refused,) = asked(gate, ("GET", path))
        assert refused.status_code == 401, path
        assert "page /" not in refused.text
        assert 'name="token"' in refused.text
        assert TOKEN not in refused.text
    assert websocket(gate) == ["websocket.close"]


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address():
    first, page = asked(Gate(behind, TOKEN), ("GET", "/", {"params": {"token": TOKEN}}), ("GET", "/"))
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=Lax" in first.headers["set-cookie"]
    assert TOKEN not in first.headers["set-cookie"]
    assert page.text == "page /"


def test_the_token_in_the_address_goes_also_when_the_cookie_is_there():
    gate = Gate(behind, TOKEN)
    _, again = asked(gate, ("GET", "/", {"params": {"token": TOKEN}}), ("GET", "/", {"params": {"token": TOKEN}}))
    assert again.status_code == 303


def test_the_form_takes_the_token():
    gate = Gate(behind, TOKEN)
    wrong, right, page = asked(
        gate, ("POST", "/", {"data": {"token": "no"}}), ("POST", "/", {"data": {"token": TOKEN}}), ("GET", "/")
    )
    assert (wrong.status_code, right.status_code, page.status_code) == (401, 303, 200)
    assert "That is not the token" in wrong.text


@pytest.mark.parametrize("body", [b"\xff\xfe", b"token", b"token=" + b"x" * 100_000, b"&" * 4_000, b"a=1&" * 1_000])
def test_an_odd_form_is_refused(body):
    (refused,) = asked(Gate(behind, TOKEN), ("POST", "/", {"content": body}))
    assert refused.status_code == 401


def test_a_form_without_an_end_is_read_no_further_than_a_token_can_be():
    pieces, sent = [], []

    async def receive():
        pieces.append(1)
        assert len(pieces) < 100
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(Gate(behind, TOKEN)(scope, receive, send))
    assert sent[0]["status"] == 401
    assert len(pieces) == 5


def test_a_program_gives_the_token_as_a_bearer():
    gate = Gate(behind, TOKEN)
    right, wrong = asked(
        gate,
        ("GET", "/", {"headers": {"authorization": f"Bearer {TOKEN}"}}),
        ("GET", "/", {"headers": {"authorization": "Bearer wrong"}}),
    )
    assert (right.status_code, wrong.status_code) == (200, 401)


WAYS = {
    "query": lambda guess: ("GET", "/", {"params": {"token": guess}}),
    "form": lambda guess: ("POST", "/", {"data": {"token": guess}}),
    "bearer": lambda guess: ("GET", "/", {"headers": {"authorization": f"Bearer {guess}"}}),
    "cookie": lambda guess: ("GET", "/", {"headers": {"cookie": f"{COOKIE}={guess}"}}),
}


@pytest.mark.parametrize("way", WAYS)
def test_whoever_guesses_is_refused_after_ten_wrong_tokens_even_with_the_right_one(way):
    gate = Gate(behind, TOKEN)
    wrong = [WAYS[way](f"wrong-{number}") for number in range(MOST_GUESSES + 1)]
    answers = asked(gate, *wrong, WAYS["bearer"](TOKEN), WAYS["form"](TOKEN), ("GET", "/"))
    assert [answer.status_code for answer in answers] == [401] * MOST_GUESSES + [429] * 4
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert "Too many wrong tokens" in answers[-1].text
    assert asked(gate, ("GET", "/healthz"))[0].status_code == 200


def test_guesses_that_come_all_at_once_are_no_more_than_ten():
    gate, going, sent = Gate(behind, TOKEN), asyncio.Event(), []

    async def receive(guess):
        await going.wait()
        return {"type": "http.request", "body": f"token={guess}".encode()}

    async def send(message):
        sent.append(message)

    async def main():
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
        guesses = [f"wrong-{number}" for number in range(MOST_GUESSES)] + [TOKEN.replace(" ", "+")]
        asking = [asyncio.ensure_future(gate(scope, functools.partial(receive, guess), send)) for guess in guesses]
        await asyncio.sleep(0)
        going.set()
        await asyncio.gather(*asking)

    asyncio.run(main())
    assert [message["status"] for message in sent if "status" in message] == [401] * (MOST_GUESSES + 1)


def test_other_addresses_go_on_while_one_guesses():
    gate = Gate(behind, TOKEN)
    asked(gate, *(WAYS["form"](f"wrong-{number}") for number in range(MOST_GUESSES)))
    assert asked(gate, WAYS["form"](TOKEN))[0].status_code == 429
    assert asked(gate, WAYS["form"](TOKEN), address="192.0.2.1")[0].status_code == 303


def test_the_same_wrong_token_again_locks_nobody_out():
    gate = Gate(behind, TOKEN)
    *_, right = asked(gate, *[WAYS["cookie"]("of before the restart")] * 3 * MOST_GUESSES, WAYS["form"](TOKEN))
    assert right.status_code == 303


@pytest.mark.parametrize("value", ["", "x", TOKEN, '"', "=;=", "\x7f"])
def test_a_cookie_that_is_not_ours_opens_nothing(value):
    assert websocket(Gate(behind, TOKEN), f"{COOKIE}={value}") == ["websocket.close"]


def test_the_cookie_opens_the_websocket():
    gate = Gate(behind, TOKEN)
    (first,) = asked(gate, ("GET", "/", {"params": {"token": TOKEN}}))
    assert websocket(gate, first.headers["set-cookie"].split(";")[0]) == ["websocket.accept"]


def test_a_token_beyond_ascii_works():
    gate = Gate(behind, "schlüssel ☂")
    first, page = asked(gate, ("GET", "/", {"params": {"token": "schlüssel ☂"}}), ("GET", "/"))
    assert (first.status_code, page.status_code) == (303, 200)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", ""])
def test_a_foreign_name_for_this_machine_is_refused(host):
    gate = Gate(behind, hosts=("localhost", "127.0.0.1", "::1"))
    (refused,) = asked(gate, ("GET", "/", {"headers": {"host": host}}))
    assert refused.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8765", "[::1]:8765", "[::1]", "LOCALHOST"])
def test_the_names_of_this_machine_are_taken(host):
    gate = Gate(behind, hosts=("localhost", "127.0.0.1", "::1"))
    (page,) = asked(gate, ("GET", "/", {"headers": {"host": host}}))
    assert page.status_code == 200


def test_a_health_check_is_answered_without_the_page_and_without_the_token():
    health, head = asked(Gate(behind, TOKEN), ("GET", "/healthz"), ("HEAD", "/healthz"))
    assert (health.status_code, health.text) == (200, "ok\n")
    assert (head.status_code, head.text) == (200, "")


def test_unknown_paths_build_no_page():
    for path in ("/robots.txt", "/wp-admin", "/x/_nicegui", "/index.html"):
        (missing,) = asked(Gate(behind), ("GET", path))
        assert (missing.status_code, missing.text) == (404, "Nothing here.\n")


def test_a_page_says_that_nothing_may_leave():
    (page,) = asked(Gate(behind), ("GET", "/"))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert policy.endswith("connect-src 'self' ws://127.0.0.1:8765 wss://127.0.0.1:8765")


def test_the_host_cannot_add_to_the_policy():
    (page,) = asked(Gate(behind), ("GET", "/", {"headers": {"host": "a; script-src *"}}))
    assert page.headers["content-security-policy"].endswith("connect-src 'self'")


def test_under_a_path_the_cookie_and_the_way_back_stay_there():
    async def mounted(scope, receive, send):
        await Gate(behind, TOKEN)(scope | {"root_path": "/ops"}, receive, send)

    (first,) = asked(mounted, ("GET", "/ops/", {"params": {"token": TOKEN}}))
    assert first.headers["location"] == "/ops/"
    assert "Path=/ops/;" in first.headers["set-cookie"]


FOREIGN = [
    "https://evil.example",
    "http://127.0.0.1:3000",
    "http://localhost:8765",
    "http://127.0.0.1:8765.evil.example",
    "null",
    "",
    "127.0.0.1:8765",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_another_site_opens_no_websocket(origin):
    """Also one on another port of this machine, to which the browser gives the cookie."""
    gate = Gate(behind, TOKEN)
    (first,) = asked(gate, ("GET", "/", {"params": {"token": TOKEN}}))
    cookie = first.headers["set-cookie"].split(";")[0]
    assert websocket(gate, cookie, origin=origin) == ["websocket.close"]
    assert websocket(Gate(behind, hosts=("127.0.0.1",)), origin=origin) == ["websocket.close"]


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_another_site_gets_nothing_by_http(origin):
    (refused,) = asked(Gate(behind), ("POST", "/_nicegui_ws/socket.io/", {"headers": {"origin": origin}}))
    assert (refused.status_code, "another site" in refused.text) == (403, True)


def test_the_own_page_opens_its_websocket():
    gate = Gate(behind, hosts=("127.0.0.1",))
    assert websocket(gate, origin="http://127.0.0.1:8765") == ["websocket.accept"]
    assert websocket(gate, origin="HTTP://127.0.0.1:8765") == ["websocket.accept"]


def test_behind_a_proxy_the_name_that_it_passes_on_is_the_own_one():
    gate = Gate(behind)
    assert websocket(gate, origin="https://ops.example", x_forwarded_host="ops.example") == ["websocket.accept"]
    assert websocket(gate, origin="https://evil.example", x_forwarded_host="ops.example") == ["websocket.close"]


def test_what_the_gate_answers_can_be_framed_by_nobody_and_loads_nothing():
    for gate, status in ((Gate(behind, TOKEN), 401), (Gate(behind, hosts=("a",)), 421)):
        (refused,) = asked(gate, ("GET", "/"))
        assert refused.status_code == status
        assert "frame-ancestors 'none'" in refused.headers["content-security-policy"]
        assert refused.headers["content-security-policy"].startswith("default-src 'none';")
        assert refused.headers["x-content-type-options"] == "nosniff"
    (page,) = asked(Gate(behind), ("GET", "/"))
    assert page.headers["x-content-type-options"] == "nosniff"
