"""Notes at which end an error happened."""

from collections.abc import Awaitable
from typing import TypeVar

from haulage.model.errors import HaulageError
from haulage.model.outcome import Side

T = TypeVar("T")


async def at_source(call: Awaitable[T]) -> T:
    """Await a call to the source."""
    try:
        return await call
    except HaulageError as error:
        error.side = error.side or Side.SOURCE
        raise


async def at_target(call: Awaitable[T]) -> T:
    """Await a call to the destination."""
    try:
        return await call
    except HaulageError as error:
        error.side = error.side or Side.DESTINATION
        raise
