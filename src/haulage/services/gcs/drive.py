"""A Cloud Storage bucket below a prefix as a drive: wire to model and back, nothing else."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote

import msgspec

from haulage.model.errors import Changed, Conflict, Gone, HaulageError, Refused, RootGone, Transient
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.services.contract import ABSENT, Pacer, Precondition
from haulage.services.gcs.carry import FOLDER_TYPE, carried_of, item_of, modified_us, resource_of
from haulage.services.gcs.credentials import Token, read_login
from haulage.services.gcs.judge import INSERT, Judge
from haulage.services.gcs.place import Place
from haulage.services.gcs.traits import LONGEST_NAME_BYTES, TRAITS
from haulage.services.gcs.uploads import JSON_TYPE, Uploads, condition_query, written_of
from haulage.services.gcs.wire import LIST_FIELDS, OBJECT_FIELDS, Buckets, Object, Objects, read
from haulage.services.reading import StreamedContent, content_range
from haulage.services.transport import Request, Streamed, Transport

PAGE_ENTRIES = 1000


class Connection:
    """A place, the credentials for it, and the transport that speaks to it. Makes no call yet. Raises Refused."""

    def __init__(self, settings: Mapping[str, str], root: str, pacer: Pacer) -> None:
        self.place = Place(settings, root)
        login, ca_file = read_login(settings), settings.get("ca_file") or None
        self.token = Token(login, public=self.place.public, pacer=pacer, ca_file=ca_file) if login else None
        self.project = settings.get("project") or (login.project_id or login.quota_project_id if login else "")
        self.transport = Transport(
            origins=(self.place.origin,),
            credentials=self.token,
            judge=Judge(self.place),
            pacer=pacer,
            ca_file=ca_file,
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self.transport.close()
        if self.token is not None:
            await self.token.close()


class BucketDrive(Uploads):
    """See `contract.Drive` and `contract.ListsTree`."""

    def __init__(self, settings: Mapping[str, str], root: str, pacer: Pacer) -> None:
        if not root.partition("/")[0]:
            raise Refused(
                "Cloud Storage: the location names no bucket", "Write it as gs://bucket or gs://bucket/folder."
            )
        self._connection = Connection(settings, root, pacer)
        self._place, self._transport = self._connection.place, self._connection.transport
        self._held = {}
        self.identity = self._place.identity
        self.calls: Mapping[str, int] = self._transport.trace.calls
        room = LONGEST_NAME_BYTES - len(self._place.prefix.encode("utf-8", "replace"))
        self.traits = msgspec.structs.replace(
            TRAITS, names=msgspec.structs.replace(TRAITS.names, longest_path=max(0, room))
        )

    # --- what is there

    async def check(self, *, write: bool, create: bool) -> None:
        """See `Drive.check`. Writing is not tried: no test object is ever made."""
        request = self._list(self._place.prefix, None, "", 1)
        request.attempts = 3
        try:
            await self._transport.call(request)
        except RootGone:
            if not create:
                raise
            await self._create_bucket()

    async def _create_bucket(self) -> None:
        project = self._connection.project
        if not project and self._place.public:
            raise Refused(
                "Cloud Storage: a new bucket belongs to a project", "Set project, or make the bucket yourself."
            )
        url = self._place.buckets_url(f"project={quote(project or 'haulage', safe='')}")
        body = msgspec.json.encode({"name": self._place.bucket})
        try:
            await self._transport.call(Request("CreateBucket", "POST", url, dict(JSON_TYPE), body))
        except Conflict:
            await self._transport.call(self._list(self._place.prefix, None, "", 1))  # ours already, or somebody else's

    def _list(self, below: str, cursor: str | None, delimiter: str, entries: int) -> Request:
        query = f"maxResults={entries}&fields={LIST_FIELDS}"
        for name, value in (("prefix", below), ("delimiter", delimiter), ("pageToken", cursor)):
            query += f"&{name}={quote(value, safe='')}" if value else ""
        return Request("ListObjects", "GET", self._place.list_url(query))

    async def _page(self, below: str, cursor: str | None, delimiter: str) -> tuple[Page, bool]:
        """A page of what lies below the name `below`, and whether the answer held anything at all."""
        try:
            answer = await self._transport.call(self._list(below, cursor, delimiter, PAGE_ENTRIES))
        except HaulageError as error:
            if cursor is not None and type(error) is HaulageError:
                why = f"the service does not go on with the listing where it stood ({error.message})"
                return Page([], None, False, why), True
            raise
        found = read(answer.body, Objects, "ListObjects")
        if found.kind != "storage#objects":
            raise Transient("ListObjects: the answer is no listing")
        return _page_of(found, self._place.prefix, below, cursor), bool(found.items or found.prefixes)

    async def tree(self, cursor: str | None) -> Page:
        """See `ListsTree.tree`."""
        return (await self._page(self._place.prefix, cursor, ""))[0]

    async def page(self, folder: str, cursor: str | None) -> Page:
        """See `Drive.page`."""
        below = self._place.prefix + (folder + "/" if folder else "")
        page, anything = await self._page(below, cursor, "/")
        if folder and cursor is None and not anything and page.cursor is None and page.complete:
            raise Gone(f"there is no folder {folder!r}")
        return page

    async def item(self, path: str) -> Item | None:
        """See `Drive.item`."""
        try:
            return item_of(path, await self._resource(path, ""))
        except Gone:
            return None

    async def _resource(self, path: str, more: str) -> Object:
        url = self._place.object_url(path, f"fields={OBJECT_FIELDS}{more}")
        return read((await self._transport.call(Request("GetObject", "GET", url))).body, Object, "GetObject")

    # --- reading

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[StreamedContent]:
        """See `Drive.open`. What goes along stands in the resource alone, so that is asked for first (Q7)."""
        pin = f"&ifGenerationMatch={quote(item.revision, safe='')}" if item.revision is not None else ""
        found = await self._resource(item.path, pin)
        now, carried = item_of(item.path, found), carried_of(found)
        if item.revision is not None and (now.revision != item.revision or now.size != item.size):
            raise Changed("the object is another generation than the one that was listed")
        if start >= (now.size or 0):
            yield StreamedContent(now, carried, None, 0, 0)
            return
        for first in (start, 0):
            async with self._transport.stream(self._get(item.path, now, first)) as streamed:
                if (skip := _skipped(streamed, now, start)) is not None:
                    yield StreamedContent(now, carried, streamed, skip, (now.size or 0) - start)
                    return
        raise Transient("GetObject: the service answers a range that was not asked for")

    def _get(self, path: str, now: Item, first: int) -> Request:
        # Without this header an object that is stored as gzip would be unpacked on the way (Q8).
        headers = {"Accept-Encoding": "gzip"} | ({"Range": f"bytes={first}-"} if first else {})
        pin = quote(now.revision or "", safe="")
        return Request("GetMedia", "GET", self._place.object_url(path, f"alt=media&ifGenerationMatch={pin}"), headers)

    # --- writing

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See `Drive.create_folder`. Folders above are implied by the name; what is there is never replaced."""
        if not path:
            return
        carried = Carried(modified_us=modified_us, content_type=FOLDER_TYPE)
        try:
            await self._transport.call(self._insert(path + "/", b"", carried, {}, ABSENT))
        except Conflict:
            return

    def _insert(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Request:
        """One request with the object's resource and its bytes, as multipart/related."""
        resource = resource_of(carried, digests) | {"name": self._place.name_of(path)}
        mark = secrets.token_hex(16)
        content_type = (carried.content_type or "application/octet-stream").encode("ascii", "replace")
        if b"\r" in content_type or b"\n" in content_type:
            raise Refused(
                "the item's content type holds a line break", "Correct the item's content type at the source."
            )
        whole = b"".join(
            (
                f"--{mark}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n".encode(),
                msgspec.json.encode(resource),
                b"\r\n--%b\r\nContent-Type: %b\r\n\r\n" % (mark.encode(), content_type),
                body,
                f"\r\n--{mark}--\r\n".encode(),
            )
        )
        conditions = condition_query(condition)
        url = self._place.upload_url(f"uploadType=multipart&fields={OBJECT_FIELDS}{conditions}")
        headers = {"Content-Type": f"multipart/related; boundary={mark}"}
        return Request(INSERT, "POST", url, headers, whole, repeatable=not conditions)

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See `Drive.put`. The service checks the CRC32C (and the MD5, where known) before it stores anything."""
        answer = await self._transport.call(self._insert(path, body, carried, digests, condition))
        return written_of(path, answer.body, INSERT)

    async def close(self) -> None:
        """See `Drive.close`."""
        await self._connection.close()


def _page_of(found: Objects, prefix: str, below: str, cursor: str | None) -> Page:
    """The page as items relative to `prefix`; what cannot be right in it makes it incomplete."""
    items: list[Item] = []
    trouble: list[str] = []
    names: set[str] = set()
    for one in found.items:
        path = one.name[len(prefix) :]
        if not one.name.startswith(below):
            trouble.append("it holds a name from elsewhere")
        elif one.name in names:
            trouble.append("it holds a name twice")
        else:
            names.add(one.name)
            if (item := _listed(one, path, one.name == below)) is not None:
                items.append(item)
    for name in found.prefixes:
        if not name.startswith(below) or len(name) == len(below):
            trouble.append("it holds a folder from elsewhere")
        elif name[len(prefix) :] == "/":
            trouble.append("it holds a folder without a name, which only the flat listing can show")
        else:
            items.append(Item(name[len(prefix) : -1], Kind.FOLDER))
    following = found.next_page_token
    if following is not None and following == cursor:
        following = None
        trouble.append("its token leads in a loop")
    why = f"a page of the listing cannot be right: {trouble[0]}" if trouble else None
    return Page(items, following, not trouble, why)


def _listed(found: Object, path: str, root: bool) -> Item | None:
    """An entry as an item: an empty object whose name ends in a slash marks a folder; None for the folder's own."""
    if found.size == "0" and path.endswith("/") and path != "/":
        return None if root else Item(path[:-1], Kind.FOLDER, modified_us=modified_us(found))
    if root and found.size == "0":
        return None
    if not path:
        size = int(found.size) if found.size and found.size.isdecimal() else None
        return Item("", Kind.OTHER, size, note="data under the root's own name, which has no path")
    return item_of(path, found)


def _skipped(streamed: Streamed, now: Item, start: int) -> int | None:
    """How many bytes of the answer come before `start`; None for a range that was not asked for (T10, F17).

    Raises Changed where the answer is of another generation.
    """
    headers = streamed.answer.headers
    if headers.get("X-Goog-Generation", now.revision) != now.revision:
        raise Changed("the object was replaced while it was opened")
    if streamed.answer.status != 206:
        return start
    first, last, size = content_range(headers.get("Content-Range", ""))
    whole = (now.size or 0) if size is None else int(size)
    return 0 if start and first == start and last + 1 == whole == now.size else None


async def bucket_names(settings: Mapping[str, str], pacer: Pacer) -> list[str]:
    """The project's buckets, by name. Raises AuthLost, Denied, Unreachable; Refused where no project is known."""
    connection = Connection(settings, "", pacer)
    if not connection.project and connection.place.public:
        raise Refused(
            "Cloud Storage: buckets are listed by project", "Set project, or name the bucket in the location."
        )
    names: list[str] = []
    token, seen = "", set()
    try:
        while token not in seen:
            seen.add(token)
            query = f"project={quote(connection.project or 'haulage', safe='')}&maxResults=1000"
            query += f"&pageToken={quote(token, safe='')}" if token else ""
            answer = await connection.transport.call(
                Request("ListBuckets", "GET", connection.place.buckets_url(query), attempts=3)
            )
            found = read(answer.body, Buckets, "ListBuckets")
            names += [bucket.name for bucket in found.items]
            token = found.next_page_token or ""
            if not token:
                return sorted(set(names))
    finally:
        await connection.close()
    raise Transient("ListBuckets: the listing of buckets leads in a loop")


def open_drive(settings: Mapping[str, str], root: str, pacer: Pacer) -> BucketDrive:
    """The drive at "bucket" or "bucket/prefix"; makes no call. Raises Refused."""
    return BucketDrive(settings, root, pacer)
