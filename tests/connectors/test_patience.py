"""Somebody who waits for one answer is not kept waiting for ever."""

import time

import pytest

from haulage.connectors.patience import Patience
from haulage.model.errors import Unreachable
from haulage.services.transport import Limits

QUICK = Limits(attempts=3, backoff_seconds=0.01)


async def test_refusals_in_a_row() -> None:
    """A service that names no time is asked as often as one request has attempts."""
    pacer = Patience("Acme", QUICK)
    for _ in range(2):
        pacer.throttled(None)
        await pacer.ready()
    pacer.answered()
    for _ in range(3):
        await pacer.ready()
        pacer.throttled(None)
    with pytest.raises(Unreachable, match="Acme wants to be left alone"):
        await pacer.ready()


async def test_it_waits_as_long_as_it_is_asked_to() -> None:
    pacer = Patience("Acme", QUICK)
    began = time.monotonic()
    pacer.throttled(0.2)
    pacer.throttled(0.1)
    await pacer.ready()
    assert time.monotonic() - began >= 0.2


async def test_too_long_is_told_at_once() -> None:
    pacer = Patience("Acme", QUICK)
    began = time.monotonic()
    pacer.throttled(300)
    with pytest.raises(Unreachable, match="for 300 s"):
        await pacer.ready()
    assert time.monotonic() - began < 5
