"""The drive against a server that says what a test tells it to: what is sent, and what is made of the answers."""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any

import pytest

from haulage.model.errors import (
    AuthLost,
    Blocked,
    Changed,
    Conflict,
    Denied,
    Gone,
    NameRefused,
    OutcomeUnknown,
    Refused,
    RootGone,
    ShortRead,
    TooLarge,
    Transient,
)
from haulage.model.item import Carried, Item, Kind
from haulage.services.contract import ABSENT, Drive, ListsTree, Precondition
from haulage.services.digests import base64_of
from haulage.services.reading import content_range
from haulage.services.s3 import S3
from haulage.services.s3.drive import S3Drive, bucket_names

BODY = bytes(range(256)) * 40
ETAG = "0123456789abcdef0123456789abcdef"
ITEM = Item("a.bin", Kind.FILE, len(BODY), 1_704_164_645_678_000, ETAG)
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
async def open_drive(server: Any) -> AsyncIterator[Callable[..., S3Drive]]:
    opened: list[S3Drive] = []

    def make(root: str = "bucket/pre", **more: str) -> S3Drive:
        settings = {"access_key_id": "AKID", "secret_access_key": "s3cr3t", "endpoint_url": server.url, **more}
        opened.append(S3Drive(settings, root, FreePacer()))
        opened[-1]._transport.limits = type(opened[-1]._transport.limits)(attempts=3, backoff_seconds=0.001)
        return opened[-1]

    yield make
    for drive in opened:
        await drive.close()


@pytest.fixture
def drive(open_drive: Any) -> S3Drive:
    return open_drive()  # type: ignore[no-any-return] # a fixture's function


def error(server: Any, status: int, code: str, **headers: str) -> Any:
    return server.answer(status, f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode(), **headers)


