"""Egnyte's bytes: downloads, uploads at once, and uploads in chunks."""

import email.utils
import hashlib
import re

from haulage.sandbox.egnyte.desk import FILES, Desk
from haulage.sandbox.egnyte.fs import FileSystem
from haulage.sandbox.egnyte.model import Chunk, Item, Upload, Version
from haulage.sandbox.egnyte.people import HOST
from haulage.sandbox.egnyte.wire import said
from haulage.sandbox.frame.clock import http_date
from haulage.sandbox.frame.contents import EMPTY, Content
from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer, ranged

CHECKSUM = "X-Sha512-Checksum"
UPLOAD_ID, CHUNK_NUMBER = "X-Egnyte-Upload-Id", "X-Egnyte-Chunk-Num"
CHUNK_CHECKSUM, LAST_CHUNK = "X-Egnyte-Chunk-Sha512-Checksum", "X-Egnyte-Last-Chunk"
LARGEST_UPLOAD_BYTES = 100 << 20
LARGEST_CHUNK_BYTES = 1 << 30
UPLOAD_SECONDS = 86_400.0


class Bytes(Desk):
    """/pubapi/v1/fs-content and fs-content-chunked."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        plain, chunked = "/pubapi/v1/fs-content", "/pubapi/v1/fs-content-chunked"
        made = []
        for path in ("/ids/file/{id}", "/{path*}"):
            made += [
                Route("GET", HOST, plain + path, "download", "content", self.download, FILES),
                Route("POST", HOST, plain + path, "upload", "content", self.upload, FILES),
                Route("POST", HOST, chunked + path, "upload chunk", "chunked", self.chunk, FILES),
            ]
        return made

    def _version(self, call: Call, item: Item) -> Version:
        wanted = call.query.get("entry_id")
        found = next((one for one in item.versions if one.entry == wanted), None) if wanted else item.current
        if found is None:
            raise said(404, "The version was not found")
        return found

    async def download(self, call: Call) -> Answer:
        """The bytes of a file, or of one of its versions, or a range of them."""
        item = self.item(call, "Viewer")
        if item.is_folder:
            raise said(400, "A folder has no content")
        version = self._version(call, item)
        await self.store.hash([version])
        headers = self._headers(call, version)
        return ranged(call, version.content, Sight(item.id, version.entry), headers)

    def _headers(self, call: Call, version: Version) -> dict[str, str]:
        checksum = self.store.checksum(version)
        if call.fault("checksum_wrong") is not None:
            checksum = checksum[:-1] + ("0" if checksum[-1] != "0" else "1")
        told = {"ETag": f'"{version.entry}"', "Last-Modified": http_date(version.modified_at)}
        return told if call.fault("checksum_absent") is not None else {**told, CHECKSUM: checksum}

    async def _body(self, call: Call, limit: int) -> Content:
        """What is sent: the body itself, or the part `file` of a form. Raises Refusal: too long."""
        draft = self.service.world.contents.draft()
        if call.headers.get("Content-Type", "").startswith("multipart/form-data"):
            try:
                async for _, name, chunks in call.parts():
                    async for chunk in chunks:
                        if name == "file":
                            draft.write(chunk)
            except ValueError:
                raise said(400, "The multipart body is malformed") from None
        else:
            async for chunk in call.chunks():
                draft.write(chunk)
        if draft.size > limit:
            raise said(413, "The request is too large")
        content = draft.content()
        await self.store.hashed(content)
        return content

    def _target(self, call: Call) -> tuple[Item | None, Item, str]:
        """What is there already (None: nothing), the folder it is in or to be in, and its name. Raises Refusal."""
        if "id" in call.params:
            item = self.item(call, "Editor")
            self.unlocked(call, item)
            return item, self.store.state.items[item.parent], item.name
        path = self.path(call)
        parent, name = self.place(call, path, folder=False)
        there = self.store.find(path)
        if there is not None and there.is_folder:
            raise said(403, "A folder exists at this location")
        if there is not None:
            self.unlocked(call, there)
        return there, parent, there.name if there is not None else name

    async def upload(self, call: Call) -> Answer:
        """A new file, or a new version of one: there is no way to ask for a new file only."""
        self._target(call)
        content = await self._body(call, LARGEST_UPLOAD_BYTES)
        told = call.headers.get(CHECKSUM, "").lower()
        if told and told != self.store.digest(content):
            raise said(400, "The checksum does not match what was received")
        return self._stored(call, content, self._modified(call))

    def _modified(self, call: Call) -> float | None:
        told = email.utils.parsedate_to_datetime(text) if (text := _date(call)) else None
        return told.timestamp() if told is not None else None

    def _stored(self, call: Call, content: Content, modified: float | None, checksum: str = "") -> Answer:
        there, parent, name = self._target(call)
        now, user = self.service.world.clock.now(), self.user(call)
        version = Version(
            self.store.new_id("entry"), content, now if modified is None else modified, now, user.name, checksum
        )
        if there is None:
            there = Item(self.store.new_id("file"), name, parent.id, now, now, versions=[version])
            self.store.add(there)
        else:
            there.versions = [*there.versions, version]
            self.store.touched(parent.id)
        self.changed(call, there, "create" if len(there.versions) == 1 else "content")
        FileSystem(self.service).tell(call, "create", there)
        # The JavaScript SDK's tests compare an upload's tag, as it comes, with the entry_id; a download's is quoted
        headers = self._headers(call, version) | {"ETag": version.entry}
        told = {
            "checksum": headers.get(CHECKSUM, ""),
            "group_id": there.id,
            "entry_id": version.entry,
            "path": self.store.path(there),
            "filename": there.name,
            "last_modified": http_date(version.modified_at),
            "size": content.size,
        }
        return json_answer(told, headers=headers)

    async def chunk(self, call: Call) -> Answer:
        """A chunk; the last one makes the file, once all others are there."""
        last = call.headers.get(LAST_CHUNK, "").lower() == "true"
        self._target(call)
        upload = self._upload(call)
        number = call.headers.get(CHUNK_NUMBER, "1")
        if not re.fullmatch(r"[1-9]\d{0,4}", number):
            raise said(400, "The chunk number has to be a whole number from 1")
        content = await self._body(call, LARGEST_CHUNK_BYTES)
        digest = self.store.digest(content)
        told = call.headers.get(CHUNK_CHECKSUM, "").lower()
        if told and told != digest:
            raise said(400, "The chunk's checksum does not match what was received")
        smallest = self.store.state.smallest_chunk
        if content.size < smallest and not last:
            raise said(400, f"A chunk that is not the last has at least {smallest} bytes")
        lost = call.fault("part_lost") is not None
        upload.chunks[int(number)] = Chunk(content.size, EMPTY if lost else content, digest)
        upload.modified_at = self._modified(call) or upload.modified_at
        answer = self._whole(call, upload, int(number)) if last else json_answer({})
        answer.headers |= {UPLOAD_ID: upload.id, CHUNK_NUMBER: number, CHUNK_CHECKSUM: digest}
        return answer

    def _upload(self, call: Call) -> Upload:
        """The upload that the chunk belongs to; the first chunk begins one."""
        identifier = call.headers.get(UPLOAD_ID, "")
        uploads, now, user = self.store.state.uploads, call.event.time, self.user(call)
        where = call.params.get("id") or self.path(call)
        if not identifier:
            made = Upload(self.store.new_id("upload"), where, user.name, now)
            uploads[made.id] = made
            return made
        found = uploads.get(identifier)
        if call.fault("session_lost") is not None:
            uploads.pop(identifier, None)
            found = None
        if found is None or found.begun_at + UPLOAD_SECONDS <= now or (found.user, found.where) != (user.name, where):
            raise said(404, "The upload id was not found")
        return found

    def _whole(self, call: Call, upload: Upload, last: int) -> Answer:
        """All chunks as one file, with its composite checksum."""
        if sorted(upload.chunks) != list(range(1, last + 1)):
            raise said(400, "Chunks are missing")
        chunks = [upload.chunks[number] for number in range(1, last + 1)]
        size = chunks[0].size
        if any(one.size != size for one in chunks[:-1]) or chunks[-1].size > size:
            raise said(400, "All chunks but the last have the same size, and the last is not larger")
        joined = hashlib.sha512("".join(one.digest for one in chunks).encode()).hexdigest()
        checksum = f"2-{last}-{size}-{joined}"
        told = call.headers.get(CHECKSUM, "").lower()
        if told and told != checksum:
            raise said(400, "The checksum does not match what was received")
        content = self.service.world.contents.join([one.content for one in chunks])
        answer = self._stored(call, content, upload.modified_at, checksum)
        del self.store.state.uploads[upload.id]
        return answer


def _date(call: Call) -> str:
    """The Last-Modified that was sent, if it can be read."""
    text = call.headers.get("Last-Modified", "")
    return text if text and email.utils.parsedate_tz(text) else ""
