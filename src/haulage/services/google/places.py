"""What a location names: a folder of My Drive, of a shared drive, of what is shared with one, or one by address."""

import re
from typing import Literal

import msgspec

from haulage.model.errors import Refused

MINE, DRIVES, SHARED = "My Drive", "Shared drives", "Shared with me"
EXAMPLES = f"Write NAME:/folder, NAME:/{DRIVES}/Projects/folder, NAME:/{SHARED}, or a folder's address in the browser."
_ADDRESS = re.compile(r"https?:/+drive\.google\.com/drive/(?:u/\d+/)?folders/([\w-]+)(?:\?[^/]*)?(?:/(.*))?", re.DOTALL)


class Place(msgspec.Struct, frozen=True):
    """Where a location begins. name: of a shared drive, or a folder's id; folder: the path below, without slashes."""

    space: Literal["mine", "drive", "shared", "id"]
    folder: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """The one spelling of this place."""
        first = self.folder.partition("/")[0]
        above = {
            "mine": MINE if first in (MINE, DRIVES, SHARED) else "",
            "drive": f"{DRIVES}/{self.name}",
            "shared": SHARED,
            "id": f"id/{self.name}",
        }[self.space]
        return "/".join(part for part in (above, self.folder) if part)


def place_of(root: str) -> Place:
    """The place that a location's path names. Raises Refused."""
    root = root.strip("/")
    if (found := _ADDRESS.fullmatch(root)) is not None:
        return Place("id", (found[2] or "").strip("/"), found[1])
    first, _, rest = root.partition("/")
    if first == DRIVES:
        name, _, folder = rest.partition("/")
        if not name:
            raise Refused("the location names no shared drive", EXAMPLES)
        return Place("drive", folder, name)
    if first == SHARED:
        return Place("shared", rest)
    return Place("mine", rest if first == MINE else root)
