"""How a run ends: which status code an error leads to, and that the ledger always learns of the end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from haulage.model.errors import (
    AuthLost,
    Denied,
    DiskFailed,
    DiskFull,
    HaulageError,
    LeaseLost,
    QuotaFull,
    RootGone,
    Unreachable,
)
from haulage.model.outcome import Status

STATUS_OF: tuple[tuple[type[HaulageError], Status], ...] = (
    (AuthLost, Status.AUTHORISATION_FAILED),
    (Denied, Status.AUTHORISATION_FAILED),
    (RootGone, Status.INVALID_ROOT),
    (Unreachable, Status.CANNOT_CONNECT),
    (QuotaFull, Status.PAUSED_NO_SPACE),
    (DiskFull, Status.PAUSED_NO_SPACE),
)

End = Callable[[Status, str | None], Awaitable[None]]
"""Ends the run in the ledger: called with its status, and with what stopped it."""


async def ended(
    stages: Coroutine[Any, Any, Status], end: End, more: tuple[tuple[type[HaulageError], Status], ...] = ()
) -> tuple[Status, HaulageError | None]:
    """Let the stages go through, and end the run. Returns its status, and what stopped it if something did.

    Being cancelled (Ctrl-C, SIGTERM) ends the run as CANCELED with everything kept that was proven; the
    cancellation goes on. A LeaseLost is raised: the run is not ours to end any more. more: further errors that have
    a status of their own.
    """
    stopped: HaulageError | None = None
    try:
        status = await stages
    except asyncio.CancelledError:
        await to_its_end(end(Status.CANCELED, "stopped by a person"))
        raise
    except (HaulageError, BaseExceptionGroup) as error:
        stopped = first_error(error)
    if stopped is not None:
        if isinstance(stopped, LeaseLost):
            raise stopped
        known = (*more, *STATUS_OF)
        status = next((code for kind, code in known if isinstance(stopped, kind)), Status.GENERAL_FAILURE)
    try:
        await to_its_end(end(status, stopped.message if stopped else None))
    except DiskFull as error:  # the ledger's own disk: the next start ends this run
        return Status.PAUSED_NO_SPACE, stopped or error
    except DiskFailed as error:  # likewise; what led here is the same disk's
        raise (stopped or error) from None
    return status, stopped


async def to_its_end(writing: Awaitable[None]) -> None:
    """What is written down of a run's end, nobody cuts short: whoever cancels meanwhile is heard after it."""
    task, canceled = asyncio.ensure_future(writing), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            canceled = True
        except HaulageError:  # told by its result
            break
    task.result()
    if canceled:
        raise asyncio.CancelledError


def first_error(raised: BaseException) -> HaulageError:
    """The error that matters most: what stopped everything, rather than what it led to. Anything else is a bug."""
    found: list[HaulageError] = []
    stack: list[BaseException] = [raised]
    while stack:
        error = stack.pop()
        if isinstance(error, BaseExceptionGroup):
            stack += error.exceptions
        elif isinstance(error, HaulageError):
            found.append(error)
        else:
            raise raised
    return min(found, key=lambda error: (not isinstance(error, LeaseLost), error.item_only))
