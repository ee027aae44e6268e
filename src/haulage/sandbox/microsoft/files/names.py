"""Which names and paths Microsoft's drives take.

Sources: support.microsoft.com "Restrictions and limitations in OneDrive and SharePoint", and the onedrive-api-docs page
on addressing.
"""

import re

FORBIDDEN = re.compile(r'["*:<>?/\\|\x00-\x1f\x7f]')
RESERVED = re.compile(r"(?:\.lock|con|prn|aux|nul|com[0-9]|lpt[0-9]|desktop\.ini)", re.IGNORECASE)
LONGEST_NAME = 255
LONGEST_PATH = 400


def fold(name: str) -> str:
    """Names that are equal after this are the same name: case does not count, the form of accents does."""
    return name.lower()


def length(text: str) -> int:
    """In the UTF-16 units that Microsoft counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def wrong_name(name: str, *, folder: bool, library_root: bool) -> str:
    """Why a name is refused; "" if it is taken. library_root: it is to stand in the root of a SharePoint library."""
    if not name or name in (".", ".."):
        return "The name cannot be empty."
    if FORBIDDEN.search(name):
        return "The name contains characters that are not allowed."
    if name != name.strip(" ") or name.endswith("."):
        return "The name cannot begin or end with a space, or end with a period."
    if RESERVED.fullmatch(name) or "_vti_" in name.lower() or name.startswith("~$"):
        return "The name is reserved."
    if (folder and name.startswith("~")) or (library_root and name.lower() == "forms"):
        return "The name is reserved."
    return ""


def too_long(name: str, path: str) -> bool:
    """path: of the item from its host on, decoded."""
    return length(name) > LONGEST_NAME or length(path) > LONGEST_PATH
