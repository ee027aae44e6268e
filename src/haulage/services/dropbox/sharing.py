"""Shared folders of which a listing of files tells nothing: not mounted, or without an owner (Q13)."""

import msgspec

from haulage.model.item import Item, Kind
from haulage.services.dropbox.calls import Calls

PAGE_FOLDERS = 1000
UNMOUNTED = "a shared folder that is not mounted\nAdd it to the Dropbox: the next run copies it."
OWNERLESS = (
    "a shared folder without an owner: what is in it is copied, who may see it cannot be changed by anybody\n"
    "Have an administrator of the team, or Dropbox's support, give it an owner; or move what is in it to a new folder."
)
NEITHER = (
    "a shared folder that is not mounted, and that has no owner\n"
    "Add it to the Dropbox: the next run copies it. Have an administrator of the team, or Dropbox's support, "
    "give it an owner."
)
ELSEWHERE = (
    "a folder of the team, outside of the account's own tree\n"
    "Copy it by a connector of the whole team, Dropbox Business (Admin)."
)


class Tag(msgspec.Struct):
    """A value of a union."""

    tag: str = msgspec.field(name=".tag", default="")


class Shared(msgspec.Struct):
    """One of sharing/list_folders. path_lower: where it is mounted. owners: absent where they could not be found."""

    name: str
    shared_folder_id: str
    path_lower: str | None = None
    owners: list[str] = msgspec.field(name="owner_display_names", default_factory=list)
    is_team_folder: bool = False
    is_inside_team_folder: bool = False

    @property
    def of_team(self) -> bool:
        """Whether it belongs to the team as a whole, which needs no owner."""
        return self.is_team_folder or self.is_inside_team_folder


class SharedFolders(msgspec.Struct):
    """sharing/list_folders and /continue"""

    entries: list[Shared]
    cursor: str | None = None


class Member(msgspec.Struct):
    """A user or group of a shared folder."""

    access: Tag = msgspec.field(name="access_type")


class Members(msgspec.Struct):
    """sharing/list_folder_members and /continue"""

    users: list[Member] = []
    groups: list[Member] = []
    cursor: str | None = None


async def untold(calls: Calls, *, team: bool) -> list[Item]:
    """What a listing of a whole home says nothing of, as items that cannot be copied as they are.

    team: the account belongs to a team whose own folders are roots of the same connector, so that they are left out.
    """
    page = await calls.ask("sharing/list_folders", {"limit": PAGE_FOLDERS}, SharedFolders)
    found = list(page.entries)
    while page.cursor:
        page = await calls.ask("sharing/list_folders/continue", {"cursor": page.cursor}, SharedFolders)
        found += page.entries
    notes = [(one, await _note(calls, one, team=team)) for one in found]
    return [_told(one, note) for one, note in notes if note is not None]


async def _note(calls: Calls, one: Shared, *, team: bool) -> str | None:
    if one.of_team:
        return None if team or one.path_lower is not None else ELSEWHERE
    ownerless = not one.owners and not await _has_owner(calls, one)
    if one.path_lower is not None:
        return OWNERLESS if ownerless else None
    return NEITHER if ownerless else UNMOUNTED


async def _has_owner(calls: Calls, one: Shared) -> bool:
    """Asked where no owner's name came: the names may only have been out of reach."""
    argument = {"shared_folder_id": one.shared_folder_id, "limit": PAGE_FOLDERS}
    page = await calls.ask("sharing/list_folder_members", argument, Members)
    while not (found := any(member.access.tag == "owner" for member in (*page.users, *page.groups))) and page.cursor:
        page = await calls.ask("sharing/list_folder_members/continue", {"cursor": page.cursor}, Members)
    return found


def _told(one: Shared, note: str) -> Item:
    name = one.name.replace("/", "_")
    return Item(f"{name} (shared folder {one.shared_folder_id})", Kind.OTHER, id=one.shared_folder_id, note=note)
