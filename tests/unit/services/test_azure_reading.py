"""Reading a blob from a server that does not always do as it was asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from haulage.model.errors import Blocked, Changed, HaulageError, Mismatch, OutcomeUnknown, ShortRead, Transient
from haulage.model.item import Item, Kind
from haulage.services.azure_blob.account import read_account
from haulage.services.azure_blob.drive import BlobDrive, containers
from haulage.services.contract import ABSENT
from haulage.services.transport import Limits
from tests.contract.kit import FreePacer, put, read

BODY = bytes(range(256)) * 40
FACTS = {"ETag": '"0x1"', "Last-Modified": "Tue, 04 Aug 2026 10:00:05 GMT"}
ITEM = Item("a", Kind.FILE, len(BODY), 1_785_837_605_000_000, "0x1")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def drive_at(handler: Handler) -> AsyncIterator[BlobDrive]:
    """A drive whose every call is answered by `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    async with TestServer(app) as server:
        settings = {"account_key": "c2VjcmV0", "endpoint_url": f"http://127.0.0.1:{server.port}/acct"}
        limits = Limits(attempts=2, backoff_seconds=0.001)
        drive = BlobDrive(read_account(settings), "cont", FreePacer(), limits)
        yield drive
        await drive.close()


def settings_for(drive: BlobDrive) -> dict[str, str]:
    """Those that lead to where the drive is."""
    return {
        "account_key": "c2VjcmV0",
        "endpoint_url": "http://" + drive.identity.removeprefix("az://").rsplit("/", 1)[0],
    }


def answer(body: bytes = BODY, status: int = 200, **headers: str) -> Handler:
    """The same answer to everything."""

    async def handler(_: web.Request) -> web.Response:
        told = {name if "-" in name else name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=FACTS | told)

    return handler


async def obedient(request: web.Request) -> web.Response:
    """As the service does it."""
    assert request.headers.get("If-Match") == '"0x1"'
    assert request.headers["Accept-Encoding"] == "identity"
    asked = request.headers.get("x-ms-range")
    if asked is None:
        return web.Response(body=BODY, headers=FACTS)
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    told = {
        "Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}",
        "x-ms-blob-content-md5": "XUFAKrxLKna5cZ2REBfFkg==",
    }
    return web.Response(body=BODY[start:], status=206, headers=FACTS | told)


async def fails(handler: Handler, kind: type[HaulageError], start: int = 0, item: Item = ITEM) -> HaulageError:
    """Reading must fail so, and before a byte is handed out unless `kind` concerns the body."""
    async with drive_at(handler) as drive:
        with pytest.raises(kind) as caught:
            await read(drive, item, start)
    assert type(caught.value) is kind
    return caught.value


@pytest.mark.parametrize("start", [0, 1, 5000, len(BODY) - 1, len(BODY)])
async def test_from_any_byte_on(start: int) -> None:
    async with drive_at(obedient) as drive:
        assert await read(drive, ITEM, start) == BODY[start:]


async def test_the_facts_of_a_part_are_those_of_the_whole() -> None:
    async with drive_at(obedient) as drive, drive.open(ITEM, 9) as content:
        assert content.item.size == len(BODY)
        assert content.item.hashes == {"md5": "5d41402abc4b2a76b9719d911017c592"}


async def test_an_empty_blob_is_never_asked_for_a_range() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert "x-ms-range" not in request.headers
        return web.Response(body=b"", headers=FACTS)

    async with drive_at(handler) as drive:
        assert await read(drive, Item("a", Kind.FILE, 0, revision="0x1")) == b""


async def test_a_range_that_was_not_heard_is_cut_out_of_the_whole() -> None:
    """T10, F17."""
    async with drive_at(answer()) as drive:
        assert await read(drive, ITEM, 777) == BODY[777:]


async def test_the_whole_of_another_revision_is_refused() -> None:
    await fails(answer(ETag='"0x2"'), Changed, 777)
    await fails(answer(ETag='"0x2"'), Changed)


@pytest.mark.parametrize(
    "content_range",
    [
        "",
        f"bytes 0-{len(BODY) - 1}/{len(BODY)}",
        f"bytes 776-{len(BODY) - 2}/{len(BODY)}",
        f"bytes 777-{len(BODY) - 1}/*",
        f"bytes 777-{len(BODY) - 1}/{len(BODY) + 1}",
        f"bytes 777-{len(BODY)}/{len(BODY) + 1}",
    ],
)
async def test_a_wrong_content_range_is_found_before_a_byte_is_used(content_range: str) -> None:
    """T10."""
    headers = {"Content_Range": content_range} if content_range else {}
    await fails(answer(BODY[777:], 206, **headers), Mismatch, 777)


async def test_a_part_that_nobody_asked_for_is_refused() -> None:
    await fails(answer(BODY, 206, Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}"), Mismatch)


async def test_another_size_for_the_same_revision_is_refused() -> None:
    await fails(answer(BODY[:-1]), Mismatch)


async def test_a_page_of_another_service_is_not_the_file() -> None:
    """T13: no revision, so not what was asked for."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="<html>Sign in</html>", content_type="text/html")

    await fails(handler, Mismatch)


async def test_an_answer_without_a_length_is_refused() -> None:
    """T11: nothing could tell its early end."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=FACTS)
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(BODY)
        await response.write_eof()
        return response

    await fails(handler, Mismatch)


async def test_an_answer_cut_short_is_an_error() -> None:
    """F11."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=FACTS | {"Content-Length": str(len(BODY))})
        await response.prepare(request)
        await response.write(BODY[:1000])
        assert request.transport is not None
        request.transport.close()
        return response

    async with drive_at(handler) as drive:
        with pytest.raises((Transient, ShortRead)):
            await read(drive, ITEM)


async def test_a_marker_is_not_read_as_a_file() -> None:
    await fails(answer(b"", **{"x-ms-meta-hdi_isfolder": "true"}), Blocked, item=Item("a", Kind.FILE))


async def test_a_start_beyond_the_end_is_refused() -> None:
    await fails(obedient, ShortRead, len(BODY) + 1)


@pytest.mark.parametrize(
    ("status", "code", "kind"), [(412, "ConditionNotMet", Changed), (409, "BlobArchived", Blocked)]
)
async def test_refusals(status: int, code: str, kind: type[HaulageError]) -> None:
    await fails(answer(b"", status, x_ms_error_code=code), kind)


async def test_encoded_content_arrives_as_it_is_stored() -> None:
    """T12."""
    async with drive_at(answer(Content_Encoding="gzip")) as drive:
        assert await read(drive, ITEM) == BODY
        async with drive.open(ITEM) as content:
            assert content.carried.content_encoding == "gzip"


async def test_a_lost_answer_to_a_conditional_write_is_an_unknown_outcome() -> None:
    """F07: asked once only; the engine looks before it does anything else."""
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.method)
        await asyncio.sleep(0)
        return web.Response(status=500, headers={"x-ms-error-code": "OperationTimedOut"})

    async with drive_at(handler) as drive:
        with pytest.raises(OutcomeUnknown):
            await put(drive, "a", b"x", condition=ABSENT)
        assert asked == ["PUT"]
        with pytest.raises(Transient):
            await put(drive, "a", b"x")
        assert len(asked) == 3


async def test_an_empty_or_looping_listing_is_told_from_a_complete_one() -> None:
    """T31, F: the same marker again."""
    body = b"<EnumerationResults><Blobs /><NextMarker>m</NextMarker></EnumerationResults>"
    async with drive_at(answer(body)) as drive:
        first = await drive.tree(None)
        assert (first.cursor, first.complete) == ("m", True)
        second = await drive.tree("m")
        assert (second.cursor, second.complete) == (None, False)
        with pytest.raises(Mismatch):
            await containers(settings_for(drive), FreePacer())


async def test_foreign_names_make_a_listing_incomplete() -> None:
    entry = b"<Blob><Name>zzz</Name><Properties><Content-Length>1</Content-Length></Properties></Blob>"
    body = b"<EnumerationResults><Blobs>" + entry + b"</Blobs><NextMarker /></EnumerationResults>"
    async with drive_at(answer(body)) as drive:
        page = await drive.page("folder", None)
        assert not page.complete
        assert page.why_incomplete == "the service listed 1 names outside of what was asked for"
