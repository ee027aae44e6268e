"""Which names Egnyte takes (helpdesk.egnyte.com 201637074)."""

import re

FORBIDDEN = frozenset('\\/":<>|*?')
EXACT = frozenset(
    {
        ".ds_store", ".metadata_never_index", ".thumbs.db", "thumbs.db", "desktop.ini", "icon\r", "powerpoint temp",
        ".", "..",
    }
)  # fmt: skip
ENDINGS = (
    "~", ".tmp", "._attribs_", "._rights_", "._egn_", "_egnmeta", "-spotlight", ".ac$", ".sv$", ".~vsdx",
)  # fmt: skip
BEGINNINGS = ("._", ".~", "_egn_.", ".smbdelete", "word work file")
PATTERNS = (
    re.compile(r"~.*\.(idlk|xlsx|pptx)"),
    re.compile(r"~\$.*\.(doc|docx|xls|xlsx|ppt|pptx|sldprt|sldasm|slddrw)"),
    re.compile(r"atmp\d{4}"),
    re.compile(r".*\.sas\.b\d\d"),
    re.compile(r"aa[a-z]\d{5}"),
)
FOLDERS = (".data", ".tmp")
LARGEST_NAME_BYTES = 245
LARGEST_PATH_BYTES = 5_000


def key_of(name: str) -> str:
    """The form in which names are compared: without regard to case."""
    return name.lower()


def name_error(name: str, *, folder: bool) -> str:
    """Why a name is not taken; "" if it is."""
    low = name.lower()
    if any(one in FORBIDDEN or ord(one) < 32 or ord(one) == 127 for one in name):
        return "Name contains characters that are not allowed"
    if any(ord(one) > 0xFFFF for one in name):
        return "Name contains unsupported characters"
    if not name or name != name.strip(" ") or name.endswith("."):
        return "Name begins or ends with a space, or ends with a dot"
    if len(name.encode("utf-8", "surrogatepass")) > LARGEST_NAME_BYTES:
        return "Name is too long"
    if low in EXACT or low.endswith(ENDINGS) or low.startswith(BEGINNINGS):
        return "Name is reserved"
    if any(one.fullmatch(low) for one in PATTERNS):
        return "Name is reserved"
    if folder and (low in FOLDERS or low.startswith(".spotlight-")):
        return "Folder name is reserved"
    return ""
