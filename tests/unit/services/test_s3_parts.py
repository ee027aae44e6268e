"""Uploads in parts against a server that says what a test tells it to: what proves them, and what does not."""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import google_crc32c
import pytest

from haulage.model.errors import (
    Conflict,
    Mismatch,
    OutcomeUnknown,
    SessionGone,
    ShortRead,
    Transient,
)
from haulage.model.item import Carried
from haulage.services.contract import ABSENT, Precondition
from haulage.services.digests import base64_of
from haulage.services.s3 import S3
from haulage.services.s3.drive import S3Drive
from haulage.services.s3.hashes import joined_crc32c, multipart_etag
from haulage.services.s3.multipart import MIB, part_bytes

ANYWAY = Precondition()


class FreePacer:
    """Lets every call out."""

    async def ready(self) -> None:
        return None

    def throttled(self, wait_seconds: float | None) -> None:
        return None

    def answered(self) -> None:
        return None

    def at_most(self, calls_a_second: float) -> None:
        return None


@pytest.fixture
async def server(scripted: Any) -> Any:
    return await scripted()


@pytest.fixture
async def drive(server: Any) -> AsyncIterator[S3Drive]:
    settings = {"access_key_id": "AKID", "secret_access_key": "s3cr3t", "endpoint_url": server.url}
    drive = S3Drive(settings, "bucket/pre", FreePacer())
    drive._transport.limits = type(drive._transport.limits)(attempts=3, backoff_seconds=0.001)
    yield drive
    await drive.close()


def error(server: Any, status: int, code: str) -> Any:
    return server.answer(status, f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode())


def test_part_sizes() -> None:
    """Q15: 8 MiB, and never over 10,000 parts."""
    assert part_bytes(8 * MIB + 1) == 8 * MIB
    assert part_bytes(80_000 * MIB) == 8 * MIB
    assert part_bytes(80_000 * MIB + 1) == 9 * MIB
    largest = S3.traits.largest_file
    assert largest == 10_000 * 5 * 1024 * MIB
    assert part_bytes(largest) == 5 * 1024 * MIB


PARTS = [b"a" * 1000, b"b" * 1000, b"c" * 10]
CRCS = [f"{google_crc32c.value(part):08x}" for part in PARTS]
MD5S = [hashlib.md5(part, usedforsecurity=False).hexdigest() for part in PARTS]
RESULT = "<CompleteMultipartUploadResult>"
WHOLE = joined_crc32c(zip(CRCS, map(len, PARTS), strict=True))
STATE = {"path": "big.bin", "upload_id": "up/1", "size": 2010, "attempt": "x", "whole": True}


def receipts(checked: bool = True, known: bool = True, etags: list[str] = MD5S) -> list[dict]:
    return [
        {"number": n + 1, "size": len(part), "etag": etags[n], "crc32c": CRCS[n] if known else None, "checked": checked}
        for n, part in enumerate(PARTS)
    ]


def completed(etag: str = multipart_etag(MD5S), crc32c: str | None = WHOLE) -> bytes:
    checksum = (
        f"<ChecksumCRC32C>{base64_of(crc32c)}</ChecksumCRC32C><ChecksumType>FULL_OBJECT</ChecksumType>"
        if crc32c
        else ""
    )
    return f"{RESULT}<ETag>&quot;{etag}&quot;</ETag>{checksum}</CompleteMultipartUploadResult>".encode()


async def test_beginning(server: Any, drive: S3Drive) -> None:
    """What goes along is given at the beginning; the condition is not (S3 takes none here)."""
    body = b"<InitiateMultipartUploadResult><UploadId>up/1</UploadId></InitiateMultipartUploadResult>"
    server.say(server.answer(200, body, x_amz_checksum_type="FULL_OBJECT"))
    assert await drive.begin("big.bin", 2010, Carried(modified_us=1_500_000), "x", ABSENT) == STATE
    [heard] = server.heard
    assert (heard.method, heard.target) == ("POST", "/bucket/pre/big.bin?uploads=")
    assert heard.headers["x-amz-checksum-algorithm"] == "CRC32C"
    assert heard.headers["x-amz-meta-mtime"] == "1.5"
    assert "if-none-match" not in heard.headers
    server.say(server.answer(200, body))
    assert (await drive.begin("big.bin", 2010, Carried(), "x", ABSENT))["whole"] is False


