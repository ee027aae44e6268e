"""What is special in a Drive, each with an outcome of its own: nothing is lost in silence or goes in circles."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from haulage.engine.counts import Watch
from haulage.model.errors import Blocked
from haulage.model.item import Item, Kind
from haulage.operations.locations import Given, open_drive
from haulage.services.google.drive import GoogleDrive
from haulage.services.google.files import Files
from haulage.services.google.tree import ORPHANED
from testbed.sandbox import Sandbox
from tests.connectors.google_api import APPS, FOLDER, DriveApi
from tests.connectors.people import Office


@pytest.fixture
async def drive(office: Office) -> AsyncIterator[GoogleDrive]:
    """An administrator's own My Drive, whole."""
    await office.connect("google-drive", office.people("google-drive", "admin")[0], "write", "mine")
    found = await open_drive(office.ledger, Given("mine:/", "source"), Watch())
    assert isinstance(found, GoogleDrive)
    yield found
    await found.close()


@pytest.fixture
def api(office: Office, sandbox: Sandbox) -> DriveApi:
    """The same person."""
    return DriveApi(sandbox, office.people("google-drive", "admin")[0]["user"])


async def children(drive: GoogleDrive, folder: str) -> dict[str, Item]:
    """The items of a folder, by path."""
    found, cursor = {}, ""
    while True:
        page = await drive.page(folder, cursor or None)
        found |= {one.path: one for one in page.items}
        assert page.complete, page.why_incomplete
        if page.cursor is None:
            return found
        cursor = page.cursor


async def test_what_lies_in_no_folder_is_found(drive: GoogleDrive, api: DriveApi) -> None:
    owned = api.found("'me' in owners and trashed = false")
    lost = {one["id"] for one in owned if "parents" not in one}
    assert lost
    assert (await children(drive, ""))[ORPHANED].kind is Kind.FOLDER
    inside = await children(drive, ORPHANED)
    assert {one.id for one in inside.values()} == lost
    file = next(one for one in inside.values() if one.kind is Kind.FILE)
    found = await drive.item(file.path)
    assert found is not None and found.id == file.id
    taken = api.make(ORPHANED, FOLDER)
    again = await children(drive, "")
    assert again[ORPHANED].id == taken
    assert f"{ORPHANED} (2)" in again
    api("DELETE", f"files/{taken}")


async def test_a_folder_that_lies_within_itself_is_not_gone_into(
    drive: GoogleDrive, api: DriveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As folders with several parents could, before 2020; the sandbox makes none any more."""
    outer = api.make("Outer", FOLDER)
    inner = api.make("Inner", FOLDER, outer)
    await children(drive, "")
    await children(drive, "Outer")
    lookups = drive._tree.lookups
    page = lookups.page

    async def cyclic(folder_id: str, *more: Any, **words: Any) -> Files:
        found = await page(folder_id, *more, **words)
        if folder_id == inner:
            found.files.append(await drive._tree.get(outer))
        return found

    monkeypatch.setattr(lookups, "page", cyclic)
    found = (await children(drive, "Outer/Inner"))["Outer/Inner/Outer"]
    assert (found.kind, found.note) == (Kind.OTHER, "a folder that lies within itself")
    api("DELETE", f"files/{outer}")


async def test_shortcuts_and_what_google_keeps_back(drive: GoogleDrive, api: DriveApi) -> None:
    """Each says what it is, or why it is not handed out."""
    folder = api.make("Shortcuts", FOLDER)
    target = api.make("a folder", FOLDER, folder)
    api.make("to it", f"{APPS}shortcut", folder, shortcutDetails={"targetId": target})
    told = (await children(drive, "Shortcuts"))["Shortcuts/to it"]
    assert told.kind is Kind.OTHER and "a shortcut to a folder" in (told.note or "")
    special = await children(drive, "Special")
    for name, words in (("flagged", "malware or spam"), ("restricted", "does not allow this account to download")):
        item = next(one for path, one in special.items() if name in path)
        with pytest.raises(Blocked, match=words):
            async with drive.open(item):
                pass
    api("DELETE", f"files/{folder}")


async def test_a_search_that_was_incomplete_makes_the_listing_so(drive: GoogleDrive, sandbox: Sandbox) -> None:
    sandbox.fault(fault="incomplete", service="google", operation="drive.files.list")
    page = await drive.page("", None)
    assert (page.complete, page.why_incomplete) == (False, "the service says that its search was incomplete")


async def test_a_copy_that_was_made_before_a_kill_is_not_made_again(
    drive: GoogleDrive, api: DriveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G1: killed before what it takes the place of was put into the trash, and before it got its time."""
    folder = api.make("Replaced", FOLDER)
    document, there = api.make("plan", f"{APPS}document", folder), api.make("there", FOLDER, folder)
    path, copies, tree = "Replaced/there/plan.docx", drive._copies, drive._tree

    async def killed(*words: object) -> None:
        raise RuntimeError

    async def copied(*, killed_at: str = "") -> None:
        found, before = await tree.get(document), await tree.find(path)
        with monkeypatch.context() as patch:
            if killed_at:
                patch.setattr(tree, killed_at, killed)
            await copies.made(found, path, before, absent=before is None)

    api.update(document, modifiedTime="2026-02-03T04:05:06.000Z")
    with pytest.raises(RuntimeError):
        await copied(killed_at="set_time")
    await copied()
    (made,) = api.found(f"'{there}' in parents and trashed = false")
    assert made["modifiedTime"] == "2026-02-03T04:05:06.000Z"
    api.update(document, modifiedTime="2026-03-04T05:06:07.000Z")
    with pytest.raises(RuntimeError):
        await copied(killed_at="trash")
    await copied()
    (again,) = api.found(f"'{there}' in parents and trashed = false")
    assert again["id"] != made["id"]
    assert again["modifiedTime"] == "2026-03-04T05:06:07.000Z"
    api("DELETE", f"files/{folder}")
