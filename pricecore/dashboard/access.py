"""Who gets through to the page: paths that exist, hosts that are meant, visitors who know the token. Plain ASGI."""

import hashlib
import hmac
import math
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from pricecore.dashboard.guesses import Guesses

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "pricecore_dashboard"
_ASSETS = "/_nicegui"
_MAX_FORM_BYTES = 4_096
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; frame-ancestors 'self'; form-action 'self'; base-uri 'self'; "
    "connect-src 'self'"
)
"""No request of the page leaves for another machine; NiceGUI's own scripts need the rest."""

_PLAIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Of what the gate itself answers."""

_LOGIN = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>pricecore dashboard: token needed</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 26rem; margin: 15vh auto 0; padding: 0 1rem }
h1 { font-size: 1.25rem }
input, button { font: inherit; padding: .4rem .7rem; margin-top: .25rem; box-sizing: border-box; width: 100%;
border: 1px solid #8793a5; border-radius: 8px }
button { margin-top: .75rem; background: #1d4fd8; color: #fff; border: 0; cursor: pointer }
</style></head><body><h1>pricecore dashboard</h1>
<p>SAID</p><form method="post"><label for="token">Token</label><input id="token" name="token" type="password"
autocomplete="current-password" required autofocus><button>Show the dashboard</button></form></body></html>"""


class Gate:
    """Stands before NiceGUI.

    Parameters
    ----------
    app : ASGI application
    token : str, optional
        Asked of every visitor, once: as ``?token=``, in the form that is shown without it, or as a bearer token; a
        cookie remembers it. Compared in constant time; an address that has given ten wrong ones within a minute is
        refused (429) until that is over.
    hosts : collection of str, optional
        The names that a request may give as its host: without a token a foreign page could otherwise make its own
        name point here and read along.

    Threads: any. Cost: microseconds a request.
    """

    def __init__(self, app: App, token: str | None = None, hosts: Collection[str] | None = None) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._hosts = hosts
        self._guesses = Guesses()
        self._cookie = "" if token is None else hashlib.sha256(b"pricecore dashboard\0" + token.encode()).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        host = headers.get("host", "")
        if self._hosts is not None and _without_port(host) not in self._hosts:
            await _refuse(scope, send, 421, "This dashboard is not known by that name: use the address it printed.\n")
        elif not self._is_own_page(headers):
            await _refuse(scope, send, 403, "A page of another site asked for this: open the dashboard itself.\n")
        elif path == "/healthz":
            await _refuse(scope, send, 200, "ok\n")
        elif self._token is not None and (wait_s := math.ceil(self._guesses.wait_s(_address(scope)))):
            await _put_off(scope, send, wait_s)
        elif self._token is not None and not self._knows(scope, headers):
            await self._ask(scope, receive, send)
        elif path != "/" and not path.startswith(_ASSETS) and path != "/favicon.ico":
            await _refuse(scope, send, 404, "Nothing here.\n")
        elif self._token is not None and _token_in(scope) is not None:
            await self._welcome(scope, send)
        else:
            await self._app(scope, receive, _guarded(send, host))

    def _is_own_page(self, headers: dict[str, str]) -> bool:
        """Tell whether no page of another site asks: browsers let every page open websockets to every host."""
        origin = headers.get("origin")
        if origin is None:  # no browser, or a page that is opened by its address
            return True
        asking = origin.partition("://")[2].lower()
        names = {headers.get("host", "").lower(), headers.get("x-forwarded-host", "").lower()} - {""}
        return asking in names

    def _knows(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Tell whether cookie or bearer token are right; whether a token in the query is, `_ask` finds out."""
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if kind.lower() == "bearer" else None
        return self._is(self._token, given, scope) or self._is(self._cookie.encode(), _cookie_in(headers), scope)

    def _is(self, secret: bytes | None, given: str | None, scope: Scope) -> bool:
        """Compare; a wrong one counts as a guess. Asked at once of many, no more of them are compared than may be."""
        address = _address(scope)
        if given is None or self._guesses.wait_s(address):
            return False
        right = hmac.compare_digest(given.encode(), secret or b"")
        if not right:
            self._guesses.add(address, given)
        return right

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        tried = _token_in(scope)
        if scope["type"] == "http" and scope["method"] == "POST":
            tried = _field(await _body(receive))
        if scope["type"] == "http" and self._is(self._token, tried, scope):
            await self._welcome(scope, send)
            return
        said = (
            "Whoever started it has given it a token. With it you see the page."
            if tried is None
            else "That is not the token."
        )
        await _refuse(scope, send, 401, _LOGIN.replace("SAID", said), "text/html")

    async def _welcome(self, scope: Scope, send: Send) -> None:
        """Send the visitor to the page itself, without the token in its address, with the cookie."""
        root = (scope.get("root_path", "") or "") + "/"
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{COOKIE}={self._cookie}; Path={root}; HttpOnly; SameSite=Lax{secure}"
        more = [(b"location", root.encode()), (b"set-cookie", cookie.encode())]
        await _refuse(scope, send, 303, "", more=more)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).strip("[]").lower()


def _address(scope: Scope) -> str:
    """Return where a request comes from: what the server says, which knows the proxies that it trusts."""
    return str((scope.get("client") or ("",))[0])


def _cookie_in(headers: dict[str, str]) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if morsel is None else morsel.value


def _token_in(scope: Scope) -> str | None:
    return _field(scope.get("query_string", b""))


def _field(encoded: bytes) -> str | None:
    """Return the field `token` of a query or a form."""
    try:
        found = parse_qs(encoded.decode("ascii"), max_num_fields=8).get("token")
    except ValueError:
        return ""
    return found[0] if found else None


async def _body(receive: Receive) -> bytes:
    """Return the body of a request, or as much as a token can be."""
    body, more = b"", True
    while more and len(body) <= _MAX_FORM_BYTES:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _put_off(scope: Scope, send: Send, wait_s: int) -> None:
    """Answer who has guessed too often, also when this one is right."""
    said = f"Too many wrong tokens came from your address: try again in {wait_s} s."
    more = [(b"retry-after", str(wait_s).encode())]
    await _refuse(scope, send, 429, _LOGIN.replace("SAID", said), "text/html", more)


async def _refuse(
    scope: Scope,
    send: Send,
    status: int,
    text: str,
    kind: str = "text/plain",
    more: Collection[tuple[bytes, bytes]] = (),
) -> None:
    """Answer without asking NiceGUI; a websocket is closed before it is open."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = text.encode()
    headers = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", _PLAIN_POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else body})


def _guarded(send: Send, host: str) -> Send:
    """Return a `send` that adds the policy to every page."""
    own = f" ws://{host} wss://{host}" if host.replace(".", "").replace(":", "").replace("-", "").isalnum() else ""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            policy = (_POLICY + own).encode()
            added = [
                (b"content-security-policy", policy),
                (b"referrer-policy", b"same-origin"),
                (b"x-content-type-options", b"nosniff"),
            ]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending
