"""XML in and out: only what is read or sent, with entities off."""

import binascii
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, XMLParser, fromstring

import msgspec

from haulage.model.errors import Mismatch
from haulage.model.item import Item, Kind
from haulage.services.azure_blob.metadata import MTIME, is_folder_mark, parse_time

_MONTHS = {"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * n : 3 * n + 3]: n + 1 for n in range(12)}


class Listing(msgspec.Struct):
    """One page of a listing.

    foreign: how many names were not below the prefix that was asked for. marked: a marker of just that name was there.
    """

    items: list[Item]
    marker: str | None
    foreign: int
    marked: bool


def parse(body: bytes) -> Element:
    """The root of a document in UTF-8. Any DTD is refused, and with it every entity. Raises Mismatch."""
    # Another encoding could hide a DTD: UTF-16 shows by its zero bytes, and one that the document names is overruled.
    if b"<!DOCTYPE" in body or b"\0" in body:
        raise Mismatch("the service's XML declares entities or is not UTF-8, which is refused")
    try:
        return fromstring(body, XMLParser(encoding="utf-8"))  # noqa: S314 - no DTD, so no entity, can be in it
    except ParseError as error:
        raise Mismatch(
            f"the service's XML cannot be parsed: {error}", "Check that the endpoint is Blob Storage."
        ) from None


def listing(body: bytes, prefix: str, below: str) -> Listing:
    """Read one page of List Blobs, 15 to 20 microseconds a blob; called in a thread.

    prefix: of the drive, taken off all names. below: the prefix that was asked for; a marker of just that name
    stands for what is being listed, and is left out.
    """
    root = parse(body)
    blobs = root.find("Blobs")
    if blobs is None:
        raise Mismatch("the answer is no listing", "Check that the endpoint is Blob Storage.")
    items, foreign, marked, cut = [], 0, False, len(prefix)
    for entry in blobs:
        name = _name(entry)
        if not name.startswith(below):
            foreign += 1
        elif entry.tag == "BlobPrefix":
            items.append(Item(name[cut:].removesuffix("/"), Kind.FOLDER))
        else:
            item = _item(entry, name[cut:])
            if name == below and not item.size:
                marked = True
            else:
                items.append(item)
    return Listing(items, root.findtext("NextMarker") or None, foreign, marked)


def _name(entry: Element) -> str:
    element = entry.find("Name")
    if element is None:
        raise Mismatch("the listing holds an entry without a name")
    text = element.text or ""
    try:
        return unquote(text, errors="strict") if element.get("Encoded") == "true" else text
    except UnicodeDecodeError:
        raise Mismatch(f"the listing's name {text[:100]!r} is not encoded UTF-8") from None


def _item(entry: Element, path: str) -> Item:
    properties = {part.tag: part.text for part in entry.find("Properties") or ()}
    metadata = {part.tag: part.text or "" for part in entry.find("Metadata") or ()}
    try:
        return blob_item(
            path,
            int(properties["Content-Length"] or ""),
            revision=properties.get("Etag"),
            modified=properties.get("Last-Modified"),
            created=properties.get("Creation-Time"),
            md5=properties.get("Content-MD5"),
            note=archive_note(properties.get("AccessTier"), properties.get("ArchiveStatus")),
            directory=properties.get("ResourceType") == "directory",
            metadata=metadata,
        )
    except (KeyError, ValueError) as error:
        raise Mismatch(f"the listing's entry for {path!r} cannot be read: {error!r}") from error


def blob_item(
    path: str,
    size: int,
    *,
    revision: str | None,
    modified: str | None,
    created: str | None,
    md5: str | None,
    note: str | None,
    directory: bool,
    metadata: Mapping[str, str],
) -> Item:
    """One blob as an item: a file, or a folder where it is a folder's marker. Raises ValueError."""
    modified_us = http_time_us(modified) if modified else None
    if size == 0:
        plain = path.removesuffix("/")
        if directory or (plain and plain != path) or (metadata and is_folder_mark(metadata)):
            carried_us = next((parse_time(value) for name, value in metadata.items() if name.lower() == MTIME), None)
            return Item(plain, Kind.FOLDER, modified_us=modified_us if carried_us is None else carried_us)
    return Item(
        path,
        Kind.FILE,
        size,
        modified_us,
        revision.strip('"') if revision else None,
        {"md5": md5_hex(md5)} if md5 else {},
        created_us=http_time_us(created) if created else None,
        note=note,
    )


def archive_note(tier: str | None, status: str | None) -> str | None:
    """Why a blob cannot be read: None where it can."""
    if (tier or "").lower() != "archive":
        return None
    return f"archived, {status}" if status else "archived"


def md5_hex(text: str) -> str:
    """Content-MD5, base64 on the wire, as hex. Raises ValueError."""
    return binascii.a2b_base64(text).hex()


@lru_cache(maxsize=8192)
def http_time_us(text: str) -> int:
    """Microseconds of an HTTP date ("Tue, 04 Aug 2026 10:00:05 GMT"). Raises ValueError."""
    try:
        day, month, year, clock = text.split()[1:5]
        hour, minute, second = clock.split(":")
        when = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except (KeyError, IndexError):
        raise ValueError(f"{text!r} is no HTTP date") from None
    return int(when.timestamp()) * 1_000_000


def block_list_body(ids: Iterable[str]) -> bytes:
    """The body of Put Block List. Latest: the same list serves again when its first answer was lost."""
    blocks = "".join(f"<Latest>{block}</Latest>" for block in ids)  # base64 needs no escaping
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'.encode()


def uncommitted_blocks(body: bytes) -> dict[str, int]:
    """Sizes of the uncommitted blocks by id, from Get Block List."""
    return {
        block.findtext("Name", ""): int(block.findtext("Size", "0"))
        for block in parse(body).iterfind("UncommittedBlocks/Block")
    }


def container_names(body: bytes) -> tuple[list[str], str | None]:
    """Names on one page of List Containers, and the marker of the next page."""
    root = parse(body)
    return [name.text or "" for name in root.iterfind("Containers/Container/Name")], root.findtext("NextMarker") or None
