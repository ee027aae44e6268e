"""A sandbox of Microsoft alone in the test's own loop, and people who call Graph."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from haulage.sandbox import up
from haulage.sandbox.microsoft import Microsoft

FRAGMENT = 320 << 10


class Reply:
    """An answer: status, headers, document (JSON) or raw bytes."""

    def __init__(self, status: int, headers: Mapping[str, str], raw: bytes, document: Any) -> None:
        self.status = status
        self.headers = headers
        self.raw = raw
        self.document = document

    def __getitem__(self, name: str) -> Any:
        return self.document[name]

    @property
    def code(self) -> str:
        """Of an error."""
        return str(self.document["error"]["code"])

    @property
    def inner(self) -> str:
        """The deeper code of an error."""
        return str(self.document["error"]["innerError"].get("code", ""))


class Graph:
    """One caller. token: the bearer."""

    def __init__(self, box: up.Sandbox, session: aiohttp.ClientSession, token: str) -> None:
        self.box = box
        self.session = session
        self.token = token
        self.base = box.listeners.base_urls["microsoft"]

    async def __call__(self, method: str, path: str, document: Any = None, **more: Any) -> Reply:
        """A call of Graph (or of any URL, then without the bearer). document: JSON, or bytes."""
        headers = dict(more.pop("headers", {}))
        if not path.startswith("http"):
            headers["Authorization"] = f"Bearer {self.token}"
            path = f"{self.base}/v1.0{path}" if not path.startswith(("/_api", "/beta")) else self.base + path
        body = {"data": document} if isinstance(document, bytes) else {"json": document} if document is not None else {}
        url = URL(path.replace(" ", "%20"), encoded=True)
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **body, **more) as answer:
            raw = await answer.read()
            found = await answer.json() if answer.content_type == "application/json" and raw else None
            return Reply(answer.status, answer.headers, raw, found)

    async def all(self, path: str) -> list[Any]:
        """Every row of a collection, by its next links."""
        rows: list[Any] = []
        while path:
            reply = await self("GET", path)
            assert reply.status == 200, reply.document
            rows += reply["value"]
            path = self.local(reply.document.get("@odata.nextLink", ""))
        return rows

    def local(self, link: str) -> str:
        """A link of an answer, for a call with the bearer."""
        return link.removeprefix(f"{self.base}/v1.0")

    async def bytes_of(self, path: str) -> bytes:
        """The content at a path."""
        reply = await self("GET", f"{path}/content")
        assert reply.status == 302, reply.document
        return (await self("GET", reply.headers["Location"])).raw

    async def put(self, path: str, body: bytes) -> Reply:
        """A small upload."""
        return await self("PUT", f"{path}/content", body)

    async def session_of(self, path: str, item: Any = None, **more: Any) -> str:
        """The URL of a new upload session."""
        reply = await self("POST", f"{path}/createUploadSession", {"item": item} if item else {}, **more)
        assert reply.status == 200, reply.document
        return str(reply["uploadUrl"])

    async def fragment(self, url: str, body: bytes, start: int, total: int) -> Reply:
        """One fragment of an upload."""
        return await self("PUT", url, body, headers={"Content-Range": f"bytes {start}-{start + len(body) - 1}/{total}"})


class Office:
    """The sandbox and those who call: a person of the organisation, one with a personal account, an application."""

    def __init__(self, box: up.Sandbox, session: aiohttp.ClientSession) -> None:
        self.box = box
        self.vendor: Microsoft = box.simulators[0]  # type: ignore[assignment]  # it is the only one
        self._session = session
        directory = self.vendor.directory
        self.people = [one for one in directory.users_of(directory.organisation) if not one.guest]
        self.business = self.user(self.people[0].upn)
        self.personal = self.user(directory.personal_addresses[0])
        self.app = self._app()

    def user(self, upn: str) -> Graph:
        """Somebody who signs in."""
        client = self.box.ready()["services"]["office365"]["client_id"]
        given = self.vendor.do_sign_in({"user": upn, "client_id": client})
        return Graph(self.box, self._session, given["access_token"])

    def _app(self) -> Graph:
        client = self.box.ready()["services"]["office365"]["client_id"]
        scopes = ("Files.ReadWrite.All", "Sites.FullControl.All", "User.Read.All", "Group.Read.All")
        grant = self.vendor.oauth.open(client, "", scopes, tenant=self.vendor.directory.organisation.id)
        token = self.vendor.oauth.issue(grant, "access", "app-token", 3600)
        return Graph(self.box, self._session, token.value)

    def of(self, kind: str) -> tuple[Graph, str]:
        """A caller and the path of a drive of that kind."""
        if kind == "documentLibrary":
            return self.app, "/sites/root/drive"
        return (self.personal if kind == "personal" else self.business), "/me/drive"

    async def control(self, method: str, path: str, document: Any = None) -> Any:
        """The control port's answer."""
        async with self._session.request(method, self.box.listeners.control + path, json=document) as answer:
            assert answer.status < 400, await answer.text()
            return await answer.json()

    async def fault(self, fault: str, **rule: Any) -> None:
        """Set a fault, at one call unless told otherwise."""
        await self.control("POST", "faults", {"fault": fault, "times": 1, **rule})


@asynccontextmanager
async def office(**settings: Any) -> AsyncIterator[Office]:
    """The sandbox for as long as the body runs; without quotas unless `settings` say otherwise."""
    wanted = up.Settings(only=("microsoft",), users=30, **{"quotas": "off", **settings})
    async with up.sandbox(wanted) as box, aiohttp.ClientSession() as session:
        yield Office(box, session)
