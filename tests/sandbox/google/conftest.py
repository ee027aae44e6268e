"""Google alone, in the test's own loop, and a client that says little and checks nothing."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from haulage.sandbox import up
from haulage.sandbox.google.service import Google
from tests.sandbox.google.discovery import check_call

DRIVE = "https://www.googleapis.com/auth/drive"


class Told:
    """An answer: status, headers, body; `json` where it is JSON."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The first reason of an error."""
        return str(self.json["error"]["errors"][0]["reason"])


class Client:
    """Calls the sandbox in somebody's name. user: an address; "" for nobody.

    Whatever is answered without an error is checked against Google's descriptions (see discovery), the request too.
    """

    def __init__(
        self,
        box: up.Sandbox,
        session: aiohttp.ClientSession,
        user: str = "",
        token: str = "",
        scopes: set[str] | None = None,
    ) -> None:
        self.scopes = scopes
        self.box = box
        self.session = session
        self.user = user
        self.token = token

    @property
    def google(self) -> Google:
        """The simulator."""
        found = self.box.simulators[0]
        assert isinstance(found, Google)
        return found

    def of(self, user: str, scopes: str = DRIVE) -> "Client":
        """A client in that person's name."""
        told = self.google.do_sign_in({"user": user, "scopes": scopes})
        return Client(self.box, self.session, user, told["access_token"], set(scopes.split()))

    def number(self, number: int, scopes: str = DRIVE) -> "Client":
        """A client in the name of the person of that number."""
        return self.of(self.google.accounts.by_number[number].email, scopes)

    async def call(self, method: str, path: str, **more: Any) -> Told:
        """One request. more: as aiohttp takes it; `params` too."""
        headers = dict(more.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        url = path if path.startswith("http") else self.box.listeners.base_urls["google"] + path
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **more) as answer:
            told = Told(answer.status, answer.headers, await answer.read())
            resumable = "upload_id" in str(answer.url) or answer.url.query.get("uploadType") == "resumable"
            if self.token and answer.status in (200, 204) and not resumable:
                sent = json.dumps(more["json"]).encode() if "json" in more else b""
                check_call(method, str(answer.url), sent, told.body, self.scopes)
        return told

    async def get(self, path: str, **params: Any) -> Told:
        """GET with these parameters."""
        return await self.call("GET", path, params={name: str(value) for name, value in params.items()})

    async def form(self, path: str, **fields: str) -> Told:
        """POST of a form."""
        return await self.call("POST", path, data=fields)


@pytest.fixture
async def nobody() -> AsyncIterator[Client]:
    """A client without a token."""
    async with up.sandbox(up.Settings(only=("google",), users=12)) as box, aiohttp.ClientSession() as session:
        yield Client(box, session)


@pytest.fixture
def admin(nobody: Client) -> Client:
    """The administrator, with the whole Drive."""
    return nobody.number(1)


@pytest.fixture
def member(nobody: Client) -> Client:
    """A member of the organisation, likewise."""
    return nobody.number(3)
