"""Memory stays flat however long it runs."""

import gc
import tracemalloc

import pytest

REFRESHES = 500


@pytest.mark.slow
def test_refreshes_leave_nothing_behind(engine, run):
    async def steps(top):
        def refresh(times):
            for number in range(times):
                engine.update(f"SYMBOL{number % 50}", 1.0 + number)
                top.app.action_look()

        async def used_after(hundreds):
            for _ in range(hundreds):
                refresh(100)
                await top.pilot.pause()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = await used_after(3)
            after = await used_after(REFRESHES // 100)
        finally:
            tracemalloc.stop()
        assert after - before < 50_000, f"{(after - before) / REFRESHES:.0f} bytes a refresh"

    run(steps, engine)
