"""Opening the files behind an account: one's own, or those of an enterprise's users in their names."""

from urllib.parse import quote

import msgspec

from haulage.model.errors import Refused, RootGone
from haulage.services.authorisation import Access, Root
from haulage.services.box.account import API, BoxAccount
from haulage.services.box.calls import Calls
from haulage.services.box.drive import BoxDrive
from haulage.services.box.wire import User
from haulage.services.contract import Drive

FEW = 4
PAGE_USERS = 1000


class Users(msgspec.Struct):
    """GET /users, by marker."""

    entries: list[User]
    marker: str | None = msgspec.field(name="next_marker", default=None)


class BoxFiles(BoxAccount):
    """One person's Box."""

    def open(self, root: str) -> Drive:
        """See OpensDrives."""
        folder = root.strip("/")
        return BoxDrive(self._access, folder, f"box://{self._access.account}/{folder}")


class EnterpriseFiles(BoxAccount):
    """The files of an enterprise's users, in their names."""

    def open(self, root: str) -> Drive:
        """See OpensDrives. Raises Refused."""
        login, _, folder = root.strip("/").partition("/")
        if "@" not in login:
            raise Refused("the location names no user", "Write NAME:/alice@example.com/folder.")

        async def as_user(calls: Calls) -> None:
            calls.headers["As-User"] = await _user(calls, login)

        return BoxDrive(self._access, folder, f"box-enterprise://{self._access.account}/{root.strip('/')}", as_user)

    async def roots(self) -> list[Root]:
        """See ListsRoots. Users who cannot be acted for (inactive) are told as such."""
        roots: list[Root] = []
        marker: str | None = None
        while True:
            behind = f"&marker={quote(marker, safe='')}" if marker else ""
            path = (
                f"{API}/users?user_type=managed&usemarker=true&limit={PAGE_USERS}&fields=id,login,name,status{behind}"
            )
            page = await self._api.get("ListUsers", path, Users)
            for one in page.entries:
                kind = "user" if one.status in ("", "active") else f"user, {one.status}"
                roots.append(Root(kind, one.login, one.login, one.name))
            if not page.marker or page.marker == marker:
                return roots
            marker = page.marker


async def _user(calls: Calls, login: str) -> str:
    """The id of the user who signs in with that address. Raises RootGone."""
    path = f"users?filter_term={quote(login, safe='')}&user_type=managed&fields=id,login&limit=100"
    page = await calls.get("ListUsers", path, Users, attempts=FEW)
    for one in page.entries:
        if one.login.lower() == login.lower():
            return one.id
    raise RootGone(f"the enterprise has no user {login}")


def single(access: Access) -> BoxFiles:
    """A single user's."""
    return BoxFiles(access, enterprise=False)


def enterprise(access: Access) -> EnterpriseFiles:
    """An administrator's."""
    return EnterpriseFiles(access, enterprise=True)
