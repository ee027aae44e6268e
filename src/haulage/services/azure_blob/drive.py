"""A container below a prefix as a drive: the calls of the Blob service, to and from the model."""

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

import msgspec

from haulage.model.errors import Changed, Conflict, Denied, Gone, Mismatch, NameRefused, Refused, RootGone, ShortRead
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.services.azure_blob.account import Account, read_account, sas_permissions
from haulage.services.azure_blob.judge import Judge
from haulage.services.azure_blob.metadata import folder_headers, headers_of, markings
from haulage.services.azure_blob.reading import BlobContent, item_of, length_of, opened
from haulage.services.azure_blob.sign import Clock, Plain, SharedKey, Token
from haulage.services.azure_blob.traits import TRAITS
from haulage.services.azure_blob.wire import (
    Listing,
    block_list_body,
    container_names,
    http_time_us,
    listing,
    md5_hex,
    uncommitted_blocks,
)
from haulage.services.contract import Content, Json, Pacer, Precondition
from haulage.services.transport import Answer, Limits, Request, Transport

PAGE_ENTRIES = 5000
PAGE_BYTES = 128 * 1024 * 1024  # 5,000 entries with 8 KB of metadata each, and names of 1,024 characters, escaped
BLOCKS_BYTES = 32 * 1024 * 1024
CHECK_ATTEMPTS = 4  # a person waits for the answer
_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}|\$root|\$web|\$logs")


