"""Opening the files of a domain: the company's, and people's own."""

from haulage.model.errors import Denied, Gone, Refused
from haulage.services.authorisation import Root
from haulage.services.contract import Drive
from haulage.services.egnyte.account import EgnyteAccount
from haulage.services.egnyte.drive import EgnyteDrive
from haulage.services.egnyte.items import Listing

TOPS = {"shared": "Shared", "private": "Private"}
PAGE_ITEMS = 1000


class EgnyteFiles(EgnyteAccount):
    """What the account may see of /Shared and /Private: an administrator everything, others their own (Q5)."""

    def open(self, root: str) -> Drive:
        """See OpensDrives. Raises Refused."""
        parts = [part for part in root.split("/") if part]
        if not parts or parts[0].lower() not in TOPS:
            fix = "Write NAME:/Shared/folder, or NAME:/Private/user."
            raise Refused("an Egnyte domain has its files in /Shared and in /Private", fix)
        folder = "/".join((TOPS[parts[0].lower()], *parts[1:]))
        return EgnyteDrive(self._access, folder, f"egnyte://{self._access.account or self._host}/{folder}")

    async def roots(self) -> list[Root]:
        """See ListsRoots. Two listings, of the folders of the company and of the private ones."""
        roots = [Root("folder", "Shared", "Shared"), *await self._folders("Shared", "folder")]
        try:
            return [*roots, *await self._folders("Private", "private folder")]
        except (Gone, Denied):  # not to be listed by whoever may only see their own
            name = (await self.user()).username
            return [*roots, Root("private folder", name, f"Private/{name}")]

    async def _folders(self, top: str, kind: str) -> list[Root]:
        found: list[Root] = []
        offset = 0
        while True:
            query = f"list_content=true&count={PAGE_ITEMS}&offset={offset}&sort_by=name"
            page = await self._api.get("list", f"https://{self._host}/pubapi/v1/fs/{top}?{query}", Listing)
            found += [Root(kind, one.name, f"{top}/{one.name}") for one in page.folders]
            offset += page.count
            if not page.count or offset >= page.total_count:
                return found
