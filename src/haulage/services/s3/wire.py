"""S3's XML: what is read of answers, and what is sent. No entity is ever resolved, no document type accepted."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape

import msgspec

from haulage.model.errors import Transient

RECORDS = frozenset({"Contents", "CommonPrefixes", "Part", "Bucket"})
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
# One entry in the shape that S3 itself sends: simple elements side by side. All else takes the slow way (expat),
# which is five times slower. Possessive and atomic, so that no answer can make it backtrack.
_ENTRY = re.compile(
    r"<Contents>(?>(?:"
    r"<Key>([^<&\r]*)</Key>"
    r"|<LastModified>([^<&]*)</LastModified>"
    r'|<ETag>(?:"|&quot;|&#34;)?([^<&"]*)(?:"|&quot;|&#34;)?</ETag>'
    r"|<Size>([0-9]+)</Size>"
    r"|<StorageClass>([^<&]*)</StorageClass>"
    r"|<(?!Key|LastModified|ETag|Size|StorageClass)[A-Za-z]+>[^<]*</[A-Za-z]+>"
    r")++)</Contents>"
)


class Row(NamedTuple):
    """One entry of a listing as it is written there; etag without its quotes."""

    key: str | None
    modified: str | None
    etag: str | None
    size: str | None
    storage_class: str | None
    restored_until: str | None = None


class Listing(msgspec.Struct):
    """A page as the service wrote it: `fields` are the simple elements of its top level."""

    fields: dict[str, str]
    rows: list[Row]
    prefixes: list[str]


def parse_listing(body: bytes) -> Listing:
    """Read a ListBucketResult. Raises Transient for what is none (cut off, an error page)."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Transient("the listing is not UTF-8") from error
    rows: list[Row] = []

    def take(match: re.Match[str]) -> str:
        rows.append(Row(*match.groups()))
        return ""

    rest = text if "<!" in text else _ENTRY.sub(take, text)
    if "<Contents" in rest:
        rows, rest = [], text
    listing = Listing({}, rows, [])

    def element(name: str, values: dict[str, str]) -> None:
        if name == "Contents":
            etag = values.get("ETag")
            listing.rows.append(
                Row(
                    values.get("Key"),
                    values.get("LastModified"),
                    etag[1:-1] if etag and etag[0] == '"' == etag[-1] and len(etag) > 1 else etag,
                    values.get("Size"),
                    values.get("StorageClass"),
                    values.get("RestoreExpiryDate"),
                )
            )
        elif name == "CommonPrefixes" and "Prefix" in values:
            listing.prefixes.append(values["Prefix"])

    _read(rest, "ListBucketResult", listing.fields, element)
    return listing


def parse_records(body: bytes, root: str, fields: dict[str, str], name: str) -> list[dict[str, str]]:
    """The elements `name` of an answer, however deep, each as its simple elements. Fills `fields` from the top."""
    found: list[dict[str, str]] = []
    _read(body, root, fields, lambda element, values: found.append(values) if element == name else None)
    return found


def parse_fields(body: bytes, root: str) -> dict[str, str]:
    """The simple elements at the top of an answer. Raises Transient when it is not `root`."""
    fields: dict[str, str] = {}
    _read(body, root, fields, lambda element, values: None)
    return fields


def parse_error(body: bytes) -> dict[str, str]:
    """The simple elements of an <Error>; nothing where the body is none (HEAD, a proxy's page)."""
    try:
        return parse_fields(body[:65536], "Error") if b"<Error" in body[:1024] else {}
    except Transient:
        return {}


def _read(text: str | bytes, root: str, fields: dict[str, str], element: Callable[[str, dict[str, str]], None]) -> None:
    """Walk a document whose first element begins with `root`.

    Its simple elements go to `fields`; every other one to `element`, with the simple ones inside it.
    """
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    inside: list[dict[str, str]] = []
    piece = ""

    def start(name: str, _: object) -> None:
        nonlocal piece
        if not inside and not name.startswith(root):
            raise Transient(f"the answer is <{name[:40]}> where <{root}> was expected")
        inside.append({} if inside else fields)
        piece = ""

    def characters(data: str) -> None:
        nonlocal piece
        piece += data

    def end(name: str) -> None:
        values = inside.pop()
        if not inside:
            return
        if values or name in RECORDS:
            element(name, values)
            if len(inside) > 1:
                inside[-1].update(values)
        else:
            inside[-1][name] = piece

    def doctype(*_: object) -> None:
        raise Transient("the answer declares a document type, which is refused")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, doctype
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError) as error:
        raise Transient(f"the answer is not well-formed XML ({error})") from error


def complete_body(parts: Iterable[tuple[int, str, str | None]]) -> bytes:
    """The list of parts (number, quoted ETag, CRC32C in base64) that an object is to be made of."""
    lines = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag>"
        + (f"<ChecksumCRC32C>{crc32c}</ChecksumCRC32C>" if crc32c else "")
        + "</Part>"
        for number, etag, crc32c in parts
    )
    return f'<CompleteMultipartUpload xmlns="{NAMESPACE}">{lines}</CompleteMultipartUpload>'.encode()


def create_bucket_body(region: str) -> bytes:
    """Where a new bucket shall lie."""
    return (
        f'<CreateBucketConfiguration xmlns="{NAMESPACE}">'
        f"<LocationConstraint>{escape(region)}</LocationConstraint></CreateBucketConfiguration>"
    ).encode()