class BlobDrive:
    """Blobs of one container below a prefix; see the contract for what each method promises."""

    def __init__(self, account: Account, root: str, pacer: Pacer, limits: Limits | None = None) -> None:
        container, _, prefix = root.partition("/")
        if not _CONTAINER.fullmatch(container) or len(container) > 63:
            raise Refused(
                f"{container!r} is no name of a container",
                "Give container or container/prefix: 3 to 63 lower-case letters, digits and single hyphens.",
            )
        if _renamed(prefix):
            raise Refused(f"the prefix {prefix!r} would become another one at the service")
        prefix = prefix.removesuffix("/")
        self.identity = f"az://{account.identity}/{container}" + (f"/{prefix}" if prefix else "")
        self._prefix = f"{prefix}/" if prefix else ""
        self._account = account
        self._container = f"{account.base_url}/{quote(container, safe='$-')}"
        self._transport = _transport(account, f"az://{account.identity}/{container}", pacer, limits)
        self.calls: Mapping[str, int] = self._transport.trace.calls
        names = msgspec.structs.replace(
            TRAITS.names,
            longest_path=(TRAITS.names.longest_path or 0) - len(self._prefix.encode("utf-16-le")) // 2,
            most_parts=(TRAITS.names.most_parts or 0) - self._prefix.count("/"),
        )
        self.traits = msgspec.structs.replace(TRAITS, names=names)

    async def check(self, *, write: bool, create: bool) -> None:
        """See Drive. A listing of one entry is asked for: a SAS for a container may not ask for its properties."""
        allowed = sas_permissions(self._account.sas)
        if write and allowed is not None and not set("wc") & set(allowed):
            raise Denied("the SAS does not allow writing", "Make a SAS with the permissions r, l, c and w.")
        try:
            await self._list("", None, 1, "", CHECK_ATTEMPTS)
        except RootGone:
            if not create:
                raise
            await self._call("CreateContainer", "PUT", self._url("", "restype=container"))
            await self._list("", None, 1, "", CHECK_ATTEMPTS)

    async def tree(self, cursor: str | None) -> Page:
        """One page of everything below the root, in the service's order, folder markers as Kind.FOLDER."""
        found = await self._list(self._prefix, cursor, PAGE_ENTRIES, "")
        return _page(found, cursor, "a blob with bytes has the name of the root itself")

    async def page(self, folder: str, cursor: str | None) -> Page:
        """One page of a folder's children. Raises Gone where nothing is below `folder` and no marker stands for it."""
        below = self._prefix + (f"{folder}/" if folder else "")
        found = await self._list(below, cursor, PAGE_ENTRIES, "/")
        # A marker "a" and blobs below "a/" are one folder.
        found.items = list({(item.kind is Kind.FOLDER, item.path): item for item in found.items}.values())
        nothing = not (found.items or found.foreign or found.marked or found.marker or cursor)
        if folder and nothing:
            there, _ = await self._look(folder)
            if there is None or there.kind is not Kind.FOLDER:
                raise Gone(f"there is no folder {folder!r}")
        return _page(found, cursor, "names that begin with / cannot be shown as folders, only in a whole listing")

    async def item(self, path: str) -> Item | None:
        """The file at `path` as it is now; None if there is none, or only a folder's marker."""
        there, _ = await self._look(path)
        return there if there is not None and there.kind is Kind.FILE else None

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        """Read from byte `start`, pinned to `item.revision`. Raises Changed, Gone, Blocked (archived, leased)."""
        if item.size is not None and start > item.size:
            raise ShortRead(f"{item.path}: reading from byte {start} of {item.size} was asked for")
        # An empty range is refused, so the end of a blob is reached by way of its last byte.
        asked_from = start if item.size is None else min(start, max(item.size - 1, 0))
        headers = {} if item.revision is None else {"If-Match": f'"{item.revision}"'}
        if asked_from:
            headers["x-ms-range"] = f"bytes={asked_from}-"
        async with AsyncExitStack() as stack:
            request = Request("GetBlob", "GET", self._url(item.path), headers)
            try:
                streamed = await stack.enter_async_context(self._transport.stream(request))
            except Changed as changed:
                # The emulator's answer about a blob that is gone is that it does not match (Q12).
                if await self.item(item.path) is None:
                    raise Gone(f"{item.path}: it is not there any more") from changed
                raise
            content: BlobContent = opened(streamed, item, start, asked_from)
            yield content

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """Make the folder's marker: an empty blob of that name; "path/" where a file has the name already."""
        headers = folder_headers(modified_us)
        if not await self._mark(path, headers) and not await self._mark(f"{path}/", headers):
            raise Conflict(f"a file with bytes stands where the marker of folder {path!r} would be")

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See Drive. The service checks the MD5 and stores it."""
        sent = _md5(digests["md5"])
        headers = {"x-ms-blob-type": "BlockBlob", "Content-MD5": sent, **headers_of(carried)}
        try:
            answer = await self._write("PutBlob", path, "", headers, body, condition)
        except Conflict:
            if not condition.absent or (await self._look(path))[0] is not None:
                raise
            # Nothing is there but blocks of an upload that was given up, which the emulator takes for a blob (Q23).
            state = await self.begin(path, len(body), carried, secrets.token_hex(8), condition)
            blocks = [await self.put_part(state, 1, 0, memoryview(body), digests["md5"])] if body else []
            return await self.finish(state, blocks, digests, condition)
        if answer.headers.get("Content-MD5", sent) != sent:
            raise Mismatch(f"{path}: the service stored other bytes than were sent")
        return _written(path, answer, len(body), {"md5": md5_hex(sent)}, parts_checked=False)

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """Makes no call: blocks need no session. Raises TooLarge for metadata before any byte is sent."""
        headers_of(carried)
        return {
            "path": path,
            "size": size,
            "carried": msgspec.to_builtins(carried),
            "blocks": hashlib.sha256(attempt.encode()).hexdigest()[:24],
        }

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """See Drive. A digest is always sent, so that every block of an attempt was checked."""
        if digest is None:
            digest = await asyncio.to_thread(_hash, body)
        block = _block_id(state, number)
        url = self._url(state["path"], f"comp=block&blockid={quote(block, safe='')}")
        await self._call("PutBlock", "PUT", url, {"Content-MD5": _md5(digest)}, body)
        return {"number": number, "id": block, "size": len(body)}

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """The blocks of this attempt that are held; those of other writers of the name are left out."""
        url = self._url(state["path"], "comp=blocklist&blocklisttype=uncommitted")
        try:
            answer = await self._call("GetBlockList", "GET", url, largest_answer=BLOCKS_BYTES)
        except Gone:
            return {}  # neither a blob nor a block has this name: nothing arrived yet, or it expired
        ours = bytes.fromhex(state["blocks"])
        held = {}
        for block, size in uncommitted_blocks(answer.body).items():
            raw = base64.b64decode(block)
            if len(raw) == len(ours) + 4 and raw.startswith(ours):
                number = int.from_bytes(raw[-4:], "big")
                held[number] = {"number": number, "id": block, "size": size}
        return held

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See Drive. All properties and metadata are sent again: the block list sets them anew."""
        path, total = state["path"], sum(receipt["size"] for receipt in receipts)
        if total != state["size"]:
            raise ShortRead(f"{path}: the parts hold {total} bytes, {state['size']} were announced")
        headers = headers_of(msgspec.convert(state["carried"], Carried))
        if "md5" in digests:
            headers["x-ms-blob-content-md5"] = _md5(digests["md5"])
        body = block_list_body(receipt["id"] for receipt in receipts)
        answer = await self._write("PutBlockList", path, "comp=blocklist", headers, body, condition)
        return _written(path, answer, None, {}, parts_checked=True)

    async def abort(self, state: Json) -> None:
        """Makes no call: unused blocks expire by themselves in a week, and nothing else than a write of the blob
        itself could remove them sooner; that is never risked (Q7)."""

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()

    async def _write(
        self, operation: str, path: str, query: str, headers: dict[str, str], body: bytes | memoryview, on: Precondition
    ) -> Answer:
        """Write a whole blob if `on` holds. A write without a condition may be sent again: it changes nothing more.

        A folder's marker does not count as being there: it moves to "path/", and the file takes its place (Q5).
        """
        url, repeatable = self._url(path, query), on == Precondition()
        try:
            return await self._call(operation, "PUT", url, headers | _conditions(on), body, repeatable=repeatable)
        except Conflict:
            there, known = await self._look(path) if on.absent else (None, {})
            if there is None or there.kind is not Kind.FOLDER or not await self._mark(f"{path}/", markings(known)):
                raise
            return await self._call(
                operation, "PUT", url, headers | {"If-Match": known["ETag"]}, body, repeatable=False
            )

    async def _mark(self, name: str, headers: dict[str, str]) -> bool:
        """Make a folder's marker of just that name, unless one is there; False where a file is."""
        headers = {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*", **headers}
        try:
            await self._call("PutBlob", "PUT", self._url(name), headers, b"")
        except Conflict:
            there, _ = await self._look(name)
            return there is not None and there.kind is Kind.FOLDER
        return True

    async def _look(self, path: str) -> tuple[Item | None, Mapping[str, str]]:
        """What is at `path`, and the headers that tell of it."""
        try:
            answer = await self._call("GetBlobProperties", "HEAD", self._url(path))
        except Gone:
            return None, {}
        headers = answer.headers
        return item_of(path, length_of(headers), headers, headers.get("Content-MD5")), headers

    def _url(self, path: str, query: str = "") -> str:
        """Of a blob, or of the container for ""; every byte of the name but "/" and the unreserved is encoded.

        Raises NameRefused for a name that would not stay what it is.
        """
        if _renamed(path):
            raise NameRefused(f"{path!r} would become another name at the service")
        name = f"/{quote(self._prefix + path, safe='/-._~')}" if path else ""
        queries = "&".join(filter(None, (query, self._account.sas)))
        return f"{self._container}{name}" + (f"?{queries}" if queries else "")

    async def _call(
        self,
        operation: str,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        body: bytes | memoryview | None = None,
        *,
        repeatable: bool = True,
        largest_answer: int = 1024 * 1024,
        attempts: int | None = None,
    ) -> Answer:
        request = Request(operation, method, url, headers or {}, body, repeatable, largest_answer, attempts)
        return await self._transport.call(request)

    async def _list(
        self, below: str, cursor: str | None, entries: int, delimiter: str, attempts: int | None = None
    ) -> Listing:
        query = f"restype=container&comp=list&include=metadata&maxresults={entries}"
        for name, value in (("prefix", below), ("delimiter", delimiter), ("marker", cursor)):
            query += f"&{name}={quote(value, safe='')}" if value else ""
        url = self._url("", query)
        answer = await self._call("ListBlobs", "GET", url, largest_answer=PAGE_BYTES, attempts=attempts)
        return await asyncio.to_thread(listing, answer.body, self._prefix, below)


def open_drive(settings: Mapping[str, str], root: str, pacer: Pacer) -> BlobDrive:
    """The drive at "container" or "container/prefix"; makes no call. Raises Refused."""
    return BlobDrive(read_account(settings), root, pacer)


async def containers(settings: Mapping[str, str], pacer: Pacer) -> list[str]:
    """Names of all containers of the account."""
    account = read_account(settings)
    transport = _transport(account, f"az://{account.identity}", pacer)
    names: list[str] = []
    marker: str | None = ""
    try:
        while marker is not None:
            url = f"{account.base_url}/?comp=list&marker={quote(marker, safe='')}"
            url += f"&{account.sas}" if account.sas else ""
            answer = await transport.call(Request("ListContainers", "GET", url))
            told, following = container_names(answer.body)
            names += told
            if following == marker:
                raise Mismatch("the service told to ask for the same page again")
            marker = following
    finally:
        await transport.close()
    return names


def _transport(account: Account, where: str, pacer: Pacer, limits: Limits | None = None) -> Transport:
    clock = Clock()
    token = None if account.key or account.sas else Token(clock)
    return Transport(
        origins=(f"{account.base_url}/",),
        sign=SharedKey(account.name, account.key, clock) if account.key else token or Plain(clock),
        judge=Judge(clock, where),
        pacer=pacer,
        limits=limits,
        ca_file=account.ca_file,
        fresh=token.ready if token else None,
    )


def _renamed(path: str) -> bool:
    """Whether a server, or anything before it, would make another name of it."""
    return "\\" in path or not {".", ".."}.isdisjoint(path.split("/"))


def _page(found: Listing, cursor: str | None, why_nameless: str) -> Page:
    """The page of a listing, with all that speaks against taking it as complete.

    why_nameless: what it means when an entry has the root's own path, ""; such an entry cannot be handed on.
    """
    items = [item for item in found.items if item.path]
    following, why = found.marker, None
    if len(items) < len(found.items):
        why = why_nameless
    if found.foreign:
        why = f"the service listed {found.foreign} names outside of what was asked for"
    if following is not None and following == cursor:
        following, why = None, "the service told to ask for the same page again"
    return Page(items, following, why is None, why)


def _conditions(condition: Precondition) -> dict[str, str]:
    if condition.absent:
        return {"If-None-Match": "*"}
    return {"If-Match": f'"{condition.revision}"'} if condition.revision is not None else {}


def _md5(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _hash(body: memoryview) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _block_id(state: Json, number: int) -> str:
    """12 bytes of the attempt and 4 of the number: all of one length, and no two attempts' blocks ever mix (T09)."""
    return base64.b64encode(bytes.fromhex(state["blocks"]) + number.to_bytes(4, "big")).decode()


def _written(path: str, answer: Answer, size: int | None, hashes: Mapping[str, str], parts_checked: bool) -> Written:
    revision, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
    return Written(
        path,
        revision.strip('"') if revision else None,
        size,
        hashes,
        http_time_us(modified) if modified else None,
        parts_checked=parts_checked,
    )