def digests(body: bytes) -> dict[str, str]:
    return {
        "sha256": hashlib.sha256(body).hexdigest(),
        "md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }


async def read(drive: S3Drive, item: Item, start: int = 0) -> bytes:
    async with drive.open(item, start) as content:
        return b"".join([bytes(chunk) async for chunk in content.chunks()])


def test_the_declaration(drive: S3Drive) -> None:
    """Secrets are declared as such, and the drive is what it says."""
    assert {field.name for field in S3.fields if field.secret} == {"secret_access_key", "session_token"}
    assert isinstance(drive, Drive)
    assert isinstance(drive, ListsTree)
    assert drive.traits.names.longest_path == 1024 - len("pre/")
    assert "s3cr3t" not in f"{drive!r}{drive.identity}"


@pytest.mark.parametrize(
    ("settings", "root"),
    [
        ({}, ""),
        ({}, "/key"),
        ({"access_key_id": "AKID"}, "b"),
        ({"secret_access_key": "s"}, "b"),
        ({"access_key_id": "AKID", "secret_access_key": "s", "endpoint_url": "nowhere"}, "b"),
        ({"access_key_id": "AKID", "secret_access_key": "s", "ca_file": "/nowhere.pem"}, "b"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, str], root: str) -> None:
    """At once, and without a call."""
    with pytest.raises(Refused):
        S3.open_drive(settings, root, FreePacer())


# --- reading


async def test_a_read_is_pinned(server: Any, drive: S3Drive) -> None:
    """T22: If-Match from the first byte on, for whole and for partial reads; checksums are asked for."""
    server.say(
        server.answer(200, BODY, ETag=f'"{ETAG}"'),
        server.answer(206, BODY[100:], ETag=f'"{ETAG}"', Content_Range=f"bytes 100-{len(BODY) - 1}/{len(BODY)}"),
    )
    assert await read(drive, ITEM) == BODY
    assert await read(drive, ITEM, 100) == BODY[100:]
    first, second = server.heard
    assert first.target == "/bucket/pre/a.bin"
    assert first.headers["if-match"] == second.headers["if-match"] == f'"{ETAG}"'
    assert "range" not in first.headers
    assert second.headers["range"] == "bytes=100-"
    assert second.headers["x-amz-checksum-mode"] == "ENABLED"


async def test_what_an_answer_tells_of_the_object(server: Any, drive: S3Drive) -> None:
    """Hashes of the whole content, the version, the real time; the listing's finer time where it is the same second."""
    fields = {
        "ETag": f'"{ETAG}"',
        "Last_Modified": "Tue, 02 Jan 2024 03:04:05 GMT",
        "x_amz_checksum_sha256": base64_of("ab" * 32),
        "x_amz_version_id": "v1",
        "x_amz_meta_mtime": "1.5",
        "x_amz_meta_Author": "=?UTF-8?B?Wm/Dqw==?=",
        "Content_Encoding": "gzip,aws-chunked",
    }
    server.say(server.answer(200, BODY, **fields))
    async with drive.open(ITEM) as content:
        assert content.item == Item(
            "a.bin", Kind.FILE, len(BODY), ITEM.modified_us, ETAG, {"sha256": "ab" * 32, "md5": ETAG}, id="v1"
        )
        assert content.carried == Carried(modified_us=1_500_000, content_encoding="gzip", metadata={"author": "Zoë"})
    server.say(
        server.answer(200, BODY, **{**fields, "x_amz_server_side_encryption": "aws:kms", "x_amz_meta_mtime": "no"})
    )
    async with drive.open(ITEM) as content:
        assert content.item.hashes == {"sha256": "ab" * 32}
        assert content.carried.modified_us == ITEM.modified_us


async def test_a_server_that_ignores_ranges(server: Any, drive: S3Drive) -> None:
    """T10, F17: 200 with the whole object: what was not asked for is skipped."""
    server.say(server.answer(200, BODY, ETag=f'"{ETAG}"'))
    for start in (1, 100, len(BODY) - 1):
        assert await read(drive, ITEM, start) == BODY[start:]


@pytest.mark.parametrize(
    "wrong",
    ["bytes 0-99/10240", "bytes 100-10238/10240", "bytes x/y", "", "lines 100-10239/10240"],
)
async def test_a_wrong_range_is_read_from_the_beginning(server: Any, drive: S3Drive, wrong: str) -> None:
    """T10, F17: not one byte of it is used; then the whole is read, once."""
    wrong_range = server.answer(206, b"X" * (len(BODY) - 100), ETag=f'"{ETAG}"', Content_Range=wrong)
    server.say(wrong_range, server.answer(200, BODY, ETag=f'"{ETAG}"'))
    assert await read(drive, ITEM, 100) == BODY[100:]
    server.say(wrong_range)
    with pytest.raises(Transient):
        await read(drive, ITEM, 100)


def test_ranges() -> None:
    assert content_range("bytes 3-10/11") == (3, 10, "11")
    assert content_range("bytes 3-10/*") == (3, 10, None)
    for text in ("", "bytes */11", "bytes -1-2/3", "3-10/11", "bytes 3-/11"):
        assert content_range(text) == (-1, -1, None)


async def test_reading_from_the_end_asks_only_who_it_is(server: Any, drive: S3Drive) -> None:
    """S3 answers 416 to a range that begins at the end; all bytes are there, so the revision alone is asked for."""
    server.say(server.answer(200, Content_Length=str(len(BODY)), ETag=f'"{ETAG}"', x_amz_meta_a="b"))
    async with drive.open(ITEM, len(BODY)) as content:
        assert [chunk async for chunk in content.chunks()] == []
        assert (content.item.size, content.carried.metadata) == (len(BODY), {"a": "b"})
    assert server.heard[0].method == "HEAD"
    server.say(server.answer(412))
    with pytest.raises(Changed):
        await read(drive, ITEM, len(BODY))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (412, "PreconditionFailed", Changed),
        (404, "NoSuchKey", Gone),
        (404, "NoSuchBucket", RootGone),
        (403, "InvalidObjectState", Blocked),
        (403, "AccessDenied", Denied),
        (403, "InvalidAccessKeyId", AuthLost),
        (400, "ExpiredToken", AuthLost),
    ],
)
async def test_refused_reads(server: Any, drive: S3Drive, status: int, code: str, kind: type[Exception]) -> None:
    """T25, F31, F37, F39: each with its own meaning, and asked once."""
    server.say(error(server, status, code))
    with pytest.raises(kind):
        await read(drive, ITEM)
    assert len(server.heard) == 1


async def test_another_revision_or_size_is_not_read(server: Any, drive: S3Drive) -> None:
    """T22: a server that does not hear If-Match gives itself away."""
    server.say(server.answer(200, BODY, ETag='"another"'))
    with pytest.raises(Changed):
        await read(drive, ITEM)
    server.say(server.answer(200, BODY[:-1], ETag=f'"{ETAG}"'))
    with pytest.raises(ShortRead):
        await read(drive, ITEM)


