"""Shared folders that are in nobody's tree: not mounted, so that no listing shows them (Q13)."""

import msgspec

from haulage.model.item import Item, Kind
from haulage.services.dropbox.calls import Calls

PAGE_FOLDERS = 1000


class Shared(msgspec.Struct):
    """One of sharing/list_folders. path_lower: where it is mounted."""

    name: str
    shared_folder_id: str
    path_lower: str | None = None


class SharedFolders(msgspec.Struct):
    """sharing/list_folders and /continue"""

    entries: list[Shared]
    cursor: str | None = None


async def unmounted(calls: Calls) -> list[Item]:
    """The shared folders that the account is a member of and has not mounted: told as what cannot be copied."""
    page = await calls.ask("sharing/list_folders", {"limit": PAGE_FOLDERS}, SharedFolders)
    found = list(page.entries)
    while page.cursor:
        page = await calls.ask("sharing/list_folders/continue", {"cursor": page.cursor}, SharedFolders)
        found += page.entries
    return [_told(one) for one in found if one.path_lower is None]


def _told(one: Shared) -> Item:
    note = "a shared folder that is not mounted: add it to the Dropbox, and it is copied"
    name = one.name.replace("/", "_")
    return Item(f"{name} (shared folder {one.shared_folder_id})", Kind.OTHER, id=one.shared_folder_id, note=note)
