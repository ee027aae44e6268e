"""Nextcloud's WebDAV, simulated from its documents: X-OC-Mtime, OC-Checksum, conditions, quota, chunked uploads.

https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/ (2026-11). Files lie in a folder; what
Nextcloud keeps in its database (ETags, checksums) in memory. As a program: `python -m testbed.nextcloud PORT FOLDER`.

kind "owncloud": OC-Checksum is compared with the content, as ownCloud does and Nextcloud does not.
"""

import asyncio
import base64
import hashlib
import itertools
import os
import re
import secrets
import shutil
import sys
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from aiohttp import web
from defusedxml.ElementTree import fromstring

from testbed.process import Program, Server, ask

DAV, OC = "{DAV:}", "{http://owncloud.org/ns}"
PREFIX = {"DAV:": "d", "http://owncloud.org/ns": "oc", "http://nextcloud.org/ns": "nc"}


class Refusal(Exception):
    """An error answer in sabre's form."""

    def __init__(self, status: int, exception: str, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.exception = exception
        self.message = message


class Cloud:
    """One user's files and uploads."""

    def __init__(self, folder: Path, user: str, password: str, kind: str, quota_bytes: int | None) -> None:
        self.files = folder / "tree"
        self.uploads = folder / "uploads"
        self.files.mkdir(parents=True, exist_ok=True)
        self.uploads.mkdir(exist_ok=True)
        self._user = user
        self._login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._kind = kind
        self._quota_bytes = quota_bytes
        self._etags: dict[Path, str] = {}
        self._checksums: dict[Path, str] = {}
        self._destinations: dict[Path, str] = {}
        self._names = itertools.count()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        try:
            if request.headers.get("Authorization") != f"Basic {self._login}":
                raise Refusal(401, "Sabre\\DAV\\Exception\\NotAuthenticated", "Cannot authenticate over ajax calls")
            path, is_upload = self._path(request.rel_url.raw_path)
            return await self._answer(request, path, is_upload)
        except Refusal as refusal:
            body = (
                '<?xml version="1.0" encoding="utf-8"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
                f"<s:exception>{refusal.exception}</s:exception><s:message>{escape(refusal.message)}</s:message></d:error>"
            )
            headers = {"WWW-Authenticate": 'Basic realm="Nextcloud", charset="UTF-8"'} if refusal.status == 401 else {}
            return web.Response(status=refusal.status, text=body, content_type="application/xml", headers=headers)

    def _path(self, raw: str) -> tuple[Path, bool]:
        """Where a request's path lies, and whether that is among the uploads."""
        for before, root in (
            (f"/remote.php/dav/files/{quote(self._user)}", self.files),
            ("/remote.php/webdav", self.files),
            (f"/remote.php/dav/uploads/{quote(self._user)}", self.uploads),
        ):
            if raw == before or raw.startswith(before + "/"):
                return self._below(root, raw[len(before) :]), root is self.uploads
        raise Refusal(404, "Sabre\\DAV\\Exception\\NotFound", "File not found")

    def _below(self, root: Path, raw: str) -> Path:
        parts = [unquote(part) for part in raw.split("/") if part]
        for part in parts:
            if "/" in part or "\\" in part or part in (".", "..", ".htaccess") or len(part.encode()) > 250:
                raise Refusal(400, "OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath", "File name is not allowed")
        return root.joinpath(*parts)

    async def _answer(self, request: web.Request, path: Path, is_upload: bool) -> web.StreamResponse:
        method = request.method
        if method == "PROPFIND":
            return await self._propfind(request, path, is_upload)
        if method in ("GET", "HEAD"):
            return self._get(request, path)
        if method == "PUT":
            return await self._put(request, path, is_upload)
        if method == "MKCOL":
            return self._mkcol(request, path, is_upload)
        if method == "DELETE":
            return self._delete(path)
        if method == "MOVE":
            return await (self._assemble(request, path.parent) if is_upload else self._move(request, path))
        raise Refusal(501, "Sabre\\DAV\\Exception\\NotImplemented")

    # --- what there is

    def _etag(self, path: Path) -> str:
        """Made of nothing that is in the file, like Nextcloud's."""
        return self._etags.setdefault(path, secrets.token_hex(16))

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self.files.rglob("*") if path.is_file())

    def _properties(self, path: Path) -> dict[str, str]:
        facts = path.stat()
        found = {
            f"{DAV}resourcetype": "<d:collection/>" if path.is_dir() else "",
            f"{DAV}getlastmodified": formatdate(int(facts.st_mtime), usegmt=True),
            f"{DAV}getetag": f"&quot;{self._etag(path)}&quot;",
            f"{OC}permissions": "RGDNVW" + ("CK" if path.is_dir() else ""),
            f"{OC}fileid": str(facts.st_ino),
        }
        if path.is_file():
            found |= {f"{DAV}getcontentlength": str(facts.st_size), f"{OC}size": str(facts.st_size)}
            if path in self._checksums:
                found[f"{OC}checksums"] = f"<oc:checksum>{self._checksums[path]}</oc:checksum>"
        else:
            left = -3 if self._quota_bytes is None else max(0, self._quota_bytes - self._used())
            found |= {f"{DAV}quota-available-bytes": str(left), f"{DAV}quota-used-bytes": str(self._used())}
        return found

    async def _propfind(self, request: web.Request, path: Path, is_upload: bool) -> web.Response:
        if not path.exists():
            raise Refusal(404, "Sabre\\DAV\\Exception\\NotFound", f"File with name {path.name} could not be located")
        asked = self._asked(await request.read())
        paths = [path]
        if request.headers.get("Depth", "infinity") != "0" and path.is_dir():
            paths += sorted(path.iterdir())
        root, before = (self.uploads, "uploads") if is_upload else (self.files, "files")
        rows = []
        for one in paths:
            below = quote(one.relative_to(root).as_posix(), safe="/") if one != root else ""
            href = f"/remote.php/dav/{before}/{quote(self._user)}/{below}" + ("/" if one.is_dir() and below else "")
            rows.append(f"<d:response><d:href>{href}</d:href>{self._stats(one, asked)}</d:response>")
        spaces = " ".join(f'xmlns:{prefix}="{space}"' for space, prefix in PREFIX.items())
        body = f'<?xml version="1.0"?>\n<d:multistatus {spaces}>{"".join(rows)}</d:multistatus>'
        return web.Response(status=207, text=body, content_type="application/xml")

    def _asked(self, body: bytes) -> list[str] | None:
        """The properties that were named; None for all."""
        if not body.strip():
            return None
        try:
            named = fromstring(body, forbid_dtd=True).find(f"{DAV}prop")
        except ParseError as error:
            raise Refusal(400, "Sabre\\DAV\\Exception\\BadRequest", str(error)) from error
        return None if named is None else [one.tag for one in named]

    def _stats(self, path: Path, asked: list[str] | None) -> str:
        found = self._properties(path)
        names = [name for name in found if name.startswith(DAV)] if asked is None else asked
        text = ""
        for status, some in (
            ("200 OK", [name for name in names if name in found]),
            ("404 Not Found", [name for name in names if name not in found]),
        ):
            if some:
                inner = "".join(_element(name, found.get(name, "")) for name in some)
                text += f"<d:propstat><d:prop>{inner}</d:prop><d:status>HTTP/1.1 {status}</d:status></d:propstat>"
        return text

    def _get(self, request: web.Request, path: Path) -> web.StreamResponse:
        if not path.is_file():
            raise Refusal(404, "Sabre\\DAV\\Exception\\NotFound", f"File with name {path.name} could not be located")
        headers = {"ETag": f'"{self._etag(path)}"', "Content-Type": "application/octet-stream"}
        headers["Last-Modified"] = formatdate(int(path.stat().st_mtime), usegmt=True)
        body, status = path.read_bytes(), 200
        if (span := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))) is not None:
            first, last = int(span[1]), min(int(span[2] or len(body)), len(body) - 1)
            if first > last:
                raise Refusal(416, "Sabre\\DAV\\Exception\\RequestedRangeNotSatisfiable")
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            body, status = body[first : last + 1], 206
        return web.Response(status=status, body=body, headers=headers)

    # --- writing

    def _expect(self, request: web.Request, path: Path) -> None:
        """If-Match, If-None-Match, and the If of RFC 4918 with an ETag."""
        mine = f'"{self._etag(path)}"' if path.is_file() else None
        wanted = request.headers.get("If-Match")
        if request.headers.get("If-None-Match") == "*" and mine is not None:
            raise Refusal(412, "Sabre\\DAV\\Exception\\PreconditionFailed", "An If-None-Match header was specified")
        if wanted is not None and mine != wanted:
            raise Refusal(412, "Sabre\\DAV\\Exception\\PreconditionFailed", "An If-Match header was specified")
        for listed in re.findall(r'\(\[("[^"]*")\]\)', request.headers.get("If", "")):
            if mine != listed:
                raise Refusal(412, "Sabre\\DAV\\Exception\\PreconditionFailed", "The tokens provided did not match")

    async def _receive(self, request: web.Request, target: Path) -> str:
        """The body into a file; its SHA-1. Raises Refusal for a short one, or one that is too long for the quota."""
        digest, total = hashlib.sha1(usedforsecurity=False), 0
        with target.open("wb") as file:
            async for chunk in request.content.iter_chunked(256 * 1024):
                file.write(chunk)
                digest.update(chunk)
                total += len(chunk)
        if request.content_length is not None and total != request.content_length:
            target.unlink()
            raise Refusal(400, "Sabre\\DAV\\Exception\\BadRequest", "expected filesize differs from the one read")
        return digest.hexdigest()

    def _room(self, size: int) -> None:
        if self._quota_bytes is not None and self._used() + size > self._quota_bytes:
            raise Refusal(507, "Sabre\\DAV\\Exception\\InsufficientStorage", "Insufficient space")

    def _parent(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise Refusal(409, "Sabre\\DAV\\Exception\\Conflict", "Parent node does not exist")

    async def _put(self, request: web.Request, path: Path, is_upload: bool) -> web.Response:
        if is_upload:
            return await self._put_chunk(request, path)
        self._parent(path)
        if path.is_dir():
            raise Refusal(409, "Sabre\\DAV\\Exception\\Conflict", "PUT is not allowed on non-files.")
        self._expect(request, path)
        self._room(request.content_length or 0)
        part = self.uploads.parent / f"part-{next(self._names)}"
        sha1 = await self._receive(request, part)
        try:
            self._expect(request, path)
            return self._publish(request, part, path, sha1)
        finally:
            part.unlink(missing_ok=True)

    def _publish(self, request: web.Request, part: Path, path: Path, sha1: str) -> web.Response:
        """The file takes its name in one step; what was said of it is kept."""
        headers = {}
        told = request.headers.get("OC-Checksum")
        if self._kind == "owncloud" and told and told.upper().startswith("SHA1:"):
            if told[5:].lower() != sha1:
                raise Refusal(400, "Sabre\\DAV\\Exception\\BadRequest", "The computed checksum does not match")
            told = f"SHA1:{sha1}"
        there = path.exists()
        mtime = request.headers.get("X-OC-Mtime", "")
        if re.fullmatch(r"[1-9][0-9]*", mtime):
            os.utime(part, (int(mtime), int(mtime)))
            headers["X-OC-MTime"] = "accepted"
        part.replace(path)
        self._etags[path] = secrets.token_hex(16)
        self._checksums.pop(path, None)
        if told:
            self._checksums[path] = told
        headers |= {"ETag": f'"{self._etag(path)}"', "OC-ETag": f'"{self._etag(path)}"'}
        return web.Response(status=204 if there else 201, headers=headers)

    def _mkcol(self, request: web.Request, path: Path, is_upload: bool) -> web.Response:
        if path.exists():
            raise Refusal(405, "Sabre\\DAV\\Exception\\MethodNotAllowed", "The resource already exists")
        self._parent(path)
        path.mkdir()
        if is_upload and "Destination" in request.headers:
            self._destinations[path] = request.headers["Destination"]
        return web.Response(status=201)

    def _delete(self, path: Path) -> web.Response:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        else:
            raise Refusal(404, "Sabre\\DAV\\Exception\\NotFound", "File not found")
        return web.Response(status=204)

    def _destination(self, request: web.Request) -> Path:
        path, is_upload = self._path(urlsplit(request.headers.get("Destination", "")).path)
        if is_upload:
            raise Refusal(403, "Sabre\\DAV\\Exception\\Forbidden", "It cannot be moved there")
        self._parent(path)
        if request.headers.get("Overwrite", "T") == "F" and path.exists():
            raise Refusal(412, "Sabre\\DAV\\Exception\\PreconditionFailed", "The destination node already exists")
        return path

    async def _move(self, request: web.Request, path: Path) -> web.Response:
        if not path.exists():
            raise Refusal(404, "Sabre\\DAV\\Exception\\NotFound", "File not found")
        to = self._destination(request)
        there = to.exists()
        if there:
            self._delete(to)
        path.replace(to)
        self._etags[to] = self._etags.pop(path, secrets.token_hex(16))
        return web.Response(status=204 if there else 201)

    # --- chunks

    async def _put_chunk(self, request: web.Request, path: Path) -> web.Response:
        self._needs_destination(request, path.parent)
        if not path.parent.is_dir():
            raise Refusal(404, "Sabre\\DAV\\Exception\\NotFound", "Upload folder not found")
        if path.parent in self._destinations and not (path.name.isdecimal() and 1 <= int(path.name) <= 10_000):
            raise Refusal(400, "Sabre\\DAV\\Exception\\BadRequest", "Invalid chunk name, must be 1 to 10000")
        part = self.uploads.parent / f"part-{next(self._names)}"
        await self._receive(request, part)
        part.replace(path)
        return web.Response(status=201)

    def _needs_destination(self, request: web.Request, folder: Path) -> None:
        if folder in self._destinations and "Destination" not in request.headers:
            raise Refusal(400, "Sabre\\DAV\\Exception\\BadRequest", "Missing Destination header")

    async def _assemble(self, request: web.Request, folder: Path) -> web.Response:
        if not folder.is_dir():
            raise Refusal(404, "Sabre\\DAV\\Exception\\NotFound", "Upload folder not found")
        self._needs_destination(request, folder)
        to = self._destination(request)
        self._expect(request, to)
        chunks = sorted(folder.iterdir(), key=lambda path: path.name)
        total = sum(chunk.stat().st_size for chunk in chunks)
        if str(total) != request.headers.get("OC-Total-Length", str(total)):
            raise Refusal(400, "Sabre\\DAV\\Exception\\BadRequest", f"Chunks on server sum up to {total} bytes")
        self._room(total)
        part = self.uploads.parent / f"part-{next(self._names)}"
        digest = hashlib.sha1(usedforsecurity=False)
        with part.open("wb") as file:
            for chunk in chunks:
                body = chunk.read_bytes()
                file.write(body)
                digest.update(body)
        answer = self._publish(request, part, to, digest.hexdigest())
        shutil.rmtree(folder)
        self._destinations.pop(folder, None)
        return answer


def _element(name: str, inner: str) -> str:
    space, _, local = name[1:].partition("}")
    prefix = PREFIX.get(space)
    if prefix is None:
        return f'<x:{local} xmlns:x="{escape(space)}"/>'
    return f"<{prefix}:{local}>{inner}</{prefix}:{local}>" if inner else f"<{prefix}:{local}/>"


class Nextcloud(Server):
    """The simulated Nextcloud (or ownCloud) as a program of its own."""

    title = "Nextcloud, simulated"
    username = "alice"
    password = "dav-secret"  # noqa: S105 - of a server that lives for one test

    def __init__(self, folder: Path, *, kind: str = "nextcloud", quota_bytes: int | None = None):
        super().__init__(folder)
        self.kind = kind
        self.quota_bytes = quota_bytes

    @property
    def url(self) -> str:
        """The address of the user's files."""
        return f"http://127.0.0.1:{self.port}/remote.php/dav/files/{self.username}/"

    @property
    def tree(self) -> Path:
        """Where the files lie."""
        return self.folder / "tree"

    def launch(self) -> Program:
        """This module."""
        quota = "" if self.quota_bytes is None else str(self.quota_bytes)
        command = [sys.executable, "-m", "testbed.nextcloud", str(self.port), str(self.folder)]
        root = str(Path(__file__).resolve().parent.parent)
        return Program([*command, self.username, self.password, self.kind, quota], self.log, env={"PYTHONPATH": root})

    def ready(self) -> bool:
        """It wants to know who asks."""
        return ask(self.port, "/remote.php/dav/")[0] == 401


async def serve(port: int, cloud: Cloud) -> None:
    """Until the process ends."""
    application = web.Application(client_max_size=2**40)
    application.router.add_route("*", "/{path:(?s:.*)}", cloud.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    port, folder, user, password, kind, quota = sys.argv[1:7]
    asyncio.run(serve(int(port), Cloud(Path(folder), user, password, kind, int(quota) if quota else None)))
