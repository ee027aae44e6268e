"""What is left to do when a call ends, however it ends."""

import asyncio
from collections.abc import Awaitable
from typing import Any

LAST_SECONDS = 5.0


async def lastly(doing: Awaitable[Any]) -> None:
    """Do it, even while the call is being cancelled; for 5 seconds at most, since the link may be what stalled.

    Raises what it raises; nothing where it took too long.
    """
    task = asyncio.ensure_future(doing)
    done, _ = await asyncio.wait((task,), timeout=LAST_SECONDS)
    if done:
        task.result()
    else:
        task.cancel()
