"""What goes along with the bytes, as an object's resource has it; and an object as an item of the model."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from haulage.model.errors import NameRefused, TooLarge, Transient
from haulage.model.item import Carried, Item, Kind
from haulage.services.digests import base64_of, hex_of
from haulage.services.gcs.wire import Object

FOLDER_TYPE = "application/x-directory"
LARGEST_METADATA_BYTES = 8 * 1024
TIME, GSUTIL_TIME = "mtime", "goog-reserved-file-mtime"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def time_us(text: str) -> int | None:
    """Microseconds of an RFC 3339 time (finer digits are cut off); None where it is none."""
    whole, dot, rest = text.partition(".")
    if dot:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        text = f"{whole}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found - _EPOCH) // _MICROSECOND if found.tzinfo is not None else None


def time_text(modified_us: int) -> str | None:
    """A time as rclone keeps it in the pair "mtime"; None for a year that RFC 3339 cannot write."""
    try:
        return (_EPOCH + modified_us * _MICROSECOND).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return None


def resource_of(carried: Carried, digests: Mapping[str, str]) -> dict[str, Any]:
    """The resource to send with the bytes. digests: hex of the whole content, to be checked. Raises TooLarge."""
    pairs = {name: text for name, text in carried.metadata.items() if name not in (TIME, GSUTIL_TIME)}
    if carried.modified_us is not None:
        if (text := time_text(carried.modified_us)) is not None:
            pairs[TIME] = text
        pairs[GSUTIL_TIME] = str(carried.modified_us // 1_000_000)
    try:
        size = sum(len(name.encode()) + len(text.encode()) for name, text in pairs.items())
    except UnicodeEncodeError as error:
        raise NameRefused("the metadata is no Unicode text", "Correct the item's metadata at the source.") from error
    if size > LARGEST_METADATA_BYTES:
        raise TooLarge(
            f"the item's metadata is {size} bytes; Cloud Storage takes {LARGEST_METADATA_BYTES}",
            "Shorten the item's metadata at the source.",
        )
    found: dict[str, Any] = {
        "contentType": carried.content_type,
        "contentEncoding": carried.content_encoding,
        "contentLanguage": carried.content_language,
        "contentDisposition": carried.content_disposition,
        "cacheControl": carried.cache_control,
        "metadata": pairs,
        "crc32c": base64_of(digests["crc32c"]) if "crc32c" in digests else None,
        "md5Hash": base64_of(digests["md5"]) if "md5" in digests else None,
    }
    return {name: value for name, value in found.items() if value}


def modified_us(found: Object) -> int | None:
    """The time that a writer gave the file; else when it was stored."""
    pairs = found.metadata or {}
    if (text := pairs.get(TIME)) and (kept := time_us(text)) is not None:
        return kept
    if (text := pairs.get(GSUTIL_TIME)) and text.lstrip("-").isdecimal() and len(text) < 14:
        return int(text) * 1_000_000
    return time_us(found.updated) if found.updated else None


def carried_of(found: Object) -> Carried:
    """What an object's resource says of it."""
    pairs = {name: text or "" for name, text in (found.metadata or {}).items() if name not in (TIME, GSUTIL_TIME)}
    return Carried(
        modified_us=modified_us(found),
        created_us=time_us(found.time_created) if found.time_created else None,
        content_type=found.content_type,
        content_encoding=found.content_encoding,
        content_language=found.content_language,
        content_disposition=found.content_disposition,
        cache_control=found.cache_control,
        metadata=pairs,
    )


def hashes_of(found: Object) -> dict[str, str]:
    """Hex by algorithm. A composed object has no MD5 (Q5)."""
    told = (("md5", found.md5_hash), ("crc32c", found.crc32c))
    return {name: digest for name, text in told if text and (digest := hex_of(text))}


def item_of(path: str, found: Object) -> Item:
    """The file at `path` as the resource describes it. Raises Transient where it lacks a size."""
    if found.size is None or not found.size.isdecimal():
        raise Transient("the answer about an object does not say its size")
    return Item(
        path,
        Kind.FILE,
        int(found.size),
        modified_us(found),
        found.generation,
        hashes_of(found),
        created_us=time_us(found.time_created) if found.time_created else None,
    )
