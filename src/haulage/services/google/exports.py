"""Documents of Google's own, which are no files: in which forms they can be had, and which of them is wanted (Q17)."""

import struct
from collections.abc import Mapping

import msgspec

from haulage.model.errors import Refused

APPS = "application/vnd.google-apps."
OFFICE = "application/vnd.openxmlformats-officedocument."
OPEN = "application/vnd.oasis.opendocument."
PDF = "pdf"
DEFAULT = "docx, xlsx, pptx, svg"
MIME = {
    "docx": f"{OFFICE}wordprocessingml.document",
    "xlsx": f"{OFFICE}spreadsheetml.sheet",
    "pptx": f"{OFFICE}presentationml.presentation",
    "odt": f"{OPEN}text",
    "ods": f"{OPEN}spreadsheet",
    "odp": f"{OPEN}presentation",
    "pdf": "application/pdf",
    "rtf": "application/rtf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "epub": "application/epub+zip",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "json": f"{APPS}script+json",
}
FORMS = {
    "document": ("docx", "odt", "pdf", "rtf", "txt", "md", "html", "epub"),
    "spreadsheet": ("xlsx", "ods", "pdf", "csv", "tsv"),
    "presentation": ("pptx", "odp", "pdf", "txt"),
    "drawing": ("svg", "png", "pdf", "jpg"),
    "script": ("json",),
}
TITLES = {
    "document": "a Google Docs document",
    "spreadsheet": "a Google Sheets spreadsheet",
    "presentation": "a Google Slides presentation",
    "drawing": "a Google drawing",
    "form": "a Google form",
    "site": "a Google site",
    "map": "a map of Google My Maps",
    "script": "a Google Apps Script project",
    "jam": "a Jamboard",
    "vid": "a Google Vids video",
}
_ZIPS = ("docx", "xlsx", "pptx", "odt", "ods", "odp", "epub")
_ENDS = {"pdf": b"%%EOF", "svg": b"</svg>", "html": b"</html>"}
TAIL_BYTES = 66 * 1024
_DIRECTORY = struct.Struct("<4s4H2IH")  # the end of a zip's central directory


def title(mime_type: str) -> str:
    """What kind of document it is, for people."""
    kind = mime_type.removeprefix(APPS)
    return TITLES.get(kind, f"a document of Google ({kind})")


class Exports(msgspec.Struct, frozen=True):
    """What was chosen. endings: forms in the order of preference; a kind comes in the first that it can have."""

    endings: tuple[str, ...]

    def ending(self, mime_type: str) -> str:
        """The form in which a document comes; "" for what is none, and for what comes in none of those chosen."""
        forms = FORMS.get(mime_type.removeprefix(APPS), ()) if mime_type.startswith(APPS) else ()
        return next((one for one in self.endings if one in forms), "")

    def part(self, name: str, mime_type: str) -> str:
        """The name under which it comes."""
        ending = self.ending(mime_type)
        return name if not ending or name.lower().endswith(f".{ending}") else f"{name}.{ending}"

    def name(self, part: str, mime_type: str) -> str:
        """What a document is to be named, to come under this name."""
        ending = self.ending(mime_type)
        return part[: -len(ending) - 1] if ending and part.lower().endswith(f".{ending}") else part

    def bare(self, part: str) -> str | None:
        """What a document may be named that comes under this name; None where none does."""
        stem, _, ending = part.rpartition(".")
        return stem if stem and ending in self.endings else None


def exports_of(text: str) -> Exports:
    """The choice, as it was typed: "docx, xlsx, pptx, svg". Raises Refused."""
    endings = tuple(dict.fromkeys(one.strip().lower().lstrip(".") for one in text.replace(";", ",").split(",")))
    chosen = tuple(one for one in endings if one)
    if unknown := [one for one in chosen if one not in MIME]:
        raise Refused(f"Google exports no document as {unknown[0]!r}", f"Choose among {', '.join(MIME)}.")
    return Exports(chosen or tuple(DEFAULT.split(", ")))


def settle_exports(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as they are kept. Raises Refused for a form that there is not."""
    chosen = exports_of(settings.get("export_formats", ""))
    return {**settings, "export_formats": ", ".join(chosen.endings)}


def whole(ending: str, tail: bytes, count: int) -> bool:
    """Whether an export came to its end: nothing else tells how long it is. tail: its last TAIL_BYTES, of `count`."""
    if ending in _ZIPS:
        at = tail.rfind(b"PK\5\6")
        if at < 0 or len(tail) - at < _DIRECTORY.size:
            return False
        *_, length, offset, comment = _DIRECTORY.unpack_from(tail, at)
        return bool(length + offset + len(tail) - at == count and at + _DIRECTORY.size + comment == len(tail))
    return _ENDS[ending] in tail[-1024:] if ending in _ENDS else True
