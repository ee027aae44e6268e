"""Opening the files behind an account."""

from collections.abc import Sequence

from haulage.services.authorisation import Root
from haulage.services.contract import Drive
from haulage.services.google.account import DRIVE, DriveAccount
from haulage.services.google.drive import GoogleDrive
from haulage.services.google.exports import exports_of
from haulage.services.google.files import SharedDrive, SharedDrives
from haulage.services.google.names import drive_parts
from haulage.services.google.places import DRIVES, MINE, SHARED, place_of


class DriveFiles(DriveAccount):
    """One person's Drive: what is their own, the shared drives they are in, and what others share with them."""

    def open(self, root: str) -> Drive:
        """See OpensDrives. Raises Refused."""
        place = place_of(root)
        identity = f"google-drive://{self._access.account}/{place.text}"
        return GoogleDrive(self._access, place, identity, exports_of(self._access.settings.get("export_formats", "")))

    async def roots(self) -> list[Root]:
        """See ListsRoots."""
        drives: list[SharedDrive] = []
        token = ""
        while True:
            query = f"pageSize=100&fields=nextPageToken,drives(id,name){f'&pageToken={token}' if token else ''}"
            page = await self._api.get("ListDrives", f"{DRIVE}/drives?{query}", SharedDrives)
            drives += page.drives
            token = page.next_token or ""
            if not token:
                break
        return [Root("my drive", MINE, MINE), *drive_roots(drives), Root("shared with me", SHARED, SHARED)]


def drive_roots(drives: Sequence[SharedDrive]) -> list[Root]:
    """Shared drives, as places where a location may begin."""
    parts = zip(drives, drive_parts(drives), strict=True)
    return [Root("shared drive", one.name, f"{DRIVES}/{part}") for one, part in parts]
