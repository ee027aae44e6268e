"""A whole organisation: every user's Drive in that user's name, and shared drives in the name of one who may (Q19)."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote, urlencode

import msgspec

from haulage.model.errors import Denied, Gone, Mismatch, Refused, RootGone
from haulage.services.authorisation import Access, Credentials, Root
from haulage.services.bearer import Api
from haulage.services.contract import Drive
from haulage.services.google.account import DIRECTORY, DRIVE, HOSTS, WorkspaceAccount, reads
from haulage.services.google.drive import GoogleDrive
from haulage.services.google.exports import exports_of
from haulage.services.google.files import SharedDrive, SharedDrives
from haulage.services.google.lookups import quoted
from haulage.services.google.names import drive_at, is_made_up
from haulage.services.google.opening import drive_roots
from haulage.services.google.places import DRIVES, MINE, place_of
from haulage.services.google.wire import Grants, Members, People, Person

EXAMPLES = f"Write NAME:/alice@example.com/{MINE}/folder, or NAME:/{DRIVES}/Projects/folder."
RANKS = ("organizer", "fileOrganizer", "writer", "commenter", "reader")
ADD_ONE = "Add a user of the organisation to it as a manager, in the Admin console; then run the same command again."


class WorkspaceFiles(WorkspaceAccount):
    """The drives of an organisation."""

    def open(self, root: str) -> Drive:
        """See OpensDrives: alice@example.com/My Drive/x, or Shared drives/Projects/x. Raises Refused."""
        first, _, rest = root.strip("/").partition("/")
        whose: Credentials
        if first == DRIVES:
            place, above = place_of(root), ""
            whose = OneOfIts(self._access, self._administrator, place.name)
        elif "@" in first:
            place, above = place_of(rest), f"{first.lower()}/"
            whose = acting(self._access, first)
        else:
            raise Refused(f"{root!r} names neither a user nor a shared drive", EXAMPLES)
        access = msgspec.structs.replace(self._access, credentials=whose)
        identity = f"google-workspace://{self._access.account}/{above}{place.text}"
        return GoogleDrive(access, place, identity, exports_of(self._access.settings.get("export_formats", "")))

    async def roots(self) -> list[Root]:
        """See ListsRoots: users first, the suspended among them as such, then all shared drives."""
        roots = []
        async for one in people(self._api):
            kind = "suspended user" if one.suspended else "user"
            roots.append(Root(kind, one.email, one.email, one.name.full if one.name else "", tuple(one.aliases)))
        drives = [one async for one in shared_drives(self._api)]
        return [*roots, *drive_roots(drives)]


def acting(access: Access, subject: str) -> Credentials:
    """The credentials in a user's name. Raises Refused where nobody can be acted for."""
    if access.acting is None:
        raise Refused("this connector cannot act for the users of an organisation")
    return access.acting(subject)


async def people(api: Api) -> AsyncIterator[Person]:
    """All users of the organisation."""
    token: str | None = ""
    while token is not None:
        query = {"customer": "my_customer", "maxResults": "500", "orderBy": "email"}
        query |= {"fields": "nextPageToken,users(id,primaryEmail,suspended,isAdmin,customerId,aliases,name(fullName))"}
        page = await api.get("ListUsers", f"{DIRECTORY}/users?{_words(query, token)}", People)
        for one in page.users:
            yield one
        token = _following(token, page.next_token)


async def shared_drives(api: Api, question: str = "") -> AsyncIterator[SharedDrive]:
    """All shared drives of the organisation, whoever is in them; those that answer the question."""
    token: str | None = ""
    while token is not None:
        query = {"pageSize": "100", "useDomainAdminAccess": "true", "fields": "nextPageToken,drives(id,name)"}
        query |= {"q": question} if question else {}
        page = await api.get("ListDrives", f"{DRIVE}/drives?{_words(query, token)}", SharedDrives)
        for one in page.drives:
            yield one
        token = _following(token, page.next_token)


def _words(query: dict[str, str], token: str) -> str:
    return urlencode({**query, **({"pageToken": token} if token else {})}, quote_via=quote)


def _following(token: str, following: str | None) -> str | None:
    if following == token:
        raise Mismatch("Google: a list of the organisation goes in a circle")
    return following


class OneOfIts:
    """Credentials of a user who may do most in a shared drive: the administrator need not be in it."""

    def __init__(self, access: Access, administrator: str, name: str) -> None:
        self._access, self._administrator, self._name = access, administrator, name
        self._chosen: Credentials | None = None
        self._lock = asyncio.Lock()

    async def bearer(self) -> str:
        """See Credentials. Raises RootGone where nobody can be acted for."""
        async with self._lock:
            if self._chosen is not None:
                return await self._chosen.bearer()
            for email in await self._candidates():
                one = acting(self._access, email)
                try:
                    token = await one.bearer()
                except RootGone:  # suspended, or of another organisation: the next one
                    continue
                self._chosen = one
                return token
        raise RootGone(f"no user of the organisation is in the shared drive {self._name!r}", ADD_ONE)

    async def refused(self, token: str) -> None:
        """See Credentials."""
        if self._chosen is not None:
            await self._chosen.refused(token)

    async def revocable(self) -> str:
        """See Credentials."""
        return await self._access.credentials.revocable()

    async def _candidates(self) -> list[str]:
        api = Api("Google", self._access, HOSTS, reads)
        try:
            return await self._members(api)
        finally:
            await api.close()

    async def _members(self, api: Api) -> list[str]:
        """Addresses, those who may do most first; among equals the administrator, then by name."""
        question = "" if is_made_up(self._name) else f"name = {quoted(self._name)}"
        found = drive_at(self._name, [one async for one in shared_drives(api, question)])
        if found is None:
            raise RootGone(f"there is no shared drive {self._name!r}", EXAMPLES)
        ranked: dict[str, int] = {}
        token: str | None = ""
        while token is not None:
            query = {"pageSize": "100", "useDomainAdminAccess": "true", "supportsAllDrives": "true"}
            query |= {"fields": "nextPageToken,permissions(type,role,emailAddress,deleted)"}
            url = f"{DRIVE}/files/{quote(found.id, safe='')}/permissions?{_words(query, token)}"
            page = await api.get("ListPermissions", url, Grants)
            for grant in page.permissions:
                rank = RANKS.index(grant.role) if grant.role in RANKS else len(RANKS)
                for email in [] if grant.deleted else await _behind(api, grant.kind, grant.email):
                    ranked[email] = min(rank, ranked.get(email, rank))
            token = _following(token, page.next_token)
        return sorted(ranked, key=lambda email: (ranked[email], email != self._administrator, email))


async def _behind(api: Api, kind: str, email: str) -> list[str]:
    """The users for whom a grant is: of a group, its members."""
    if kind == "user":
        return [email.lower()]
    if kind != "group":
        return []
    query = "maxResults=200&includeDerivedMembership=true&fields=members(email,type)"
    try:
        url = f"{DIRECTORY}/groups/{quote(email, safe='')}/members?{query}"
        found = await api.get("ListMembers", url, Members)
    except (Denied, Gone):  # a group of another organisation
        return []
    return [one.email.lower() for one in found.members if one.kind == "USER" and one.email]
