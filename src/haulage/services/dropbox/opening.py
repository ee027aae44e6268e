"""Opening the files behind an account: one's own, a member's, a team folder."""

from contextlib import suppress

import msgspec

from haulage.model.errors import Refused, RootGone
from haulage.services.authorisation import Root
from haulage.services.contract import Drive
from haulage.services.dropbox.account import API, DropboxAccount, TeamAccount
from haulage.services.dropbox.calls import Calls, argument
from haulage.services.dropbox.drive import DropboxDrive
from haulage.services.dropbox.wire import Members, MembersFound, TeamFolders

FEW = 4


class DropboxFiles(DropboxAccount):
    """One person's Dropbox."""

    def open(self, root: str) -> Drive:
        """See OpensDrives."""
        folder = root.strip("/")
        return DropboxDrive(self._access, folder, f"dropbox://{self._access.account}/{folder}")


class TeamFiles(TeamAccount):
    """The files of a team's members, in their names, and its team folders, in the name of its admin."""

    def open(self, root: str) -> Drive:
        """See OpensDrives. Raises Refused."""
        name, _, folder = root.strip("/").partition("/")
        if not name:
            raise Refused("the location names no member and no team folder", "Write NAME:/alice@example.com/folder.")
        identity = f"dropbox-business://{self._access.account}/{root.strip('/')}"

        async def reach(calls: Calls) -> bool:
            if "@" in name:
                with suppress(RootGone):  # team folders may have such names too
                    calls.headers["Dropbox-API-Select-User"] = await _member(calls, name)
                    return True
            admin = (await self._admin()).admin_profile.team_member_id
            calls.headers["Dropbox-API-Select-Admin"] = admin
            where = {".tag": "namespace_id", "namespace_id": await _team_folder(calls, name)}
            calls.headers["Dropbox-API-Path-Root"] = argument(where)
            return False

        return DropboxDrive(self._access, folder, identity, reach)

    async def roots(self) -> list[Root]:
        """See ListsRoots. Members who cannot be reached (invited, suspended) are told as such."""
        roots = []
        page = await self._api.post("members/list_v2", f"{API}/team/members/list_v2", Members, {"limit": 1000})
        while True:
            for member in page.members:
                profile = member.profile
                state = profile.status.tag
                kind = "user" if state == "active" else f"user, {state}"
                aliases = tuple(one.email for one in profile.secondary_emails if one.is_verified)
                roots.append(Root(kind, profile.email, profile.email, profile.name.display_name, aliases))
            if not page.has_more:
                break
            where = f"{API}/team/members/list/continue_v2"
            page = await self._api.post("members/list/continue_v2", where, Members, {"cursor": page.cursor})
        folders = await self._api.post("team_folder/list", f"{API}/team/team_folder/list", TeamFolders, {"limit": 1000})
        while True:
            roots += [Root("team folder", one.name, one.name) for one in folders.team_folders if one.usable]
            if not folders.has_more:
                return roots
            where = f"{API}/team/team_folder/list/continue"
            folders = await self._api.post("team_folder/list", where, TeamFolders, {"cursor": folders.cursor})


async def _member(calls: Calls, email: str) -> str:
    """The id of the member of that address. Raises RootGone."""
    asked = {"members": [{".tag": "email", "email": email}]}
    found = await calls.ask("team/members/get_info_v2", asked, MembersFound, attempts=FEW)
    for raw in found.members_info:
        one = msgspec.json.decode(raw)
        if one.get(".tag") == "member_info":
            return str(one["profile"]["team_member_id"])
    raise RootGone(f"the team has no member {email}")


async def _team_folder(calls: Calls, name: str) -> str:
    """The namespace of the team folder of that name. Raises RootGone."""
    headers, calls.headers = calls.headers, {}
    try:
        page = await calls.ask("team/team_folder/list", {"limit": 1000}, TeamFolders, attempts=FEW)
        while True:
            for one in page.team_folders:
                if one.usable and one.name.casefold() == name.casefold():
                    return one.team_folder_id
            if not page.has_more:
                raise RootGone(f"the team has no member and no team folder {name!r}")
            page = await calls.ask("team/team_folder/list/continue", {"cursor": page.cursor}, TeamFolders)
    finally:
        calls.headers = headers
