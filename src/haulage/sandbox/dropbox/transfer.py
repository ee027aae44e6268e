"""Dropbox's content: download, export, temporary links, upload in one request."""

import hashlib
import html
import json
import re
from typing import Any

import msgspec

from haulage.sandbox.dropbox.desk import Desk, View
from haulage.sandbox.dropbox.model import Entry, Revision
from haulage.sandbox.dropbox.shapes import Shapes
from haulage.sandbox.dropbox.store import Store
from haulage.sandbox.dropbox.texts import read_date
from haulage.sandbox.dropbox.wire import (
    API,
    CONTENT,
    READABLE,
    Arg,
    bad_input,
    check_path,
    failure,
    nested,
    problem,
    route,
    tag_of,
    tagged,
)
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal, ranged

LARGEST_REQUEST_BYTES = 150 << 20
LINK_SECONDS = 4 * 3600.0
BOLD = re.compile(r"(\*\*|__)(.+?)\1")
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


class Path(Arg):
    """Just a path."""

    path: str


class Download(Arg):
    """DownloadArg."""

    path: str
    rev: str | None = None


class Export(Arg):
    """ExportArg."""

    path: str
    export_format: str | None = None


class Commit(Arg):
    """CommitInfo."""

    path: str
    mode: Any = "add"
    autorename: bool = False
    client_modified: str | None = None
    mute: bool = False
    property_groups: list[Any] | None = None
    strict_conflict: bool = False


class Upload(Commit):
    """UploadArg."""

    content_hash: str | None = None


class PaperCreate(Arg):
    """PaperCreateArg."""

    path: str
    import_format: Any


class ContentDesk(Desk):
    """A desk whose routes take files in."""

    def __init__(self, store: Store, shapes: Shapes) -> None:
        super().__init__(store)
        self.shapes = shapes

    def check_commit(self, call: Call, commit: Commit, style: str = "upload", field: str = "path") -> None:
        """Refuse what is no commit at all: 400."""
        check_path(call, commit.path, style, field=field)
        where = "request body" if style == "rpc" else 'HTTP header "Dropbox-API-Arg"'
        mode = tag_of(commit.mode)
        if mode not in ("add", "overwrite", "update"):
            raise bad_input(call, where, f"mode: unknown tag {mode!r}")
        if mode == "update" and not (isinstance(commit.mode, dict) and isinstance(commit.mode.get("update"), str)):
            raise bad_input(call, where, "mode: missing required field 'update'")
        if commit.client_modified is not None and read_date(commit.client_modified) is None:
            told = f"time data {commit.client_modified!r} does not match format '%Y-%m-%dT%H:%M:%SZ'"
            raise bad_input(call, where, f"client_modified: {told}")

    async def write(self, call: Call, view: View, commit: Commit, content: Content) -> dict[str, Any]:
        """Put the content where the commit says, visible from now on. Returns FileMetadata. Raises Refusal."""
        await self.hashed([content])
        folder, name = self.folder_for(call, view, commit.path)
        self.room(call, view, content.size)
        there = self.store.child(folder, name)
        now = float(int(self.world.clock.now()))
        modified = read_date(commit.client_modified) if commit.client_modified else None
        modified = now if modified is None else modified
        if there is not None:
            entry = self._over(call, there, folder, commit, content, modified)
        else:
            if tag_of(commit.mode) == "update" and not commit.autorename and commit.strict_conflict:
                raise self.write_failed(call, "conflict", "file")
            entry = self._new(call, folder, name, content, modified)
        return self.shapes.file(call, entry, self.place(view, entry))

    def _over(
        self, call: Call, there: Entry, folder: Entry, commit: Commit, content: Content, modified: float
    ) -> Entry:
        """Write where something is already."""
        mode = tag_of(commit.mode)
        if there.folder:
            if not commit.autorename:
                raise self.write_failed(call, "conflict", "folder")
            return self._new(call, folder, self.store.free_name(folder, there.name), content, modified)
        current = mode == "overwrite" or (mode == "update" and commit.mode["update"] == there.rev)
        digest = self.world.contents.digest
        if digest(there.content, "dropbox") == digest(content, "dropbox") and not commit.strict_conflict:
            return there  # the same content already: nothing is written, not even the date
        if current:
            if there.extra and there.extra.export_as:
                raise self.write_failed(call, "conflict", "file")
            self.store.replace(there, content, modified, call.event.actor)
            self.note(call, there, "content")
            return there
        if not commit.autorename:
            raise self.write_failed(call, "conflict", "file")
        name = there.name
        if mode == "update":
            stem, dot, ending = name.rpartition(".")
            mark = " (conflicted copy)"
            name = f"{stem}{mark}{dot}{ending}" if stem else f"{name}{mark}"
        return self._new(call, folder, self.store.free_name(folder, name), content, modified)

    def _new(self, call: Call, folder: Entry, name: str, content: Content, modified: float) -> Entry:
        now = self.world.clock.now()
        made = Entry(
            self.store.new_id(), name, folder.id, folder.ns, False, "", self.store.new_rev(), content, modified, now,
            call.event.actor,
        )  # fmt: skip
        self.store.put(made)
        self.note(call, made, "create")
        return made

    async def received(self, call: Call, told: str | None) -> Content:
        """The body, where it is not too long and is what its content_hash says. Raises Refusal."""
        if call.fault("daily_limit") is not None:  # the month's transports of a business team are used up
            error = {".tag": "invalid_account_type", "invalid_account_type": tagged("feature")}
            raise Refusal(problem(call, 403, error))
        draft = await call.draft(self.world.contents)
        if draft.size > LARGEST_REQUEST_BYTES:
            raise failure(call, tagged("payload_too_large"))
        content = draft.content()
        if told is not None:
            await self.hashed([content])
            if self.world.contents.digest(content, "dropbox").hex() != told:
                raise failure(call, tagged("content_hash_mismatch"))
        return content


