"""Pre-authenticated URLs: whoever has one may, without signing in, until it expires."""

from functools import lru_cache
from urllib.parse import quote

from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.frame.wire import Call
from haulage.sandbox.frame.world import World
from haulage.sandbox.microsoft.files import kinds
from haulage.sandbox.microsoft.files.items import Drive, Item

DOWNLOAD_SECONDS = 3600.0
STEP_SECONDS = 300.0  # URLs of the same five minutes are equal, so that listings need not sign them anew
PERSONAL_CONTENT = "my.microsoftpersonalcontent.com"
PERSONAL_API = "api.onedrive.com"


def sign(ids: Ids, *words: object) -> str:
    """Shows that we made a URL."""
    return ids.hex("ticket", *words, count=32)


@lru_cache(maxsize=1 << 16)
def _download(ids: Ids, drive: str, item: str, version: int, expires: int) -> str:
    facts = f"{drive}~{item}~{version}~{expires}"
    ticket = f"{facts}~{sign(ids, facts)}"
    return f"UniqueId={kinds.guid(ids, item)}&Translate=false&tempauth=v1.{ticket}&ApiVersion=2.0"


class Tickets:
    """Makes the URLs, and reads them back."""

    def __init__(self, world: World) -> None:
        self._world = world

    def prefix(self, call: Call, drive: Drive) -> str:
        """How the download URLs of a drive begin."""
        site = drive.base.rpartition("/")[0]
        return f"{call.at(content_host(drive))}{quote(site)}/_layouts/15/download.aspx?"

    def download(self, drive: Drive, item: Item, now: float, version: int = 0) -> str:
        """The rest of the URL at which the bytes of an item are to be had. version: 0 for the current one."""
        expires = int((now + DOWNLOAD_SECONDS) // STEP_SECONDS * STEP_SECONDS)
        return _download(self._world.ids, drive.id, item.id, version, expires)

    def read(self, tempauth: str, now: float) -> tuple[str, str, int] | None:
        """Drive, item and version of a download; None if it is not ours or has expired."""
        facts, _, signature = tempauth.removeprefix("v1.").rpartition("~")
        if sign(self._world.ids, facts) != signature:
            return None
        drive, item, version, expires = facts.split("~")
        return (drive, item, int(version)) if now < int(expires) else None


def content_host(drive: Drive) -> str:
    """The host of a drive's contents and uploads."""
    return drive.host if drive.kind.sites else PERSONAL_CONTENT
