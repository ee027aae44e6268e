"""A Cloud Storage drive against a server that says just what a case needs: what is sent, and what is believed."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from haulage.model.errors import (
    AuthLost,
    Changed,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    OutcomeUnknown,
    QuotaFull,
    Refused,
    RootGone,
    SessionGone,
    Throttled,
    TooLarge,
    Transient,
)
from haulage.model.item import Carried, Item, Kind
from haulage.services.contract import ABSENT, Precondition
from haulage.services.gcs.drive import BucketDrive
from haulage.services.gcs.judge import Judge
from haulage.services.gcs.place import Place
from haulage.services.transport import Answer, Request
from tests.contract.kit import FreePacer
from tests.unit.services.conftest import Scripted

KIB = 1024
STEP = 256 * KIB


@pytest.fixture
async def server(scripted: Callable[[], Awaitable[Scripted]]) -> Scripted:
    """One that says what it is told to."""
    return await scripted()


def drive_on(server: Scripted, root: str = "bucket/base") -> BucketDrive:
    return BucketDrive({"endpoint_url": server.url}, root, FreePacer())


def resource(**more: Any) -> dict[str, Any]:
    return {"name": "base/a", "generation": "7", "size": "3", "crc32c": "AAAAAQ==", **more}


def said(server: Scripted, status: int = 200, told: Any = None, **headers: str) -> list[Any]:
    return server.answer(status, json.dumps(told if told is not None else {}).encode(), **headers)


@pytest.mark.parametrize(
    ("endpoint", "base", "identity"),
    [
        ("", "https://storage.googleapis.com", "gs://google/b/p"),
        ("https://storage.googleapis.com/", "https://storage.googleapis.com", "gs://google/b/p"),
        ("127.0.0.1:9023", "http://127.0.0.1:9023", "gs://127.0.0.1:9023/b/p"),
        ("HTTP://Host:80", "http://host", "gs://host/b/p"),
        ("http://[::1]:9", "http://[::1]:9", "gs://[::1]:9/b/p"),
    ],
)
def test_endpoints(endpoint: str, base: str, identity: str) -> None:
    """Q1."""
    place = Place({"endpoint_url": endpoint}, "b/p")
    assert (place.base, place.identity) == (base, identity)


@pytest.mark.parametrize("endpoint", ["ftp://h", "http://", "http://u:p@h", "http://h/path", "http://h:x"])
def test_what_is_no_endpoint(endpoint: str) -> None:
    with pytest.raises(Refused):
        Place({"endpoint_url": endpoint}, "b")


def test_names_are_written_exactly() -> None:
    """Q1: slashes and dots are no structure of the address."""
    place = Place({}, "b/p")
    assert place.object_url("a//../ö +?#%", "x=1").endswith(
        "/storage/v1/b/b/o/p%2Fa%2F%2F..%2F%C3%B6%20%2B%3F%23%25?x=1"
    )


@pytest.mark.parametrize("path", ["a\rb", "a\nb", ".", "..", ".well-known/acme-challenge/x", "x" * 1025, "\ud800"])
def test_names_that_are_not_taken(path: str) -> None:
    """Q2."""
    with pytest.raises(NameRefused):
        Place({}, "b").name_of(path)


@pytest.mark.parametrize(
    ("operation", "status", "reason", "message", "kind"),
    [
        ("GetObject", 404, "notFound", "No such object", Gone),
        ("GetObject", 404, "notFound", "The specified bucket does not exist.", RootGone),
        ("InsertObject", 404, "notFound", "", RootGone),
        ("UploadChunk", 404, "notFound", "", SessionGone),
        ("UploadStatus", 410, "gone", "", SessionGone),
        ("CancelUpload", 499, "", "", SessionGone),
        ("InsertObject", 412, "conditionNotMet", "", Conflict),
        ("UploadChunk", 412, "conditionNotMet", "", Conflict),
        ("GetMedia", 412, "conditionNotMet", "", Changed),
        ("GetMedia", 304, "", "", Changed),
        ("ListObjects", 401, "required", "", AuthLost),
        ("ListObjects", 403, "accountDisabled", "", AuthLost),
        ("ListObjects", 403, "forbidden", "", Denied),
        ("InsertObject", 403, "rateLimitExceeded", "", Throttled),
        ("InsertObject", 403, "storageQuotaExceeded", "", QuotaFull),
        ("InsertObject", 429, "", "", Throttled),
        ("InsertObject", 400, "invalid", "Provided MD5 hash does not match", Mismatch),
        ("InsertObject", 400, "invalid", "Invalid object name", NameRefused),
        ("InsertObject", 400, "invalid", "The metadata is too large", TooLarge),
        ("InsertObject", 413, "uploadTooLarge", "", TooLarge),
        ("InsertObject", 503, "backendError", "", Transient),
        ("InsertObject", 408, "", "", Transient),
        ("ListObjects", 302, "", "", HaulageError),
        ("ListObjects", 308, "", "", HaulageError),
    ],
)
def test_what_answers_mean(operation: str, status: int, reason: str, message: str, kind: type[HaulageError]) -> None:
    """Q4, Q11, Q12: by status, reason and the question."""
    body = json.dumps({"error": {"code": status, "message": message, "errors": [{"reason": reason}]}}).encode()
    error = Judge(Place({}, "b"))(Request(operation, "GET", "u"), Answer(status, {}, body))
    assert isinstance(error, kind)
    assert type(error).code == kind.code


async def test_a_page_that_is_not_ours(server: Scripted) -> None:
    """F30: foreign and repeated names make a listing incomplete."""
    drive = drive_on(server)
    for items in ([resource(name="other/a")], [resource(), resource()]):
        server.say(said(server, told={"kind": "storage#objects", "items": items}))
        page = await drive.tree(None)
        assert not page.complete
    await drive.close()


async def test_markers_and_data_that_end_in_a_slash(server: Scripted) -> None:
    items = [
        resource(name="base/", size="0"),
        resource(name="base/dir/", size="0"),
        resource(name="base/data/", size="4"),
    ]
    server.say(said(server, told={"kind": "storage#objects", "items": items}))
    drive = drive_on(server)
    page = await drive.tree(None)
    assert [(item.path, item.kind) for item in page.items] == [("dir", Kind.FOLDER), ("data/", Kind.FILE)]
    await drive.close()


async def test_reads_ask_for_what_is_stored(server: Scripted) -> None:
    """Q7, Q8: the resource first, then the bytes of just that generation, as they are stored."""
    server.say(
        said(server, told=resource()),
        server.answer(206, b"bc", X_Goog_Generation="7", Content_Range="bytes 1-2/3"),
    )
    drive = drive_on(server)
    async with drive.open(Item("a", Kind.FILE, 3, revision="7"), 1) as content:
        assert b"".join([bytes(chunk) async for chunk in content.chunks()]) == b"bc"
    look, media = server.heard
    assert "ifGenerationMatch=7" in look.target
    assert "alt=media&ifGenerationMatch=7" in media.target
    assert (media.headers["accept-encoding"], media.headers["range"]) == ("gzip", "bytes=1-")
    await drive.close()


async def test_a_write_names_the_hashes_and_the_condition(server: Scripted) -> None:
    server.say(said(server, told=resource()))
    drive = drive_on(server)
    written = await drive.put("a", b"abc", Carried(content_type="text/x"), {"crc32c": "00000001"}, ABSENT)
    assert (written.revision, written.size, written.hashes) == ("7", 3, {"crc32c": "00000001"})
    [heard] = server.heard
    assert "ifGenerationMatch=0" in heard.target
    assert b'"crc32c":"AAAAAQ=="' in heard.body
    assert b"\r\nContent-Type: text/x\r\n\r\nabc\r\n--" in heard.body
    await drive.close()


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}"])
async def test_an_answer_that_says_nothing_proves_nothing(server: Scripted, body: bytes) -> None:
    """T14."""
    server.say(server.answer(200, body))
    drive = drive_on(server)
    with pytest.raises(OutcomeUnknown):
        await drive.put("a", b"abc", Carried(), {}, ABSENT)
    await drive.close()


async def begun(server: Scripted, drive: BucketDrive, size: int, location: str = "") -> dict[str, Any]:
    address = location or f"{server.url}/upload/x?upload_id=u"
    server.say(said(server, Location=address))
    return await drive.begin("a", size, Carried(), "attempt", ABSENT)


async def test_an_upload_elsewhere_is_called_here(server: Scripted) -> None:
    """F43: whatever host the upload's address names, credentials go to ours alone."""
    drive = drive_on(server)
    state = await begun(server, drive, STEP + 1, "https://evil.example/upload/x?upload_id=u")
    assert state["session"] == "/upload/x?upload_id=u"
    await drive.close()