class Transfer(ContentDesk):
    """Source: dropbox.com/developers/documentation/http/documentation#files-download, -upload, -export."""

    def __init__(self, store: Store, shapes: Shapes) -> None:
        super().__init__(store, shapes)
        self._exports: dict[str, Content] = {}

    def routes(self) -> list[Route]:
        """The routes."""
        read, write = "files.content.read", "files.content.write"
        download = route("files/download", "download", Download, self.download, read, "download")
        link, told, opened = "files/get_temporary_link", "temporary link", {"open": True}
        return [
            download,
            msgspec.structs.replace(download, method="GET"),
            route("files/export", "export", Export, self.export, read, "download"),
            route(link, "temporary-link", Path, self.temporary_link, read),
            Route("GET", CONTENT, "/apitl/1/{ticket}", told, told.replace(" ", "-"), self.linked, details=opened),
            route("files/upload", "upload", Upload, self.upload, write, "upload"),
        ]  # fmt: skip

    def _file(self, call: Call, path: str, rev: str | None) -> tuple[View, Entry, Revision]:
        """The file and the revision of it that is asked for. Raises Refusal."""
        check_path(call, path, "download", form=READABLE)
        view = self.view(call)
        wanted = f"rev:{rev}" if rev else path
        entry = self.existing(call, view, wanted)
        if entry.folder:
            raise failure(call, nested("path", "not_file"))
        if entry.extra and entry.extra.blocked:
            raise failure(call, nested("path", "restricted_content"))
        if wanted.startswith("rev:") and (found := self.store.of_rev(wanted[4:])) is not None:
            return view, entry, found[1]
        return view, entry, Revision(entry.rev, entry.content, entry.client_modified, entry.server_modified)

    async def download(self, call: Call, arg: Download) -> Answer:
        """The bytes; the facts are in a header."""
        view, entry, revision = self._file(call, arg.path, arg.rev)
        if entry.extra and entry.extra.export_as:
            raise failure(call, tagged("unsupported_file"))
        await self.hashed([revision.content])
        facts = self.shapes.file(call, entry, self.place(view, entry), revision)
        etag = f'"{revision.rev}"'
        if call.headers.get("If-None-Match", "").removeprefix("W/") == etag:
            return Answer(304, {"ETag": etag})
        headers = {"Dropbox-API-Result": _ascii(facts), "ETag": f"W/{etag}", "Cache-Control": "no-cache"}
        return ranged(call, revision.content, Sight(entry.id, revision.rev), headers)

    async def export(self, call: Call, arg: Export) -> Answer:
        """A Paper document, or another that is kept in the cloud only, in a form that one can keep."""
        view, entry, revision = self._file(call, arg.path, None)
        extra = entry.extra
        if extra is None or not extra.export_as:
            raise failure(call, tagged("non_exportable"))
        form = arg.export_format or extra.export_as
        if form not in (extra.export_options or [extra.export_as]):
            raise failure(call, tagged("invalid_export_format"))
        if call.fault("async_failure") is not None:
            raise failure(call, tagged("retry_error"))
        content = self._exported(revision.content, form)
        await self.hashed([content, revision.content])
        stem = entry.name.rpartition(".")[0]
        exported = {
            "name": f"{stem}.{'md' if form == 'markdown' else form}",
            "size": content.size,
            "export_hash": self.world.contents.digest(content, "dropbox").hex(),
            "paper_revision": 1 + len(extra.past),
        }
        facts = {"export_metadata": exported, "file_metadata": self.shapes.file(call, entry, self.place(view, entry))}
        return ranged(call, content, Sight(entry.id, revision.rev), {"Dropbox-API-Result": _ascii(facts)})

    def _exported(self, content: Content, form: str) -> Content:
        """The document in that form, which is another length than is listed."""
        if form not in ("html", "markdown"):
            return self.world.contents.drawn(content.size + 1_234, 5)
        text = self.world.contents.whole(content).decode("utf-8", "replace")
        if form == "html":
            text = f"<!DOCTYPE html><html><body>{_html(text)}</body></html>\n"
        return self._kept(text)

    def _kept(self, text: str) -> Content:
        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in self._exports:
            self._exports[key] = self.world.contents.of(text.encode())
        return self._exports[key]

    async def temporary_link(self, call: Call, arg: Path) -> Any:
        """A link that anybody may use for four hours."""
        view, entry, revision = self._file(call, arg.path, None)
        if entry.extra and entry.extra.export_as:
            raise failure(call, tagged("unsupported_file"))
        await self.hashed([revision.content])
        until = int(self.world.clock.now() + LINK_SECONDS)
        ticket = f"{entry.id.removeprefix('id:')}.{revision.rev}.{until}"
        sign = self.world.ids.hex("dropbox", "link", ticket, count=24)
        facts = self.shapes.file(call, entry, self.place(view, entry))
        return {"metadata": facts, "link": f"{call.at(CONTENT)}/apitl/1/{ticket}.{sign}"}

    def linked(self, call: Call) -> Answer:
        """The bytes behind a temporary link."""
        ticket, _, sign = call.params["ticket"].rpartition(".")
        if sign != self.world.ids.hex("dropbox", "link", ticket, count=24):
            return problem(call, 404, tagged("not_found"))
        _, rev, until = ticket.split(".")
        found = self.store.of_rev(rev)
        if self.world.clock.now() > int(until) or found is None:
            return problem(call, 410, tagged("expired"))
        return ranged(call, found[1].content, Sight(found[0].id, rev))

    async def upload(self, call: Call, arg: Upload) -> Any:
        """A file of at most 150 MiB in one request."""
        self.check_commit(call, arg)
        view = self.view(call)
        content = await self.received(call, arg.content_hash)
        return await self.write(call, view, arg, content)

    def write_failed(self, call: Call, *tags: str) -> Refusal:
        """UploadError has a struct under `path`: the reason, and the session in which the bytes are kept."""
        session = "pid_upload_session:" + self.world.ids.base64url("dropbox", "kept", call.event.number, count=40)
        return failure(call, tagged("path", reason=nested(*tags), upload_session_id=session))


