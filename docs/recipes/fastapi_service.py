"""A FastAPI service that holds the engine: a request reads the latest price in the process that answers it.

A read takes about a microsecond and never waits for the feed: no cache, no database and no other machine is asked.
With `uvicorn --workers`, each worker process would have an engine and a connection of its own.
Run it: `python fastapi_service.py URL --format binance --port 8000`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import isfinite
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from websockets_feed import follow

from pricecore import PriceEngine
from pricecore.feeds import Feed

COLUMNS = ["price", "bid", "ask"]


def number(value: float) -> float | None:
    """Return what JSON can hold: it knows neither NaN nor infinity."""
    return value if isfinite(value) else None


def create_app(
    url: str, venue: str, prefix: str = "", subscribe: str | None = None, stale_after_s: float = 5.0
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with PriceEngine() as engine, Feed(engine, venue, prefix, stale_after_s) as feed:
            app.state.engine, app.state.feed = engine, feed
            app.state.task = asyncio.create_task(follow(url, feed, subscribe))
            yield
            app.state.task.cancel()
            with suppress(asyncio.CancelledError):
                await app.state.task  # raises what ended it, if anything did

    app = FastAPI(title="prices", lifespan=lifespan)

    # async: a read never waits, and a hop into the thread pool would cost more than it does.
    @app.get("/price/{symbol:path}")
    async def price(symbol: str) -> dict[str, Any]:
        engine = app.state.engine
        try:
            return {"symbol": symbol, "price": engine.price(symbol), "age_s": engine.age_s(symbol)}
        except KeyError as error:
            raise HTTPException(404, str(error)) from None

    @app.get("/health")
    async def health(response: Response) -> dict[str, Any]:
        age_s, stale = app.state.feed.last_message_age_s, app.state.feed.stale_symbols()
        good = age_s <= stale_after_s and not stale and not app.state.task.done()
        response.status_code = 200 if good else 503
        return {"good": good, "stale": stale, "last_message_age_s": number(age_s)}

    # Not async: these copy whole tables, in the thread pool, and the event loop goes on feeding.
    @app.get("/prices")
    def prices() -> dict[str, dict[str, float | None]]:
        rows = app.state.engine.snapshot()[COLUMNS].tolist()
        named = zip(app.state.engine.symbols(), rows, strict=False)  # one may be added between the two
        return {symbol: dict(zip(COLUMNS, map(number, row), strict=True)) for symbol, row in named}

    @app.get("/metrics")
    def metrics() -> dict[str, Any]:
        return app.state.engine.metrics().as_dict()

    return app


if __name__ == "__main__":
    import uvicorn
    from command_line import parse

    options = parse(__doc__)
    app = create_app(options.url, options.format, options.prefix, options.subscribe, options.stale_after_s)
    uvicorn.run(app, host="127.0.0.1", port=options.port, ws="none")
