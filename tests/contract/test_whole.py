"""Whole drives of OneDrive by delta: what it tells is what the listing folder by folder tells."""

from collections.abc import AsyncIterator

import pytest

from haulage.engine.listing import Listing, pages
from haulage.model.item import Item, Page
from haulage.services.contract import Drive
from haulage.services.microsoft.drive import GraphDrive

from .clouds import Clouds, cloud_place

DELTA = "GET /drives/{drive}/items/{item}/delta"


@pytest.fixture
async def personal(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Drive]:
    """Somebody's OneDrive from its root on, in several pages."""
    monkeypatch.setattr("haulage.services.microsoft.drive.PAGE_ITEMS", 40)
    drive = cloud_place(clouds, "onedrive-personal").open()
    yield drive
    await drive.close()


async def listed(drive: Drive) -> dict[str, Item]:
    """All items, by path. Raises where the listing is not whole."""
    listing = Listing()
    found = {item.path: item async for page in pages(drive, listing) for item in page.items}
    assert listing.complete, listing.why_incomplete
    return found


async def by_folders(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> dict[str, Item]:
    """The same, one call a folder at least."""

    async def never(self: GraphDrive, cursor: str | None) -> Page | None:
        return None

    with monkeypatch.context() as patched:
        patched.setattr(GraphDrive, "whole", never)
        return await listed(drive)


async def test_both_ways_tell_the_same(personal: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    """In items, revisions, hashes and ids; by delta with few calls, and without one for each folder."""
    found = await listed(personal)
    calls = dict(personal.calls)
    assert calls.get("ListChildren", 0) == 0
    assert calls["Delta"] <= len(found) // 20 + 2
    assert await by_folders(personal, monkeypatch) == found
    assert len(found) > 80


@pytest.mark.parametrize(("fault", "page"), [("page_twice", 1), ("page_empty", 1), ("cursor_expired", 2)])
async def test_troubled_pages(
    clouds: Clouds, personal: Drive, monkeypatch: pytest.MonkeyPatch, fault: str, page: int
) -> None:
    """T32, T33, F29: a page that comes twice or empty changes nothing; a lost record leads from folder to folder."""
    wanted = await by_folders(personal, monkeypatch)
    clouds.sandbox.fault(fault=fault, service="microsoft", operation=DELTA, nth=page)
    try:
        assert await listed(personal) == wanted
    finally:
        clouds.sandbox.no_faults()


async def test_a_drive_that_leaves_tags_out_is_listed_folder_by_folder(
    clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As work drives do: their revisions would be others than those that the files themselves tell."""
    drive = cloud_place(clouds, "onedrive-business").open()
    try:
        assert isinstance(drive, GraphDrive)
        assert await drive.whole(None) is None
        assert await listed(drive) == await by_folders(drive, monkeypatch)
    finally:
        await drive.close()


async def test_a_position_that_is_forgotten(clouds: Clouds, personal: Drive) -> None:
    """F29: 410 is no quiet, and no error: what is there is listed then."""
    assert isinstance(personal, GraphDrive)
    position = await personal.position()
    assert await personal.quiet_since(position) is not None
    clouds.sandbox.do("microsoft", "expire_delta", drive=personal._graph.drive_id)
    assert await personal.quiet_since(position) is None
    assert await personal.quiet_since(await personal.position()) is not None
