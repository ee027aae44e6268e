"""F14: what is left to do on a link that stalls holds nobody up."""

import asyncio

import pytest

from haulage.services.links import lastly, leaving


async def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link on which nothing comes any more: nobody waits for its goodbye."""
    monkeypatch.setattr(leaving, "LAST_SECONDS", 0.01)
    stalled = asyncio.get_running_loop().create_future()
    await lastly(stalled)
    assert stalled.cancelled()


async def test_it_goes_on_while_the_call_is_cancelled() -> None:
    """As when a run is stopped: what was begun is still removed."""
    begun, removed = asyncio.Event(), asyncio.Event()

    async def remove() -> None:
        begun.set()
        await asyncio.sleep(0.01)
        removed.set()

    task = asyncio.create_task(lastly(remove()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(removed.wait(), 60)


async def test_its_errors_are_told() -> None:
    """Whoever does not want them does without."""

    async def fail() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await lastly(fail())
