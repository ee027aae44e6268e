"""A sandbox of one vendor in the test's own loop, and somebody who fills in its sign-in pages."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from haulage.sandbox import up

VERIFIER = "a-verifier-of-at-least-43-characters-as-rfc-7636-wants"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Form(HTMLParser):
    """The fields, labels, buttons and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.labelled: set[str] = set()
        self.buttons: list[tuple[str, str]] = []
        self.ids: dict[str, str] = {}
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "input":
            self.fields[found["name"]] = found.get("value", "")
            self.ids[found.get("id", "")] = found["name"]
        elif tag == "label":
            self.labelled.add(found["for"])
        elif tag == "button":
            self.buttons.append((found.get("name", ""), found.get("value", "")))
        assert tag != "script", "the pages need no script"

    def handle_data(self, data: str) -> None:
        self.text += data


class Inside:
    """Calls one vendor's plain port. box: the sandbox; vendor: the simulator itself."""

    def __init__(self, box: up.Sandbox, session: aiohttp.ClientSession) -> None:
        self.box = box
        self.session = session
        self.vendor: Any = box.simulators[0]
        self.base = box.listeners.base_urls[self.vendor.id]
        self.services: dict[str, Any] = box.ready()["services"]

    async def __call__(self, method: str, path: str, **more: Any) -> tuple[int, Any, aiohttp.ClientResponse]:
        """Status, the answer's JSON (or text), and the answer."""
        url = path if path.startswith("http") else self.base + path
        async with self.session.request(method, url, allow_redirects=False, **more) as answer:
            body = await answer.text()
            return answer.status, (await answer.json() if "json" in answer.content_type else body), answer

    async def get(self, path: str, token: str, **headers: str) -> tuple[int, Any]:
        """GET with a bearer."""
        status, body, _ = await self("GET", path, headers={"Authorization": f"Bearer {token}", **headers})
        return status, body

    async def token(self, path: str, **fields: str) -> tuple[int, Any]:
        """Ask a token endpoint."""
        status, body, _ = await self("POST", path, data=fields)
        return status, body

    async def page(self, path: str, query: dict[str, str], **fields: str) -> tuple[int, str]:
        """A page's status and text: opened, or with fields sent."""
        more: dict[str, Any] = {"data": fields} if fields else {}
        status, body, _ = await self("POST" if fields else "GET", path, params=query, **more)
        return status, body if isinstance(body, str) else str(body)

    async def consent(
        self, path: str, query: dict[str, str], user: str, password: str, deed: str = "allow"
    ) -> dict[str, str]:
        """Sign in, decide, and give what the browser is sent back with (and `location`, without its query)."""
        status, first, _ = await self("GET", path, params=query)
        form = Form(first)
        assert status == 200 and {"user", "password"} <= set(form.fields)
        assert {"user", "password"} <= {form.ids[one] for one in form.labelled}
        sent = {**form.fields, "user": user, "password": password, "do": "sign-in"}
        status, second, answer = await self("POST", path, params=query, data=sent)
        if status == 200:
            form = Form(second)
            assert ("do", deed) in form.buttons, form.text
            _, _, answer = await self("POST", path, params=query, data={**form.fields, "do": deed})
        return returned(answer)

    async def control(self, method: str, path: str, document: Any = None) -> Any:
        """The control port's answer."""
        url = self.box.listeners.control + path
        async with self.session.request(method, url, json=document) as answer:
            assert answer.status < 400, await answer.text()
            return await answer.json()

    async def do(self, deed: str, **details: Any) -> Any:
        """A deed of the vendor's."""
        return await self.control("POST", f"do/{self.vendor.id}/{deed}", details)

    async def step(self, seconds: float) -> None:
        """Let time pass."""
        await self.control("POST", "clock", {"step": seconds})


def returned(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """Where a redirect leads, and what it brings."""
    assert answer.status in (302, 303), answer.status
    parts = urlsplit(answer.headers["Location"])
    brought = dict(parse_qsl(parts.query)) | dict(parse_qsl(parts.fragment))
    return {**brought, "location": f"{parts.scheme}://{parts.netloc}{parts.path}"}


@asynccontextmanager
async def inside(vendor: str, users: int = 25, **settings: Any) -> AsyncIterator[Inside]:
    """That vendor's services, for as long as the body runs; without quotas unless `settings` say otherwise."""
    wanted = up.Settings(only=(vendor,), users=users, **{"quotas": "off", **settings})
    async with up.sandbox(wanted) as box, aiohttp.ClientSession() as session:
        yield Inside(box, session)
