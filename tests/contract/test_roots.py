"""Asking whether a root is there and allowed, before anything is copied."""

import asyncio
import socket
import time

import pytest

from haulage.model.errors import AuthLost, Gone, RootGone, Unreachable
from haulage.services.contract import Drive

from .conftest import Limit, NewRoot, Opens, needs_server
from .kit import Place, everything, listed, put

SECONDS_TO_TELL = 15.0


@pytest.mark.parametrize("write", [False, True], ids=["to read", "to write"])
async def test_a_root_that_is_there(drive: Drive, write: bool) -> None:
    """The ordinary start of a run."""
    await drive.check(write=write, create=False)


async def test_a_missing_root_is_told(make_drive: Opens, new_root: NewRoot) -> None:
    """A misspelt bucket ends the run at once, and is not an empty source."""
    with pytest.raises(RootGone) as caught:
        await make_drive(new_root()).check(write=False, create=False)
    assert caught.value.fix


async def test_asking_does_not_create(make_drive: Opens, new_root: NewRoot) -> None:
    """Only `create` makes a bucket, a container or a folder."""
    missing = new_root()
    for write in (False, True):
        with pytest.raises(RootGone):
            await make_drive(missing).check(write=write, create=False)
    with pytest.raises(RootGone):
        await make_drive(missing).check(write=False, create=False)


async def test_a_missing_root_is_created_on_request(make_drive: Opens, new_root: NewRoot) -> None:
    """Then it is there for everybody, empty and ready to be written to."""
    missing = new_root()
    await make_drive(missing).check(write=True, create=True)
    other = make_drive(missing)
    await other.check(write=True, create=False)
    assert await listed(other) == {}
    await put(other, "first.bin", b"1")
    assert set(await listed(make_drive(missing))) == {"first.bin"}


async def test_creating_what_is_there_changes_nothing(drive: Drive) -> None:
    """A second run asks for the same root to be made."""
    await put(drive, "kept.bin", b"kept")
    await drive.check(write=True, create=True)
    assert set(await listed(drive)) == {"kept.bin"}


async def test_checking_leaves_no_trace(drive: Drive) -> None:
    """I5, I6: a check for writing leaves no probe file behind."""
    await drive.check(write=True, create=True)
    await drive.check(write=True, create=False)
    assert await everything(drive) == {}


async def test_a_missing_root_is_not_an_empty_listing(make_drive: Opens, new_root: NewRoot) -> None:
    """T34: "there is nothing" is never said of a place that could not be listed."""
    with pytest.raises((RootGone, Gone)):
        await make_drive(new_root()).page("", None)


async def test_writing_below_a_missing_root_fails(make_drive: Opens, new_root: NewRoot) -> None:
    """Nothing is created on the side."""
    missing = new_root()
    with pytest.raises((RootGone, Gone)):
        await put(make_drive(missing), "a.bin", b"a")
    with pytest.raises(RootGone):
        await make_drive(missing).check(write=False, create=False)


@needs_server
async def test_a_wrong_key_is_told(place: Place, make_drive: Opens, limit: Limit) -> None:
    """F18, F23: refused credentials end the run with the right advice, on a check and on a listing."""
    limit("refuses wrong keys")
    drive = make_drive(place.having(**place.wrong))
    with pytest.raises(AuthLost):
        await drive.check(write=False, create=False)
    with pytest.raises(AuthLost):
        await drive.page("", None)


@needs_server
async def test_nothing_at_the_endpoint_is_told_within_seconds(place: Place, make_drive: Opens) -> None:
    """A server that is down, or a wrong port, is named as such before anyone wonders."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        drive = make_drive(place.through(closed.getsockname()[1]))
        started = time.monotonic()
        with pytest.raises(Unreachable):
            await drive.check(write=False, create=False)
    assert time.monotonic() - started < SECONDS_TO_TELL


async def test_closing_twice_is_fine(place: Place) -> None:
    """The engine closes what it opened, whatever happened before."""
    drive = place.open()
    await drive.check(write=False, create=False)
    await drive.close()
    await drive.close()
    await asyncio.sleep(0)