CHUNKED = b'HTTP/1.1 200 OK\r\nETag: "' + ETAG.encode() + b'"\r\nTransfer-Encoding: chunked\r\n\r\n'


@pytest.mark.parametrize(
    "body",
    [
        [CHUNKED + b"100\r\n" + BODY[:256] + b"\r\n0\r\n\r\n"],
        [b'HTTP/1.1 200 OK\r\nETag: "' + ETAG.encode() + b'"\r\n\r\n' + BODY[:256], "close"],
        [CHUNKED + b"2801\r\n" + BODY + b"x\r\n0\r\n\r\n"],
    ],
    ids=["chunks end early", "closed early without a length", "a byte too many"],
)
async def test_bodies_without_a_length_are_counted(server: Any, drive: S3Drive, body: list) -> None:
    """T11, F12, F13: an early end that looks like an end, and a late one."""
    server.say(body)
    with pytest.raises(ShortRead):
        await read(drive, ITEM)


async def test_keys_are_asked_for_exactly(server: Any, drive: S3Drive) -> None:
    """Q5: whatever is in them; and a name that is no text goes nowhere."""
    server.say(server.answer(404))
    for path in ("a//b", "/lead", "../up", "./x", "t ", "\x01", "ä?#%&+"):
        assert await drive.item(path) is None
    assert [heard.target.removeprefix("/bucket/pre/") for heard in server.heard] == [
        "a//b", "/lead", "../up", "./x", "t%20", "%01", "%C3%A4%3F%23%25%26%2B",
    ]  # fmt: skip
    for path in ("\udc80", "x" * 1100):
        with pytest.raises(NameRefused):
            await drive.item(path)


async def test_a_look_up_without_a_reason_asks_for_it(server: Any, drive: S3Drive) -> None:
    """HEAD has no body: a 403 or 400 may be about this object or about the credentials (F18)."""
    server.say(server.answer(403), error(server, 403, "InvalidAccessKeyId"))
    with pytest.raises(AuthLost):
        await drive.item("a.bin")
    listing = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    server.say(server.answer(403), server.answer(200, listing))
    with pytest.raises(Denied):
        await drive.item("a.bin")
    server.say(server.answer(400), error(server, 400, "ExpiredToken"))
    with pytest.raises(AuthLost):
        await drive.item("a.bin")


# --- listing


def listing(*keys: str, token: str | None = None, more: bool | None = None) -> bytes:
    rows = "".join(
        f"<Contents><Key>{key}</Key><ETag>&quot;{ETAG}&quot;</ETag><Size>7</Size></Contents>" for key in keys
    )
    following = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    truncated = "true" if (more if more is not None else token) else "false"
    return f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{following}{rows}</ListBucketResult>".encode()


async def test_a_tree_goes_on_by_its_token(server: Any, drive: S3Drive) -> None:
    """T26: the token is sent as it came, with the same question."""
    server.say(server.answer(200, listing("pre/a", token="t/1+=")), server.answer(200, listing("pre/b")))
    first = await drive.tree(None)
    assert json.loads(str(first.cursor))["token"] == "t/1+="
    second = await drive.tree(first.cursor)
    assert [item.path for item in first.items + second.items] == ["a", "b"]
    assert second.cursor is None
    asked = "?encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2F"
    assert server.heard[0].target == "/bucket" + asked
    assert server.heard[1].target == "/bucket" + asked.replace("?", "?continuation-token=t%2F1%2B%3D&", 1)


async def test_a_token_that_is_no_longer_taken(server: Any, drive: S3Drive) -> None:
    """F29: an expired cursor ends the listing as incomplete, never as complete."""
    server.say(server.answer(200, listing("pre/a", token="t")), error(server, 400, "InvalidArgument"))
    page = await drive.tree((await drive.tree(None)).cursor)
    assert (page.items, page.cursor, page.complete) == ([], None, False)


async def test_a_folder_that_is_not_there(server: Any, drive: S3Drive) -> None:
    """T34: an empty answer for a folder is its absence; for the root it is an empty root."""
    server.say(server.answer(200, listing()))
    assert (await drive.page("", None)).items == []
    with pytest.raises(Gone):
        await drive.page("x", None)
    assert (
        server.heard[1].target == "/bucket?delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2Fx%2F"
    )


