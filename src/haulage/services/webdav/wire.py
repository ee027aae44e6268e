"""WebDAV's documents: what is asked, what is read of a multistatus. No entity is resolved, no document type taken."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse

from haulage.model.errors import Transient
from haulage.services.webdav.place import decoded

DAV = "{DAV:}"
OC = "{http://owncloud.org/ns}"
_BODY = '<?xml version="1.0" encoding="utf-8"?>\n<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop>{}</d:prop></d:propfind>'
PROPERTIES = _BODY.format("<d:resourcetype/><d:getcontentlength/><d:getlastmodified/><d:getetag/>").encode()
PROPERTIES_AND_CHECKSUMS = PROPERTIES.replace(b"<d:getetag/>", b"<d:getetag/><oc:checksums/>")
QUOTA = _BODY.format("<d:quota-available-bytes/>").encode()
_CHECKSUM = re.compile(r"\b(SHA1|MD5):([0-9A-Fa-f]+)\b", re.IGNORECASE)


class Entry(msgspec.Struct):
    """One response of a multistatus. path: decoded, without a slash at the end. status: of the whole, if it has one.

    etag: without quotes and without the mark of a weak one.
    """

    path: str
    folder: bool = False
    size: int | None = None
    modified_us: int | None = None
    etag: str | None = None
    checksums: str = ""
    available: str = ""
    status: int | None = None
    slash: bool = False
    """A part of the name holds an encoded slash."""


def multistatus(body: bytes) -> list[Entry]:
    """All responses. Raises Transient for what is none: cut off, a page of something else, or an attack (Q6)."""
    found = []
    try:
        for _, element in iterparse(io.BytesIO(body), events=("end",), forbid_dtd=True):
            if element.tag == f"{DAV}response":
                found.append(_entry(element))
                element.clear()
            root = element
    except ParseError as error:
        raise Transient(f"the multistatus cannot be read ({error})") from error
    except DefusedXmlException as error:
        raise Transient(
            f"the multistatus is refused: it holds a document type or entities ({type(error).__name__})"
        ) from error
    except (ValueError, LookupError) as error:
        raise Transient(f"the multistatus has an encoding that is not known ({error})") from error
    if root.tag != f"{DAV}multistatus":
        raise Transient("the answer is no multistatus")
    return found


def _entry(response: Element) -> Entry:
    href = (response.findtext(f"{DAV}href") or "").strip()
    path = urlsplit(href).path if "://" in href else href.partition("?")[0].partition("#")[0]
    entry = Entry(
        decoded(path).rstrip("/"), slash="%2f" in path.lower(), status=_status(response.findtext(f"{DAV}status"))
    )
    for properties in _good(response):
        for one in properties:
            _take(entry, one)
    return entry


def _good(response: Element) -> Iterator[Element]:
    """The properties that are there: each propstat has a status of its own (Q4)."""
    for propstat in response.findall(f"{DAV}propstat"):
        status = _status(propstat.findtext(f"{DAV}status"))
        properties = propstat.find(f"{DAV}prop")
        if properties is not None and (status is None or 200 <= status < 300):
            yield properties


def _take(entry: Entry, one: Element) -> None:
    text = (one.text or "").strip()
    if one.tag == f"{DAV}resourcetype":
        entry.folder = entry.folder or one.find(f"{DAV}collection") is not None
    elif one.tag == f"{DAV}iscollection":
        entry.folder = entry.folder or text == "1"
    elif one.tag == f"{DAV}getcontentlength" and text.isdecimal():
        entry.size = int(text)
    elif one.tag == f"{DAV}getlastmodified":
        entry.modified_us = date_us(text)
    elif one.tag == f"{DAV}getetag" and text:
        entry.etag = bare(text)
    elif one.tag == f"{OC}checksums":
        entry.checksums = " ".join("".join(child.itertext()) for child in one)
    elif one.tag == f"{DAV}quota-available-bytes":
        entry.available = text


def _status(text: str | None) -> int | None:
    """404 of "HTTP/1.1 404 Not Found"; None where there is none."""
    match = re.search(r"\s(\d{3})\b", text or "")
    return int(match[1]) if match else None


def bare(etag: str) -> str:
    """An ETag without its quotes and without the mark of a weak one, so that the two compare (Q7)."""
    etag = etag.strip().removeprefix("W/")
    return etag[1:-1] if len(etag) >= 2 and etag[0] == '"' == etag[-1] else etag


@lru_cache(maxsize=8192)
def date_us(text: str) -> int | None:
    """Microseconds of a date in any of the ways that servers write it; None where it is none (Q8)."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return int(found.timestamp() * 1_000_000)


def checksums_of(text: str) -> dict[str, str]:
    """Hex by algorithm of "SHA1:... MD5:... ADLER32:..." ."""
    return {match[1].lower(): match[2].lower() for match in _CHECKSUM.finditer(text)}


class Failure(msgspec.Struct):
    """What an error answer says: sabre's exception and message, or nothing."""

    exception: str = ""
    message: str = ""


def failure_of(body: bytes) -> Failure:
    """Read sabre's error document; an empty one where it is another."""
    if not body.lstrip().startswith(b"<") or len(body) > 64 * 1024:
        return Failure()
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return Failure()
    texts = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in root}
    return Failure(texts.get("exception", ""), texts.get("message", ""))
