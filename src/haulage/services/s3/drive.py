"""An S3 bucket below a prefix as a drive: wire to model and back, nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote

import msgspec

from haulage.model.errors import (
    Changed,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    OutcomeUnknown,
    Refused,
    RootGone,
    ShortRead,
    Transient,
)
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.model.naming import NameRules
from haulage.services.contract import ABSENT, Pacer, Precondition, Traits
from haulage.services.digests import base64_of
from haulage.services.reading import StreamedContent, content_range
from haulage.services.s3 import listing, wire
from haulage.services.s3.carry import carried_of, date_us, headers_of
from haulage.services.s3.credentials import CredentialChain, chain_region, given_keys
from haulage.services.s3.hashes import bare, checksums, promised, quoted
from haulage.services.s3.judge import Judge
from haulage.services.s3.multipart import MIB, MOST_PARTS, SMALLEST_PART_BYTES, Uploads, condition_headers, part_bytes
from haulage.services.s3.place import LONGEST_KEY_BYTES, Place
from haulage.services.s3.sign import EMPTY_SHA256, Signer
from haulage.services.transport import Answer, Request, Streamed, Transport

TRAITS = Traits(
    names=NameRules(
        longest_path=LONGEST_KEY_BYTES, unit="bytes", empty_parts=True, dot_parts=True, folder_beside_file=True
    ),
    folders="markers",
    times=1,
    metadata=True,
    largest_file=MOST_PARTS * 5 * 1024 * MIB,
    single_put_limit=SMALLEST_PART_BYTES,
    put_hashes=("sha256", "md5"),
    part_hash="crc32c",
    part_bytes=part_bytes,
)
FOLDER_TYPE = "application/x-directory"
_READ = {"x-amz-checksum-mode": "ENABLED", "x-amz-content-sha256": EMPTY_SHA256}
_NO_BODY = {"x-amz-content-sha256": EMPTY_SHA256}


class Connection:
    """A place, the keys for it, and the transport that speaks to it. Makes no call yet. Raises Refused."""

    def __init__(self, settings: Mapping[str, str], root: str, pacer: Pacer) -> None:
        keys, profile = given_keys(settings), settings.get("profile") or None
        region = settings.get("region") or (None if keys else chain_region(profile)) or "us-east-1"
        self.place = Place(settings, root, region)
        self.signer = Signer(keys, self.place.region)
        fresh: Callable[[], Awaitable[None]] | None = None if keys else CredentialChain(self.signer, profile).fresh
        self.transport = Transport(
            origins=(self.place.origin,),
            sign=self.signer.sign,
            judge=Judge(self.place, self.signer, self._moved),
            pacer=pacer,
            ca_file=settings.get("ca_file") or None,
            fresh=fresh,
        )

    def _moved(self) -> None:
        self.transport.allow(self.place.origin)


class S3Drive(Uploads):
    """See `contract.Drive` and `contract.ListsTree`."""

    def __init__(self, settings: Mapping[str, str], root: str, pacer: Pacer) -> None:
        if not root.partition("/")[0]:
            raise Refused("S3: the location names no bucket", "Write it as s3://bucket or s3://bucket/folder.")
        connection = Connection(settings, root, pacer)
        self._place, self._transport = connection.place, connection.transport
        self.identity = self._place.identity
        self.calls: Mapping[str, int] = self._transport.trace.calls
        room = LONGEST_KEY_BYTES - len(self._place.prefix.encode("utf-8", "replace"))
        self.traits = msgspec.structs.replace(
            TRAITS, names=msgspec.structs.replace(TRAITS.names, longest_path=max(0, room))
        )

    # --- what is there

    async def check(self, *, write: bool, create: bool) -> None:
        """See `Drive.check`. Writing is not tried: no test object is ever made."""
        request = self._list(self._place.prefix, None, {"max-keys": "1"})
        request.attempts = 3
        try:
            await self._transport.call(request)
        except RootGone:
            if not create:
                raise
            await self._create_bucket()

    async def _create_bucket(self) -> None:
        region = self._place.region
        body = wire.create_bucket_body(region) if region != "us-east-1" else b""
        try:
            await self._transport.call(Request("CreateBucket", "PUT", self._place.bucket_url(), {}, body))
        except Conflict:
            return  # it is ours already: made in the meantime

    def _list(self, prefix: str, cursor: listing.Cursor | None, more: Mapping[str, str]) -> Request:
        fields = {
            "list-type": "2",
            "encoding-type": "url",
            "prefix": prefix,
            "max-keys": str(listing.PAGE_ENTRIES),
            **more,
        }
        if cursor is not None:
            fields["continuation-token"] = cursor.token
        text = "&".join(f"{name}={quote(fields[name], safe='')}" for name in sorted(fields))
        headers = dict(_NO_BODY)
        if self._place.aws:
            headers["x-amz-optional-object-attributes"] = "RestoreStatus"
        return Request("ListObjectsV2", "GET", self._place.bucket_url(text), headers)

    async def _page(self, below: str, cursor_text: str | None, more: Mapping[str, str]) -> tuple[Page, bool]:
        """A page of what lies below the key `below`, and whether the answer held anything at all."""
        cursor = listing.Cursor.of(cursor_text) if cursor_text is not None else None
        try:
            answer = await self._transport.call(self._list(below, cursor, more))
        except HaulageError as error:
            if cursor is not None and type(error) is HaulageError:
                why = f"the service does not go on with the listing where it stood ({error.message})"
                return Page([], None, False, why), True
            raise
        found = wire.parse_listing(answer.body)
        page = listing.page_of(found, self._place.prefix, cursor, below, etag_may_be_md5=self._place.etag_may_be_md5)
        return page, bool(found.rows or found.prefixes)

    async def tree(self, cursor: str | None) -> Page:
        """See `ListsTree.tree`."""
        return (await self._page(self._place.prefix, cursor, {}))[0]

    async def page(self, folder: str, cursor: str | None) -> Page:
        """See `Drive.page`."""
        below = self._place.prefix + (folder + "/" if folder else "")
        page, anything = await self._page(below, cursor, {"delimiter": "/"})
        if folder and cursor is None and not anything and page.cursor is None and page.complete:
            raise Gone(f"there is no folder {folder!r}")
        return page

    async def item(self, path: str) -> Item | None:
        """See `Drive.item`."""
        try:
            answer = await self._head(path, {})
        except Gone:
            return None
        except Denied:
            await self.check(write=False, create=False)  # HEAD gives no reason; this does, if it concerns everything
            raise
        return self._item(Item(path, Kind.FILE), answer, answer.headers.get("Content-Length"))

    async def _head(self, path: str, headers: Mapping[str, str]) -> Answer:
        url = self._place.url(self._place.key_of(path))
        return await self._transport.call(Request("HeadObject", "HEAD", url, {**_READ, **headers}))

    def _item(self, asked: Item, answer: Answer, size_text: str | None) -> Item:
        """The facts that an answer about an object tells."""
        headers = answer.headers
        etag = bare(headers.get("ETag", ""))
        dated = date_us(headers.get("Last-Modified", ""))
        listed = asked.modified_us
        same_second = dated is None or (listed is not None and listed // 1_000_000 * 1_000_000 == dated)
        return Item(
            asked.path,
            Kind.FILE,
            int(size_text) if size_text and size_text.isdecimal() else asked.size,
            listed if same_second else dated,
            etag or asked.revision,
            promised(headers, etag, etag_may_be_md5=self._place.etag_may_be_md5),
            id=headers.get("x-amz-version-id"),
        )

    # --- reading

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[StreamedContent]:
        """See `Drive.open`. A server that ignores the range, or answers another one, is read from byte 0 (T10)."""
        if start and start == item.size:
            yield await self._nothing_left(item)
            return
        async with self._transport.stream(self._get(item, start)) as streamed:
            content = self._content(item, start, streamed)
            if content is not None:
                yield content
                return
        async with self._transport.stream(self._get(item, 0)) as streamed:
            content = self._content(item, start, streamed)
            if content is None:
                raise Transient("GetObject: the service answers a range that was not asked for")
            yield content

    def _get(self, item: Item, start: int) -> Request:
        headers = {**_READ}
        if item.revision is not None:
            headers["if-match"] = quoted(item.revision)
        if start:
            headers["range"] = f"bytes={start}-"
        return Request("GetObject", "GET", self._place.url(self._place.key_of(item.path)), headers)

    def _content(self, item: Item, start: int, streamed: Streamed) -> StreamedContent | None:
        """What the answer gives, to be read from `start`; None when it is a range that was not asked for (F17)."""
        headers = streamed.answer.headers
        length_text = headers.get("Content-Length", "")
        size_text: str | None = length_text
        skip = start
        if streamed.answer.status == 206:
            first, last, size_text = content_range(headers.get("Content-Range", ""))
            whole = size_text or (str(item.size) if item.size is not None else "")
            if not start or first != start or str(last + 1) != whole:
                return None
            skip = 0
        now = self._item(item, streamed.answer, size_text)
        self._same(item, now)
        return StreamedContent(now, carried_of(headers, now.modified_us), streamed, skip, (now.size or 0) - start)

    def _same(self, item: Item, now: Item) -> None:
        """The revision that was listed, of the size that was listed, and nothing else."""
        if item.revision is not None and now.revision != item.revision:
            raise Changed("the object is another revision than the one that was listed")
        if item.size is not None and now.size != item.size:
            raise ShortRead(f"the object has {now.size} bytes; its listing promised {item.size}")

    async def _nothing_left(self, item: Item) -> StreamedContent:
        pin = {"if-match": quoted(item.revision)} if item.revision is not None else {}
        answer = await self._head(item.path, pin)
        now = self._item(item, answer, answer.headers.get("Content-Length"))
        self._same(item, now)
        return StreamedContent(now, carried_of(answer.headers, now.modified_us), None, 0, 0)

    # --- writing

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See `Drive.create_folder`. Folders above are implied by the key; what is there is never replaced."""
        if not path:
            return
        headers = headers_of(Carried(modified_us=modified_us, content_type=FOLDER_TYPE))
        headers |= condition_headers(ABSENT) | _NO_BODY
        url = self._place.url(self._place.key_of(path + "/"))
        try:
            await self._transport.call(Request("PutObject", "PUT", url, headers, b""))
        except Conflict:
            return

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See `Drive.put`. The service checks MD5 and SHA-256, and repeats what it checked."""
        sha256, md5 = digests["sha256"], digests["md5"]
        headers = headers_of(carried)
        headers["x-amz-content-sha256"] = sha256
        headers["x-amz-checksum-sha256"] = base64_of(sha256)
        headers["content-md5"] = base64_of(md5)
        conditions = condition_headers(condition)
        url = self._place.url(self._place.key_of(path))
        request = Request("PutObject", "PUT", url, headers | conditions, body, repeatable=not conditions)
        answer = await self._transport.call(request)
        etag = bare(answer.headers.get("ETag", ""))
        if not etag:
            raise OutcomeUnknown("PutObject: the answer has no ETag")
        hashes = checksums(answer.headers, of_parts=False)
        if etag == md5:
            hashes["md5"] = md5
        proven = etag == md5 or hashes.get("sha256") == sha256
        version = answer.headers.get("x-amz-version-id")
        return Written(path, etag, len(body) if proven else None, hashes, id=version)

    async def close(self) -> None:
        """See `Drive.close`."""
        await self._transport.close()


async def bucket_names(settings: Mapping[str, str], pacer: Pacer) -> list[str]:
    """The buckets that the keys may list, by name. Raises AuthLost, Denied, Unreachable."""
    connection = Connection({**settings, "addressing": "path"}, "", pacer)
    names: list[str] = []
    token: str | None = ""
    seen = set()
    try:
        while token is not None:
            more = f"continuation-token={quote(token, safe='')}&" if token else ""
            url = f"{connection.place.service_url}?{more}max-buckets=1000"
            answer = await connection.transport.call(Request("ListBuckets", "GET", url, dict(_NO_BODY), attempts=3))
            fields: dict[str, str] = {}
            found = wire.parse_records(answer.body, "ListAllMyBucketsResult", fields, "Bucket")
            names += [bucket["Name"] for bucket in found]
            token = fields.get("ContinuationToken") or None
            if token in seen:
                raise Transient("ListBuckets: the listing of buckets leads in a loop")
            seen.add(token)
    finally:
        await connection.transport.close()
    return sorted(set(names))
