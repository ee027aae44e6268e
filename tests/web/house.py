"""A running server with its own ledger, and people with browsers that know no more than cookies and forms."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from haulage.ledger import people as people_rows
from haulage.ledger import runs
from haulage.ledger.audit import Actor
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Ledger
from haulage.model.person import Person, Role
from haulage.operations import connectors, people
from haulage.services.registry import service
from haulage.web.app import make_app
from haulage.web.patience import Patient
from haulage.web.settings import Settings

PASSWORD = "four words nobody guesses"
TEST = Actor("test", "test")


class House:
    """The server, where it is, and its ledger."""

    def __init__(self, ledger: Ledger, url: str, app: FastAPI) -> None:
        self.ledger = ledger
        self.url = url
        self.app = app

    def person(self, name: str, role: Role) -> Person:
        """Somebody who has begun already."""
        if key := people.first_claim(self.ledger, "nobody"):
            people.claim(self.ledger, key, "root", PASSWORD)
        _, key = people.invite(self.ledger, name, role, TEST)
        return people.claim(self.ledger, key, "", PASSWORD)

    def everybody(self) -> list[Person]:
        """Who may sign in."""
        return self.ledger.read(people_rows.every)

    def run(self, run_id: int) -> RunRow:
        """A run as the ledger has it."""
        return self.ledger.read(runs.get, run_id)

    def folder(self, name: str, owner: str, path: Path) -> str:
        """A connector to a folder of this machine, as the command line makes them; its location."""
        path.mkdir(exist_ok=True)
        connectors.add(self.ledger, name, service("local"), {}, Actor(owner, "cli"))
        return f"{name}:{path}"


class Visitor:
    """Somebody with a browser. Forms are sent with the key of the page that they stand on, and with an origin."""

    def __init__(self, house: House, host: str | None = None) -> None:
        """host: as the server's own name is, where a proxy would stand in front of it."""
        self.house = house
        self.origin = f"https://{host}" if host else house.url
        self.http = httpx.AsyncClient(base_url=house.url, timeout=60, follow_redirects=False)
        if host:
            self.http.headers["Host"] = host
            self.http.event_hooks["response"] = [self._keep_cookies]
        self.form_key = ""

    async def _keep_cookies(self, answer: httpx.Response) -> None:
        """Those for https alone too, which the client would not send here, where no proxy stands in front."""
        jar = SimpleCookie(self.http.headers.get("Cookie", ""))
        for one in answer.headers.get_list("set-cookie"):
            jar.load(one)
        self.http.headers["Cookie"] = "; ".join(f"{name}={held.value}" for name, held in jar.items())

    async def get(self, path: str, **query: Any) -> httpx.Response:
        """Open a page."""
        answer = await self.http.get(path, params=query or None)
        if found := re.search(r'name="form_key" value="([0-9a-f]+)"', answer.text):
            self.form_key = found[1]
        return answer

    async def post(self, path: str, headers: dict[str, str] | None = None, **form: Any) -> httpx.Response:
        """Send a form as a page of ours would."""
        headers = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return await self.http.post(path, data={"form_key": self.form_key, **form}, headers=headers)

    async def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """Sign in, and take a page's key along."""
        await self.get("/sign-in")
        answer = await self.post("/sign-in", name=name, password=password, **more)
        if answer.status_code == 303:
            await self.get("/account")
        return answer

    async def close(self) -> None:
        """Go away."""
        await self.http.aclose()


def words(answer: httpx.Response) -> str:
    """A page's text without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", answer.text)).split())


@asynccontextmanager
async def served(ledger: Ledger, local_user: str = "", public_url: str = "") -> AsyncIterator[House]:
    """The application on a free port of this machine. public_url: as a proxy in front of it is reached."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    url = f"http://localhost:{listener.getsockname()[1]}"
    app = make_app(ledger, Settings(public_url or url, local_user))
    config = uvicorn.Config(
        app, http=Patient, log_config=None, access_log=False, timeout_graceful_shutdown=1, limit_concurrency=500
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined] # pytest keeps its own
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    try:
        yield House(ledger, url, app)
    finally:
        server.should_exit = True
        await serving