async def test_buckets(server: Any) -> None:
    """What there is to choose from, page by page."""
    settings = {"access_key_id": "AKID", "secret_access_key": "s3cr3t", "endpoint_url": server.url}
    page = "<ListAllMyBucketsResult><Buckets><Bucket><Name>{}</Name></Bucket></Buckets>{}</ListAllMyBucketsResult>"
    server.say(
        server.answer(200, page.format("b", "<ContinuationToken>t</ContinuationToken>").encode()),
        server.answer(200, page.format("a", "").encode()),
    )
    assert await bucket_names(settings, FreePacer()) == ["a", "b"]
    assert [heard.target for heard in server.heard] == ["/?max-buckets=1000", "/?continuation-token=t&max-buckets=1000"]
    server.say(server.answer(200, page.format("b", "<ContinuationToken>t</ContinuationToken>").encode()))
    with pytest.raises(Transient):
        await bucket_names(settings, FreePacer())


# --- writing


async def test_what_a_put_sends_and_believes(server: Any, drive: S3Drive) -> None:
    """Signed with the body's own SHA-256, checked by MD5 and SHA-256; only what the answer repeats is confirmed."""
    known = digests(BODY)
    sha256 = base64_of(known["sha256"])
    server.say(server.answer(200, ETag=f'"{known["md5"]}"', x_amz_checksum_sha256=sha256, x_amz_version_id="v2"))
    written = await drive.put("a.bin", BODY, Carried(content_type="text/plain"), known, ABSENT)
    assert (written.path, written.revision, written.size, written.id) == ("a.bin", known["md5"], len(BODY), "v2")
    assert written.hashes == known
    [heard] = server.heard
    assert (heard.method, heard.target, heard.body) == ("PUT", "/bucket/pre/a.bin", BODY)
    assert heard.headers["x-amz-content-sha256"] == known["sha256"]
    assert heard.headers["x-amz-checksum-sha256"] == sha256
    assert heard.headers["content-md5"] == base64_of(known["md5"])
    assert heard.headers["if-none-match"] == "*"
    assert heard.headers["content-type"] == "text/plain"
    signed = re.search(r"SignedHeaders=([^,]*)", heard.headers["authorization"])
    assert signed
    assert {"content-md5", "content-type", "host", "if-none-match", "x-amz-content-sha256"} <= set(signed[1].split(";"))


async def test_what_a_put_does_not_believe(server: Any, drive: S3Drive) -> None:
    """An ETag that is not the body's MD5 (KMS, some clones) is a revision and nothing more."""
    server.say(server.answer(200, ETag=f'"{ETAG}"'))
    written = await drive.put("a.bin", BODY, Carried(), digests(BODY), Precondition(revision="old"))
    assert (written.revision, written.hashes, written.size) == (ETAG, {}, None)
    assert server.heard[0].headers["if-match"] == '"old"'
    server.say(server.answer(200, b"<html>fine</html>"))
    with pytest.raises(OutcomeUnknown):
        await drive.put("a.bin", BODY, Carried(), digests(BODY), ANYWAY)


@pytest.mark.parametrize(("condition", "sends"), [(ABSENT, 1), (Precondition(revision="x"), 1), (ANYWAY, 3)])
async def test_a_lost_answer_to_a_put(server: Any, drive: S3Drive, condition: Precondition, sends: int) -> None:
    """F07: a write with a condition is not repeated blindly; one without may be, it ends the same."""
    server.say(error(server, 500, "InternalError"))
    with pytest.raises((OutcomeUnknown, Transient)) as caught:
        await drive.put("a.bin", BODY, Carried(), digests(BODY), condition)
    assert isinstance(caught.value, OutcomeUnknown) == (sends == 1)
    assert len(server.heard) == sends


async def test_conflicts_of_a_put(server: Any, drive: S3Drive) -> None:
    """T52: 412 is a conflict; 409 only says that another write is under way, so it is asked again."""
    ok = server.answer(200, ETag='"x"')
    server.say(error(server, 409, "ConditionalRequestConflict"), ok)
    await drive.put("a.bin", BODY, Carried(), digests(BODY), ABSENT)
    assert len(server.heard) == 2
    for status, code, condition in (
        (412, "PreconditionFailed", ABSENT),
        (412, "PreconditionFailed", Precondition(revision="x")),
        (404, "NoSuchKey", Precondition(revision="x")),
    ):
        server.say(error(server, status, code))
        with pytest.raises(Conflict):
            await drive.put("a.bin", BODY, Carried(), digests(BODY), condition)


