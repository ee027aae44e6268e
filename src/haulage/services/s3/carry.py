"""What goes along with the bytes, as S3 headers: content type and its kin, the user's pairs, the modification time."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import parsedate_to_datetime
from functools import lru_cache

from haulage.model.errors import NameRefused, TooLarge
from haulage.model.item import Carried

META = "x-amz-meta-"
LARGEST_METADATA_BYTES = 2048
_TIME = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,9})[0-9]*)?")
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?|")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def time_text(modified_us: int) -> str:
    """A time as rclone keeps it in the pair "mtime": decimal seconds."""
    seconds, fraction = divmod(abs(modified_us), 1_000_000)
    text = f"{'-' if modified_us < 0 else ''}{seconds}"
    return f"{text}.{fraction:06d}".rstrip("0") if fraction else text


def time_of(text: str) -> int | None:
    """Microseconds of such a text (nanoseconds are cut off); None where it is no time."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    value = int(match[2]) * 1_000_000 + int((match[3] or "").ljust(6, "0")[:6])
    return -value if match[1] else value


@lru_cache(maxsize=4096)
def date_us(text: str) -> int | None:
    """A date as HTTP writes it, in microseconds; None where it is none."""
    try:
        return int(parsedate_to_datetime(text).replace(tzinfo=UTC).timestamp()) * 1_000_000
    except (ValueError, TypeError):
        return None


def pair_value(text: str) -> str:
    """A value as it can stand in a header: printable ASCII as it is, all else as RFC 2047 has it (Q13)."""
    if _PLAIN.fullmatch(text) and not text.startswith("=?"):
        return text
    try:
        packed = base64.b64encode(text.encode()).decode()
    except UnicodeEncodeError as error:
        raise NameRefused(
            "a metadata value is no Unicode text", "Correct the item's metadata at the source."
        ) from error
    return f"=?UTF-8?B?{packed}?="


def pair_text(value: str) -> str:
    """The text of such a value, whoever wrote it; raw UTF-8 is read too."""
    if not value.isascii():
        return _raw_text(value)
    if not value.startswith("=?"):
        return value
    try:
        parts = decode_header(value)
        text = "".join(part if isinstance(part, str) else part.decode(name or "ascii") for part, name in parts)
        return text or value
    except (HeaderParseError, LookupError, ValueError):
        return value


def _raw_text(value: str) -> str:
    """The client reads headers as UTF-8; bytes that are not stand in it as lone surrogates, and are Latin-1."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _checked(name: str, value: str) -> str:
    if _CONTROL.search(value):
        raise NameRefused(f"the item's {name} holds a control character", f"Correct the item's {name} at the source.")
    return value


def headers_of(carried: Carried) -> dict[str, str]:
    """The headers that store it. Raises TooLarge, NameRefused; drops nothing."""
    headers = {}
    for name, value in (
        ("content-type", carried.content_type),
        ("content-encoding", carried.content_encoding and own_encoding(carried.content_encoding)),
        ("content-language", carried.content_language),
        ("content-disposition", carried.content_disposition),
        ("cache-control", carried.cache_control),
    ):
        if value:
            headers[name] = _checked(name, value)
    size = 0
    pairs = carried.metadata
    if carried.modified_us is not None:
        pairs = {**{n: v for n, v in pairs.items() if n.lower() != "mtime"}, "mtime": time_text(carried.modified_us)}
    for name, text in pairs.items():
        if not _NAME.fullmatch(name):
            raise NameRefused(f"S3 takes no metadata named {name!r}", "Rename the item's metadata at the source.")
        value = pair_value(text)
        size += len(name) + len(value)
        headers[META + name.lower()] = value
    if size > LARGEST_METADATA_BYTES:
        raise TooLarge(
            f"the item's metadata is {size} bytes; S3 takes {LARGEST_METADATA_BYTES}",
            "Shorten the item's metadata at the source.",
        )
    return headers


def own_encoding(text: str) -> str:
    """A content encoding without "aws-chunked", which only tells how somebody once sent it (Q14)."""
    return ", ".join(part for part in (part.strip() for part in text.split(",")) if part.lower() != "aws-chunked")


def carried_of(headers: Mapping[str, str], modified_us: int | None) -> Carried:
    """What an object's headers say of it. modified_us: its time where no pair tells the real one."""
    pairs = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower.startswith(META):
            pairs[lower[len(META) :]] = pair_text(value)
    kept_us = time_of(pairs["mtime"]) if "mtime" in pairs else None
    if kept_us is not None:
        modified_us = kept_us
        del pairs["mtime"]
    return Carried(
        modified_us=modified_us,
        content_type=headers.get("Content-Type"),
        content_encoding=(own_encoding(coding) or None) if (coding := headers.get("Content-Encoding")) else None,
        content_language=headers.get("Content-Language"),
        content_disposition=headers.get("Content-Disposition"),
        cache_control=headers.get("Cache-Control"),
        metadata=pairs,
    )