class Paper(ContentDesk):
    """Source: dropbox.com/developers/documentation/http/documentation#files-paper-create."""

    def routes(self) -> list[Route]:
        """The route: of the style of uploads, but on the host of calls."""
        made = route("files/paper/create", "paper", PaperCreate, self.paper, "files.content.write", "upload")
        return [msgspec.structs.replace(made, host=API)]

    def write_failed(self, call: Call, *tags: str) -> Refusal:
        """The route's error for what cannot be written."""
        return failure(call, tagged("insufficient_permissions" if tags[0] == "no_write_permission" else "invalid_path"))

    async def paper(self, call: Call, arg: PaperCreate) -> Any:
        """A new Paper document of HTML, Markdown or text."""
        form = tag_of(arg.import_format)
        if form not in ("html", "markdown", "plain_text"):
            raise bad_input(call, 'HTTP header "Dropbox-API-Arg"', f"import_format: unknown tag {form!r}")
        if not arg.path.lower().endswith(".paper"):
            raise failure(call, tagged("invalid_file_extension"))
        view = self.view(call)
        content = await self.received(call, None)
        folder, name = self.folder_for(call, view, arg.path)
        entry = self._new(call, folder, self.store.free_name(folder, name), content, self.world.clock.now())
        entry.more().export_as, entry.more().export_options = "html", ["html", "markdown"]
        url = f"https://www.dropbox.com/scl/fi/{entry.id.removeprefix('id:')}/{entry.rev}"
        path = self.place(view, entry)
        return {"url": url, "result_path": path, "file_id": entry.id, "paper_revision": 1}


def _ascii(facts: Any) -> str:
    """JSON for a header: everything beyond ASCII, and DEL, escaped."""
    return json.dumps(facts).replace("\x7f", "\\u007f")


def _html(text: str) -> str:
    """A Paper document as HTML: headings, bold words, links, paragraphs."""
    made = []
    for line in html.escape(text, quote=False).splitlines():
        line = BOLD.sub(r"<b>\2</b>", LINK.sub(r'<a href="\2">\1</a>', line))
        depth = len(line) - len(line.lstrip("#"))
        made.append(f"<h{depth}>{line[depth:].strip()}</h{depth}>" if 0 < depth < 7 else f"<p>{line}</p>")
    return "".join(made)