async def test_an_upload_that_keeps_less(server: Scripted) -> None:
    """Q9: it goes on from the byte that the service names, and only the end makes the file."""
    drive = drive_on(server)
    body = bytes(2 * STEP) + b"tail!"
    state = await begun(server, drive, len(body))
    server.say(
        server.answer(308, b"", Range=f"bytes=0-{STEP - 1}"),
        server.answer(308, b"", Range=f"bytes=0-{2 * STEP - 1}"),
    )
    receipt = await drive.put_part(state, 1, 0, memoryview(body), None)
    ranges = [heard.headers["content-range"] for heard in server.heard[1:]]
    assert ranges == [f"bytes 0-{2 * STEP - 1}/{len(body)}", f"bytes {STEP}-{2 * STEP - 1}/{len(body)}"]
    server.say(said(server, 404), said(server, told=resource(size=str(len(body)))))
    written = await drive.finish(state, [receipt], {"crc32c": "00000001"}, ABSENT)
    assert written.size == len(body)
    last = server.heard[-1]
    assert (last.body, last.headers["x-goog-hash"]) == (b"tail!", "crc32c=AAAAAQ==")
    await drive.close()


async def test_an_upload_is_asked_after_a_lost_answer(server: Scripted) -> None:
    """Q9, F25: nothing is sent twice."""
    drive = drive_on(server)
    size = 2 * STEP + 5
    state = await begun(server, drive, size)
    server.say(
        ["close"],
        server.answer(308, b"", Range=f"bytes=0-{STEP - 1}"),
    )
    await drive.put_part(state, 1, 0, memoryview(bytes(STEP)), None)
    assert server.heard[-1].headers["content-range"] == f"bytes */{size}"
    await drive.close()


