"""ETags and checksums: what they prove, and what they do not."""

import hashlib

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.services.digests import base64_of, hex_of
from haulage.services.s3.hashes import (
    bare,
    checksums,
    is_md5,
    joined_crc32c,
    multipart_etag,
    promised,
    quoted,
)

MD5 = "5d41402abc4b2a76b9719d911017c592"


def test_the_etag_of_parts() -> None:
    """MD5 of the parts' MD5s and their number (seen on S3 and SeaweedFS for these very parts)."""
    parts = [b"x" * (5 << 20), b"yy"]
    md5s = [hashlib.md5(part, usedforsecurity=False).hexdigest() for part in parts]
    assert multipart_etag(md5s) == "8189d1b50ef72ea4fce3197a761be854-2"
    assert multipart_etag(md5s[::-1]) != multipart_etag(md5s)


@pytest.mark.parametrize("etag", [f"{MD5}-2", MD5.upper(), MD5[:-1], MD5[:-1] + "g", "", "W/" + MD5[:30]])
def test_what_is_no_md5(etag: str) -> None:
    """An ETag of parts, of a clone that makes its own, of nothing."""
    assert is_md5(MD5)
    assert not is_md5(etag)
    assert promised({}, etag) == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-server-side-encryption": "aws:kms:dsse"},
        {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
    ],
)
def test_encrypted_objects_have_no_md5(headers: dict[str, str]) -> None:
    """Their ETag is 32 hexadecimal digits all the same."""
    assert promised(headers, MD5) == {}
    assert promised({"x-amz-server-side-encryption": "AES256"}, MD5) == {"md5": MD5}
    assert promised({}, MD5, etag_may_be_md5=False) == {}


def test_checksums_of_the_whole_content() -> None:
    """FULL_OBJECT, or no type on an object that was not made of parts."""
    headers = {"x-amz-checksum-crc32c": "yZRlqg==", "x-amz-checksum-sha256": base64_of("ab" * 32)}
    expected = {"crc32c": "c99465aa", "sha256": "ab" * 32}
    assert checksums(headers, of_parts=False) == expected
    assert checksums({**headers, "x-amz-checksum-type": "FULL_OBJECT"}, of_parts=True) == expected


@pytest.mark.parametrize(
    ("headers", "of_parts"),
    [
        ({"x-amz-checksum-crc32c": "yei9Hg==-2", "x-amz-checksum-type": "COMPOSITE"}, True),
        ({"x-amz-checksum-crc32c": "yei9Hg==", "x-amz-checksum-type": "COMPOSITE"}, True),
        ({"x-amz-checksum-crc32c": "yei9Hg=="}, True),
        ({"x-amz-checksum-crc32c": "yei9Hg==-2"}, False),
        ({"x-amz-checksum-crc32c": "not base64!"}, False),
        ({"x-amz-checksum-crc32c": ""}, False),
    ],
)
def test_checksums_of_the_parts_are_none_of_the_content(headers: dict[str, str], of_parts: bool) -> None:
    assert checksums(headers, of_parts=of_parts) == {}


def test_revisions_and_conditions() -> None:
    """Quotes come off and on again; a weak ETag stays what it is."""
    for etag, revision in ((f'"{MD5}"', MD5), ('W/"x"', 'W/"x"'), ('""', "")):
        assert bare(etag) == revision
        assert quoted(revision) == etag
    assert bare(MD5) == MD5
    assert bare("") == ""
    assert hex_of("AAAAAA==") == "00000000"


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_checksums_of_parts_join_to_that_of_the_whole(parts: list[bytes]) -> None:
    """CRC32C over GF(2): what the service says of the whole is compared with what it checked of the parts."""
    told = [(f"{google_crc32c.value(part):08x}", len(part)) for part in parts]
    assert joined_crc32c(told) == f"{google_crc32c.value(b''.join(parts)):08x}"


def test_checksums_of_large_parts_join() -> None:
    """Lengths of real parts, the order of which matters."""
    parts = [bytes(5 << 20), b"x" * (1 << 20), b"y"]
    told = [(f"{google_crc32c.value(part):08x}", len(part)) for part in parts]
    assert joined_crc32c(told) == f"{google_crc32c.value(b''.join(parts)):08x}"
    assert joined_crc32c([told[1], told[0], told[2]]) != joined_crc32c(told)