async def test_a_part_that_the_service_checked(server: Any, drive: S3Drive) -> None:
    """Sent without a second SHA-256; what it repeats is compared."""
    server.say(server.answer(200, ETag=f'"{MD5S[0]}"', x_amz_checksum_crc32c=base64_of(CRCS[0])))
    assert await drive.put_part(STATE, 1, 0, memoryview(PARTS[0]), CRCS[0]) == receipts()[0]
    assert await drive.put_part(STATE, 1, 0, memoryview(PARTS[0]), None) == receipts()[0]
    heard = server.heard[0]
    assert (heard.method, heard.target) == ("PUT", "/bucket/pre/big.bin?partNumber=1&uploadId=up%2F1")
    assert heard.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert heard.headers["x-amz-checksum-crc32c"] == base64_of(CRCS[0])
    server.say(server.answer(200, ETag='"x"', x_amz_checksum_crc32c=base64_of("00000000")))
    with pytest.raises(Mismatch):
        await drive.put_part(STATE, 1, 0, memoryview(PARTS[0]), CRCS[0])


@pytest.mark.parametrize(("etag", "checked"), [(MD5S[0], True), ("0" * 32, False), ("opaque", False)])
async def test_a_part_whose_checksum_is_not_repeated(server: Any, drive: S3Drive, etag: str, checked: bool) -> None:
    """Q11: then its MD5 is compared; where that fails too, the receipt says that nothing was checked."""
    server.say(server.answer(200, ETag=f'"{etag}"'))
    receipt = await drive.put_part(STATE, 1, 0, memoryview(PARTS[0]), CRCS[0])
    assert receipt["checked"] is checked


async def test_a_part_for_an_upload_that_is_gone(server: Any, drive: S3Drive) -> None:
    """F24."""
    server.say(error(server, 404, "NoSuchUpload"))
    with pytest.raises(SessionGone):
        await drive.put_part(STATE, 1, 0, memoryview(PARTS[0]), CRCS[0])
    assert await drive.parts(STATE) is None
    await drive.abort(STATE)
    with pytest.raises(SessionGone):
        await drive.finish(STATE, receipts(), {}, ANYWAY)


async def test_parts_over_several_pages(server: Any, drive: S3Drive) -> None:
    """T26; a checksum that the service lists is one that it checked (Q12)."""

    def part(n: int, checksum: str) -> str:
        etag, size = f"&quot;{MD5S[n - 1]}&quot;", len(PARTS[n - 1])
        return f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag>{checksum}<Size>{size}</Size></Part>"

    crc = f"<ChecksumCRC32C>{base64_of(CRCS[0])}</ChecksumCRC32C>"
    more = "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>"
    first = server.answer(200, f"<ListPartsResult>{more}{part(1, crc)}</ListPartsResult>".encode())
    last = f"<ListPartsResult><IsTruncated>false</IsTruncated>{part(2, '')}</ListPartsResult>".encode()
    server.say(first, server.answer(200, last))
    expected = [receipts()[0], receipts(checked=False, known=False)[1]]
    assert await drive.parts(STATE) == {1: expected[0], 2: expected[1]}
    assert server.heard[1].target == "/bucket/pre/big.bin?part-number-marker=1&uploadId=up%2F1"
    server.say(first)
    with pytest.raises(Transient):
        await drive.parts(STATE)


async def test_finishing(server: Any, drive: S3Drive) -> None:
    """The service gets the size and the checksum of the whole to check before anything is visible."""
    server.say(server.answer(200, b"   \n" + completed(), x_amz_version_id="v3"))
    written = await drive.finish(STATE, receipts(), {}, ABSENT)
    assert written.parts_checked
    assert (written.size, written.hashes, written.id) == (2010, {"crc32c": WHOLE}, "v3")
    assert written.revision == multipart_etag(MD5S)
    [heard] = server.heard
    assert heard.headers["x-amz-mp-object-size"] == "2010"
    assert heard.headers["x-amz-checksum-crc32c"] == base64_of(WHOLE)
    assert heard.headers["if-none-match"] == "*"
    assert re.findall(rb"<PartNumber>(\d)</PartNumber><ETag>(.*?)</ETag>", heard.body) == [
        (b"%d" % (n + 1), f'"{md5}"'.encode()) for n, md5 in enumerate(MD5S)
    ]