async def test_an_upload_that_takes_nothing(server: Scripted) -> None:
    """It ends with an error, not in a loop."""
    drive = drive_on(server)
    state = await begun(server, drive, 2 * STEP)
    server.say(server.answer(308))
    with pytest.raises(Transient):
        await drive.put_part(state, 1, 0, memoryview(bytes(STEP)), None)
    assert len(server.heard) == 2
    await drive.close()


async def test_going_on_in_the_middle_of_a_part(server: Scripted) -> None:
    """G12: another process asks, counts whole parts, and sends the rest of the one that was cut off."""
    size = 20 * 1024 * KIB
    drive = drive_on(server)
    state = await begun(server, drive, size)
    held = state["part_bytes"] + STEP
    again = drive_on(server)
    server.say(server.answer(308, b"", Range=f"bytes=0-{held - 1}"))
    assert await again.parts(state) == {1: {"number": 1, "size": state["part_bytes"]}}
    end = 2 * state["part_bytes"]
    server.say(server.answer(308, b"", Range=f"bytes=0-{end - 1}"))
    await again.put_part(state, 2, state["part_bytes"], memoryview(bytes(state["part_bytes"])), None)
    assert server.heard[-1].headers["content-range"] == f"bytes {held}-{end - 1}/{size}"
    await drive.close()
    await again.close()


async def test_an_upload_that_is_over(server: Scripted) -> None:
    """T48: 200 to the question means that it was finished, once: it is not gone on with."""
    drive = drive_on(server)
    state = await begun(server, drive, STEP * 3)
    server.say(said(server, told=resource()))
    assert await drive.parts(state) is None
    await drive.close()


async def test_a_changed_destination_is_seen_before_the_last_byte(server: Scripted) -> None:
    """Q10."""
    drive = drive_on(server)
    state = await begun(server, drive, 5)
    receipt = await drive.put_part(state, 1, 0, memoryview(b"abcde"), None)
    server.say(said(server, told=resource()))
    for condition in (ABSENT, Precondition(revision="8")):
        with pytest.raises(Conflict):
            await drive.finish(state, [receipt], {}, condition)
    assert not [heard for heard in server.heard if heard.method == "PUT"]
    await drive.close()
