"""Whether a call is made again, and after how long: one rule for every protocol."""

import asyncio
import random

from haulage.model.errors import HaulageError, OutcomeUnknown, Throttled, Transient, Unreachable
from haulage.services.contract import Pacer
from haulage.services.transport.limits import Limits


class NotReady(Throttled):
    """The service is still at what this call is about, and wants just this one again: all others may leave."""

    def __init__(self, message: str, wait_seconds: float) -> None:
        super().__init__(message, wait_seconds)
        self.again_after_seconds = wait_seconds


async def next_attempt(
    error: HaulageError, number: int, most: int, pacer: Pacer, limits: Limits, *, repeatable: bool = True
) -> int:
    """Wait before the next attempt and return how many count as made, or let the error out.

    number: attempts made so far, of `most`; being throttled does not count as one, nor does coming too early.
    repeatable: the call may be made again when nobody knows whether it took effect; otherwise a lost answer raises
    OutcomeUnknown.
    """
    if isinstance(error, NotReady):
        await asyncio.sleep(error.again_after_seconds)
        return number - 1
    if isinstance(error, Throttled):
        pacer.throttled(error.wait_seconds)
        return number - 1
    if isinstance(error, Transient) and not repeatable:
        raise OutcomeUnknown(error.message) from error
    if not isinstance(error, Transient | Unreachable) or not error.retryable:
        raise error
    if number >= most:
        raise error
    longest = min(limits.longest_backoff_seconds, limits.backoff_seconds * 2**number)
    await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret
    return number
