"""A FastAPI service of several worker processes that only read: the feed is one process beside them, `shared_feed.py`.

A worker reads the latest price in the memory it shares with the feed: no server, and no other worker, is asked.
Before there is a feed process every answer is 503; the workers attach when there is one, and follow the one after it.
Between the two the last prices stay, and `/health` is 503.
Run it: `PRICECORE_NAME=md uvicorn shared_service:app --workers 2 --timeout-graceful-shutdown 5`.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache
from math import isfinite
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from numpy.typing import NDArray

from pricecore import QUOTE_DTYPE, EngineView, SegmentError, Subscription, WriterDiedError, attach

Batch = NDArray[Any]
COLUMNS = ["price", "bid", "ask"]
QUOTE = 1  # the kind of a record that is a quote
COLLECT_S = 0.05  # a stream sends at the most so often: the latest of each symbol that changed
KEEP_ALIVE_S = 15.0  # a proxy closes a stream that says nothing for long
LOOK_AGAIN_S = 0.1  # how often a stream looks for the next writer


def number(value: float) -> float | None:
    """Return what JSON can hold: it knows neither NaN nor infinity."""
    return value if isfinite(value) else None


def newest_age_s(view: EngineView) -> float | None:
    """Return the age of the newest price or quote of all symbols."""
    rows = view.snapshot()
    newest_ns = max(rows["received_ns"].max(initial=0), rows["quote_received_ns"].max(initial=0))
    return max(0.0, (time.time_ns() - int(newest_ns)) / 1e9) if newest_ns else None


def event(name: str, content: object) -> str:
    """Return a server-sent event."""
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"


def rows_of(subscription: Subscription, batch: Batch) -> list[dict[str, Any]]:
    """Return the records of a batch by name; a quote without one of its sides has null there."""
    named = []
    for record, quote in zip(batch, batch.view(QUOTE_DTYPE), strict=True):
        row: dict[str, Any] = {
            "symbol": subscription.symbol(int(record["symbol_id"])),
            "sequence": int(record["sequence"]),
        }
        if record["kind"] == QUOTE:
            row |= {"bid": number(float(quote["bid"])), "ask": number(float(quote["ask"]))}
        else:
            row["price"] = number(float(record["price"]))
        named.append(row)
    return named


async def batches_or_silence(subscription: Subscription) -> AsyncIterator[Batch | None]:
    """Yield batches, and None where there was none for KEEP_ALIVE_S."""
    batches = subscription.batches(max_delay_s=COLLECT_S)
    while True:
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                batch = await anext(batches)
        except TimeoutError:
            batches = subscription.batches(max_delay_s=COLLECT_S)  # goes on where the other was: nothing is lost
            yield None
        except StopAsyncIteration:
            return
        else:
            yield batch


async def wait_for_writer(view: EngineView) -> None:
    """Return when a process writes this engine."""
    while True:
        with suppress(SegmentError):  # what has the name now is not to be read
            if view.alive:
                return
        await asyncio.sleep(LOOK_AGAIN_S)


async def events(view: EngineView, symbols: list[str] | None) -> AsyncIterator[str]:
    """Yield the latest of every symbol, then what changes, for as long as the client listens."""
    while not view.closed:
        try:
            # Closed with this generator, which ends when the client leaves.
            with view.subscribe(symbols, start=1) as subscription:
                async for batch in batches_or_silence(subscription):
                    yield ": nothing new\n\n" if batch is None else event("prices", rows_of(subscription, batch))
        except WriterDiedError as error:
            yield event("writer-gone", {"detail": str(error)})
            await wait_for_writer(view)
            yield event("writer-back", {})


def create_app(name: str, max_age_s: float = 5.0) -> FastAPI:
    app = FastAPI(title="prices")

    @cache  # of what it returns; an error is no answer, and the next request tries again
    def view() -> EngineView:
        return attach(name)

    # Here, so that `gunicorn --preload` opens it once, before it forks: workers inherit a view and may use it.
    with suppress(SegmentError):
        view()

    @app.exception_handler(SegmentError)
    def no_feed(_: Request, error: SegmentError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 503)

    # async: a read never waits, and a hop into the thread pool would cost more than it does.
    @app.get("/price/{symbol:path}")
    async def price(symbol: str) -> dict[str, Any]:
        try:
            return {"symbol": symbol, "price": view().price(symbol), "age_s": view().age_s(symbol), "pid": os.getpid()}
        except KeyError as error:
            raise HTTPException(404, str(error)) from None

    # Not async: these copy whole tables, in the thread pool, and the streams go on meanwhile.
    @app.get("/prices")
    def prices() -> dict[str, dict[str, float | None]]:
        rows = view().snapshot()[COLUMNS].tolist()
        named = zip(view().symbols(), rows, strict=False)  # one may be added between the two
        return {symbol: dict(zip(COLUMNS, map(number, row), strict=True)) for symbol, row in named}

    @app.get("/health")
    def health(response: Response) -> dict[str, Any]:
        alive, age_s = view().alive, newest_age_s(view())
        good = alive and age_s is not None and age_s <= max_age_s
        response.status_code = 200 if good else 503
        facts = {"alive": alive, "newest_age_s": age_s, "generation": view().generation}
        return {"good": good, **facts, "pid": os.getpid()}

    @app.get("/stream")
    async def stream(symbols: Annotated[list[str] | None, Query()] = None) -> StreamingResponse:
        # no-transform, X-Accel-Buffering: a proxy shall pass on what comes.
        headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(view(), symbols), media_type="text/event-stream", headers=headers)

    return app


app = create_app(os.environ.get("PRICECORE_NAME", "md"), float(os.environ.get("MAX_AGE_S", "5")))
