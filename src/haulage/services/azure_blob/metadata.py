"""What goes along with a blob: properties and metadata, as headers, there and back.

Metadata names must be C# identifiers and all values plain ASCII: others are written by a rule that can be undone,
and is undone on reading only where writing would give the very same text again (QUIRKS.md Q8, Q9).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

import msgspec

from haulage.model.errors import HaulageError, TooLarge
from haulage.model.item import Carried

FOLDER_MARK = "hdi_isfolder"
MTIME = "mtime"
METADATA_BYTES = 8 * 1024
PREFIX = "x-ms-meta-"

_PROPERTIES = (
    ("content_type", "Content-Type", "x-ms-blob-content-type"),
    ("content_encoding", "Content-Encoding", "x-ms-blob-content-encoding"),
    ("content_language", "Content-Language", "x-ms-blob-content-language"),
    ("content_disposition", "Content-Disposition", "x-ms-blob-content-disposition"),
    ("cache_control", "Cache-Control", "x-ms-blob-cache-control"),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TO_ENCODE = re.compile(r"[^A-Za-z0-9_]|_(?=x[0-9a-f]{1,6}_)|^[0-9]")
_ENCODED_CHAR = re.compile(r"_x([0-9a-f]{1,6})_")
_PLAIN_VALUE = re.compile(r"[!-~]+(?: [!-~]+)*")
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


def headers_of(carried: Carried) -> dict[str, str]:
    """All headers that a write needs so that the blob keeps what is carried. Raises TooLarge over 8 KB."""
    headers = {}
    for ours, _, theirs in _PROPERTIES:
        value = getattr(carried, ours)
        if value:
            headers[theirs] = encode_value(value)
    pairs = {encode_name(name): encode_value(value) for name, value in carried.metadata.items()}
    if carried.modified_us is not None:
        pairs = {name: value for name, value in pairs.items() if name.lower() != MTIME}
        pairs[MTIME] = format_time(carried.modified_us)
    size = sum(len(name) + len(value) for name, value in pairs.items())
    if size > METADATA_BYTES:
        raise TooLarge(
            f"its metadata takes {size} bytes here, and Azure Blob Storage keeps at most {METADATA_BYTES}",
            "Shorten or remove metadata at the source, then run the same command again.",
        )
    return headers | {PREFIX + name: value for name, value in pairs.items()}


def folder_headers(modified_us: int | None) -> dict[str, str]:
    """Headers that make an empty blob a folder's marker."""
    times = {} if modified_us is None else {PREFIX + MTIME: format_time(modified_us)}
    return {PREFIX + FOLDER_MARK: "true", **times}


def markings(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata of a marker, as headers that make another one like it."""
    return {PREFIX + name: value for name, value in metadata_of(headers).items()} | folder_headers(None)


def carried_of(headers: Mapping[str, str]) -> Carried:
    """What an answer's headers say goes along with the blob."""
    told = {ours: decode_value(headers[name]) if headers.get(name) else None for ours, name, _ in _PROPERTIES}
    pairs, modified_us = {}, None
    for name, value in metadata_of(headers).items():
        if name.lower() == MTIME and (modified_us := parse_time(value)) is not None:
            continue
        pairs[decode_name(name)] = decode_value(value)
    return msgspec.structs.replace(Carried(modified_us=modified_us, metadata=pairs), **told)


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata in an answer's headers, as stored."""
    length = len(PREFIX)
    return {name[length:]: value for name, value in headers.items() if name[:length].lower() == PREFIX}


def is_folder_mark(metadata: Mapping[str, str]) -> bool:
    """Whether the metadata say that this is a folder's marker; in any case, as the tools of Hadoop write it."""
    return any(name.lower() == FOLDER_MARK and value.lower() == "true" for name, value in metadata.items())


def encode_name(name: str) -> str:
    """A C# identifier for any name: every other character becomes _x<hex>_ ("my-key": "my_x2d_key")."""
    if name.lower() == FOLDER_MARK:
        return f"_x{ord(name[0]):x}_{name[1:]}"
    if not name:
        raise HaulageError("its metadata holds a pair without a name", "Remove that pair at the source.")
    return _TO_ENCODE.sub(lambda found: f"_x{ord(found[0]):x}_", name)


def decode_name(name: str) -> str:
    """The name that was encoded so; a name that we never write stays as it is."""
    try:
        plain = _ENCODED_CHAR.sub(lambda found: chr(int(found[1], 16)), name)
        return plain if plain and encode_name(plain) == name else name
    except ValueError:  # a number beyond Unicode: not ours
        return name


def encode_value(value: str) -> str:
    """Plain ASCII as it is; anything else, and what looks encoded already, as one RFC 2047 word of base64."""
    if _PLAIN_VALUE.fullmatch(value) and not value.startswith("=?"):
        return value
    return f"=?UTF-8?B?{base64.b64encode(value.encode(errors='surrogateescape')).decode()}?="


def decode_value(value: str) -> str:
    """The value that was encoded so; any other stays as it is."""
    if not (value.startswith("=?UTF-8?B?") and value.endswith("?=")):
        return value
    try:
        plain = base64.b64decode(value[10:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return value
    return plain if encode_value(plain) == value else value


def format_time(modified_us: int) -> str:
    """RFC 3339 with nanoseconds, as rclone writes it; decimal seconds for years that RFC 3339 cannot write."""
    try:
        return f"{_EPOCH + timedelta(microseconds=modified_us):%Y-%m-%dT%H:%M:%S.%f}000Z".rjust(30, "0")
    except OverflowError:
        return str(Decimal(modified_us) / 1_000_000)


def parse_time(text: str) -> int | None:
    """Microseconds of an RFC 3339 time or of decimal seconds; None for anything else."""
    found = _RFC3339.fullmatch(text)
    try:
        if found:
            whole = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
            return (whole - _EPOCH) // timedelta(seconds=1) * 1_000_000 + int((found[2] or "0")[:6].ljust(6, "0"))
        seconds = Decimal(text)
        return int((seconds * 1_000_000).to_integral_value()) if abs(seconds) < 10**15 else None
    except (ValueError, InvalidOperation):
        return None