@pytest.mark.parametrize(
    ("sent", "answer", "proven", "size"),
    [
        (receipts(), completed(), True, 2010),
        (receipts(), completed(crc32c=None), True, 2010),
        (receipts(etags=["e1", "e2", "e3"]), completed(etag="opaque-3"), True, 2010),
        (receipts(checked=False, known=False), completed(), True, 2010),
        (receipts(checked=False, known=False), completed(etag="opaque-3"), False, None),
        (receipts(etags=["e1", "e2", "e3"]), completed(etag="opaque-3", crc32c=None), False, 2010),
        (receipts(checked=False), completed(crc32c=None), False, 2010),
        (receipts(), completed(etag=multipart_etag(MD5S[::-1]), crc32c=None), False, 2010),
    ],
    ids=["all", "ETag alone", "checksum alone", "resumed", "resumed, ETag opaque", "nothing", "unchecked", "swapped"],
)
async def test_what_an_end_proves(
    server: Any, drive: S3Drive, sent: list[dict], answer: bytes, proven: bool, size: int | None
) -> None:
    """Q11, Q12, T09, F26: parts that were checked, put together as planned; all else is said not to be proven."""
    server.say(server.answer(200, answer), server.answer(200, Content_Length="2010"))
    written = await drive.finish(STATE, sent, {}, ANYWAY)
    assert written.parts_checked is proven
    assert written.size == size


async def test_an_end_that_contradicts_its_parts(server: Any, drive: S3Drive) -> None:
    """F26: the service holds something else than what it had confirmed."""
    server.say(server.answer(200, completed(crc32c="00000001")))
    with pytest.raises(Mismatch):
        await drive.finish(STATE, receipts(), {}, ANYWAY)


async def test_an_end_that_proves_nothing_is_asked_for_a_checksum(server: Any, drive: S3Drive) -> None:
    """One look more, pinned to what was just made."""
    nothing = server.answer(200, completed(etag="opaque-3", crc32c=None))
    sent = receipts(checked=False)
    found = {"x_amz_checksum_crc32c": base64_of(WHOLE), "x_amz_checksum_type": "FULL_OBJECT"}
    server.say(nothing, server.answer(200, Content_Length="2010", **found))
    written = await drive.finish(STATE, sent, {}, ANYWAY)
    assert (written.hashes, written.size) == ({"crc32c": WHOLE}, 2010)
    assert server.heard[1].headers["if-match"] == '"opaque-3"'
    for status in (404, 412):
        server.say(nothing, server.answer(status))
        with pytest.raises(OutcomeUnknown):
            await drive.finish(STATE, sent, {}, ANYWAY)
    server.say(nothing, server.answer(403))
    assert (await drive.finish(STATE, sent, {}, ANYWAY)).hashes == {}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, b"<Error><Code>InternalError</Code></Error>"), OutcomeUnknown),
        ((200, b""), OutcomeUnknown),
        ((500, b"<Error><Code>InternalError</Code></Error>"), OutcomeUnknown),
        ((412, b"<Error><Code>PreconditionFailed</Code></Error>"), Conflict),
        ((409, b"<Error><Code>ConditionalRequestConflict</Code></Error>"), SessionGone),
        ((404, b"<Error><Code>NoSuchUpload</Code></Error>"), SessionGone),
        ((400, b"<Error><Code>InvalidPart</Code></Error>"), SessionGone),
        ((400, b"<Error><Code>BadDigest</Code></Error>"), Mismatch),
    ],
)
async def test_an_end_that_fails(server: Any, drive: S3Drive, answer: tuple, kind: type[Exception]) -> None:
    """Q6, T14, T48, T52: asked once; who does not know what became of it says so."""
    server.say(server.answer(*answer))
    with pytest.raises(kind):
        await drive.finish(STATE, receipts(), {}, ABSENT)
    assert len(server.heard) == 1


async def test_parts_that_do_not_add_up_are_not_sent(server: Any, drive: S3Drive) -> None:
    """T01: a missing, a short or a doubled part makes no file."""
    short = [*receipts()[:2], {**receipts()[2], "size": 9}]
    doubled = [{**part, "number": 1} for part in receipts()]
    for sent in (receipts()[:2], receipts()[1:], short, doubled, receipts()[::-1], []):
        with pytest.raises(ShortRead):
            await drive.finish(STATE, sent, {}, ANYWAY)
    assert not server.heard