async def test_what_cannot_be_carried_is_not_sent(server: Any, drive: S3Drive) -> None:
    with pytest.raises(TooLarge):
        await drive.put("a.bin", BODY, Carried(metadata={"a": "x" * 3000}), digests(BODY), ANYWAY)
    with pytest.raises(TooLarge):
        await drive.begin("a.bin", 1, Carried(metadata={"a": "x" * 3000}), "attempt", ANYWAY)
    assert not server.heard


async def test_folders(server: Any, drive: S3Drive) -> None:
    """Q7: a marker with the time; what is there already, marker or data, is never replaced; the root needs none."""
    await drive.create_folder("")
    assert not server.heard
    server.say(server.answer(200, ETag='"x"'), error(server, 412, "PreconditionFailed"))
    await drive.create_folder("x/y", 1_500_000)
    await drive.create_folder("x/y")
    first = server.heard[0]
    assert (first.method, first.target, first.body) == ("PUT", "/bucket/pre/x/y/", b"")
    assert (first.headers["if-none-match"], first.headers["x-amz-meta-mtime"]) == ("*", "1.5")


# --- the root, the region, the clock


async def test_a_bucket_is_made_on_request(server: Any, open_drive: Any) -> None:
    """In the region that was asked for; that it is ours already is fine."""
    drive = open_drive(region="eu-west-1")
    missing = error(server, 404, "NoSuchBucket")
    server.say(missing)
    with pytest.raises(RootGone):
        await drive.check(write=True, create=False)
    server.say(missing, server.answer(200))
    await drive.check(write=True, create=True)
    assert (server.heard[-1].method, server.heard[-1].target) == ("PUT", "/bucket")
    assert b"<LocationConstraint>eu-west-1</LocationConstraint>" in server.heard[-1].body
    server.say(missing, error(server, 409, "BucketAlreadyOwnedByYou"))
    await drive.check(write=True, create=True)
    server.say(missing, error(server, 409, "BucketAlreadyExists"))
    with pytest.raises(Denied):
        await drive.check(write=True, create=True)
    server.say(missing, server.answer(200))
    await open_drive().check(write=True, create=True)
    assert server.heard[-1].body == b""


async def test_a_wrong_region_is_corrected_once(server: Any, drive: S3Drive) -> None:
    """Q3: also for a write that may not be repeated; from then on every call is right at once."""
    wrong = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
    server.say(server.answer(400, wrong), server.answer(200, ETag='"x"'))
    await drive.put("a.bin", BODY, Carried(), digests(BODY), ABSENT)
    await drive.put("b.bin", BODY, Carried(), digests(BODY), ABSENT)
    regions = [heard.headers["authorization"].split("/")[2] for heard in server.heard]
    assert regions == ["us-east-1", "eu-west-1", "eu-west-1"]


async def test_a_wrong_clock_is_corrected_once(server: Any, drive: S3Drive) -> None:
    """F40: our clock is two hours off; a write that may not be repeated goes through all the same."""
    skewed = error(server, 403, "RequestTimeTooSkewed", Date=formatdate(time.time() + 7200, usegmt=True))
    server.say(skewed, server.answer(200, ETag='"x"'))
    await drive.put("a.bin", BODY, Carried(), digests(BODY), ABSENT)
    stamps = [time.mktime(time.strptime(heard.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")) for heard in server.heard]
    assert 7190 < stamps[1] - stamps[0] < 7210


async def test_a_cancelled_read_leaves_the_drive_usable(server: Any, drive: S3Drive) -> None:
    """F49."""
    half = [b'HTTP/1.1 200 OK\r\nETag: "' + ETAG.encode() + b'"\r\nContent-Length: 10240\r\n\r\n' + BODY[:100], 5.0]
    server.say(half, server.answer(200, BODY, ETag=f'"{ETAG}"'))
    reading = asyncio.create_task(read(drive, ITEM))
    await asyncio.sleep(0.1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await read(drive, ITEM) == BODY
