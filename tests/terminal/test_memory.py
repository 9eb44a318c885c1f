"""Memory stays flat however long it runs."""

import gc
import tracemalloc

import pytest

REFRESHES = 750


@pytest.mark.slow
def test_refreshes_leave_nothing_behind(engine, run):
    async def steps(top):
        def refresh(times):
            for number in range(times):
                engine.update(f"SYMBOL{number % 50}", 1.0 + number)
                top.app.action_look()

        async def used_after(times_50):
            for _ in range(times_50):
                refresh(50)
                await top.pilot.pause()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = await used_after(4)
            after = await used_after(REFRESHES // 50)
        finally:
            tracemalloc.stop()
        assert after - before < 100_000, f"{(after - before) / REFRESHES:.0f} bytes a refresh"

    run(steps, engine)
