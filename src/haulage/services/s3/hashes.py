"""What S3 says of a content's hash: ETags and checksum headers, and what they do not mean."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

from haulage.services.digests import hex_of

CHECKSUMS = ("sha256", "crc32c", "crc64nvme", "crc32", "sha1", "sha512", "md5")
_HEX = "0123456789abcdef"


def is_md5(etag: str) -> bool:
    """Whether an ETag has the form of an MD5: 32 hexadecimal digits and no count of parts."""
    return len(etag) == 32 and not etag.strip(_HEX)


def bare(etag: str) -> str:
    """An ETag as a revision: without its quotes. A weak one (W/"x") stays as it is."""
    return etag[1:-1] if len(etag) >= 2 and etag[0] == '"' == etag[-1] else etag


def quoted(revision: str) -> str:
    """A revision as an ETag in a condition."""
    return revision if revision.endswith('"') else f'"{revision}"'


def multipart_etag(part_md5s: Iterable[str]) -> str:
    """The ETag of an object made of parts with these MD5s, in hex and in order: MD5 of the MD5s, and their number."""
    raw = [bytes.fromhex(md5) for md5 in part_md5s]
    return f"{hashlib.md5(b''.join(raw), usedforsecurity=False).hexdigest()}-{len(raw)}"


def joined_crc32c(parts: Iterable[tuple[str, int]]) -> str:
    """The CRC32C of contents one after the other, from the CRC32C (hex) and length of each, without reading them."""
    whole = 0
    for crc, length in parts:
        whole = _product(_shift(length), whole) ^ int(crc, 16)
    return f"{whole:08x}"


def _product(one: int, other: int) -> int:
    """Of two polynomials over GF(2) modulo Castagnoli's, bits reflected: the highest bit is x^0 (as zlib does it)."""
    found = 0
    for bit in range(31, -1, -1):
        if one >> bit & 1:
            found ^= other
        other = other >> 1 ^ (0x82F63B78 if other & 1 else 0)
    return found


@lru_cache(maxsize=64)
def _shift(length: int) -> int:
    """x to the power of 8 * length: what `length` bytes more do to a CRC that stands before them."""
    found, square = 1 << 31, 1 << 30
    for _ in range(3):
        square = _product(square, square)
    while length:
        if length & 1:
            found = _product(square, found)
        square = _product(square, square)
        length >>= 1
    return found


def checksums(headers: Mapping[str, str], *, of_parts: bool) -> dict[str, str]:
    """Hex by algorithm of the checksums that stand for the whole content.

    of_parts: the object was made of parts. Then only a checksum that says FULL_OBJECT is one of the content; others
    are made of the parts' checksums (Q10).
    """
    whole = headers.get("x-amz-checksum-type", "COMPOSITE" if of_parts else "FULL_OBJECT") == "FULL_OBJECT"
    found = {}
    if whole:
        for algorithm in CHECKSUMS:
            text = headers.get(f"x-amz-checksum-{algorithm}")
            if text and "-" not in text and (digest := hex_of(text)):
                found[algorithm] = digest
    return found


def encrypted_otherwise(headers: Mapping[str, str]) -> bool:
    """Whether the answer says that the object is encrypted in a way that makes its ETag no MD5 (KMS, own key)."""
    return (
        headers.get("x-amz-server-side-encryption", "").startswith("aws:kms")
        or "x-amz-server-side-encryption-customer-algorithm" in headers
    )


def promised(headers: Mapping[str, str], etag: str, *, etag_may_be_md5: bool = True) -> dict[str, str]:
    """All hashes of the content that an answer about an object promises."""
    found = checksums(headers, of_parts="-" in etag)
    if etag_may_be_md5 and is_md5(etag) and not encrypted_otherwise(headers):
        found["md5"] = etag
    return found
