"""Somebody who waits for one answer is not kept waiting for ever."""

import asyncio
import time

import pytest

from haulage.connectors.patience import Patience
from haulage.engine.counts import Watch
from haulage.model.errors import Unreachable
from haulage.operations import browsing, checking
from haulage.operations.locations import Given, open_drive
from haulage.services.transport import Limits
from testbed.sandbox import Sandbox
from tests.connectors.people import VENDORS, Office

HOUR = 3600
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


@pytest.mark.parametrize("service_id", ["dropbox", "box", "onedrive", "google-drive"])
async def test_a_folder_that_a_throttled_service_does_not_show(
    office: Office, sandbox: Sandbox, service_id: str
) -> None:
    """Looking into it and checking it end with a sentence: at once where the service names a long time, else soon."""
    await office.connect(service_id, office.people(service_id, "user")[0], name="mine")
    place = (await browsing.browse(office.ledger, "mine:/")).roots
    at = f"mine:/{place[0] if place else ''}"
    for details in ({"retry_after": HOUR}, {"retry_after": None}):
        sandbox.fault(fault="F01", service=VENDORS[service_id], details=details)
        for look in (browsing.browse(office.ledger, at), checking.check(office.ledger, at)):
            async with asyncio.timeout(30):
                with pytest.raises(Unreachable, match="wants to be left alone") as told:
                    await look
            assert "Try again later" in told.value.fix
        sandbox.no_faults()


async def test_what_a_run_was_asked_to_wait_holds_for_a_person(office: Office, sandbox: Sandbox) -> None:
    """The service is not bothered: it has said when it may be asked again, and the person is told that."""
    await office.connect("dropbox", office.people("dropbox", "user")[0], name="mine")
    given, watch = Given("mine:/", "source"), Watch()
    drive = await open_drive(office.ledger, given, watch)
    await drive.close()
    (pacer,) = watch.pacers.values()
    pacer.throttled(HOUR)
    before = sandbox.calls
    with pytest.raises(Unreachable, match=r"wants to be left alone for 3[56]\d\d s"):
        await browsing.browse(office.ledger, "mine:/")
    assert sandbox.calls == before
