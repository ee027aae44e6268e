"""S26, S27, S34, S41, S43, S45: where it listens, a ledger that is away, limits, what is recorded."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from haulage.cli.up import up
from haulage.ledger import audit
from haulage.ledger.audit import Actor
from haulage.ledger.store import Ledger
from haulage.model.errors import LedgerUnusable, Refused
from haulage.model.person import Role, Scope
from haulage.operations import connectors, people, signing_in
from haulage.services.registry import service
from haulage.web import guarding, run_pages
from haulage.web.settings import checked
from tests.web.house import PASSWORD, TEST, House, Visitor
from tests.web.test_people import start


def test_it_is_reached_from_this_machine_unless_encrypted() -> None:
    """S26: another address is listened on only behind https, and passwords go nowhere in the open."""
    for bind in ("203.0.113.1", "192.0.2.1", "::"):
        with pytest.raises(Refused, match="nothing would be encrypted"):
            up(bind=bind)
    for url in ("http://haulage.example.com", "ftp://localhost", "https://", "https://host/path"):
        with pytest.raises(Refused):
            checked(url)
    assert checked("https://haulage.example.com/").secure and not checked("http://localhost:1").secure


async def test_nobody_begins_while_the_ledger_is_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """S27: closed, not open; and the link is as good afterwards as before."""
    key = people.first_claim(house.ledger, "somebody")
    visitor = Visitor(house)
    await visitor.get(f"/claim/{key}")
    form = {"name": "eve", "password": PASSWORD, "again": PASSWORD}

    def away(*_: object) -> None:
        raise LedgerUnusable("the ledger cannot be read")

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "read", away)
        assert (await visitor.post(f"/claim/{key}", **form)).status_code == 503
        assert (await visitor.get("/wizard")).status_code == 303
    assert house.everybody() == []
    assert (await visitor.post(f"/claim/{key}", **form)).status_code == 303
    await visitor.close()


async def test_limits(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S45: a body that trickles, one that is too long without saying so, too many pages that watch."""
    house.person("ada", Role.OPERATOR)
    monkeypatch.setattr(guarding, "BODY_SECONDS", 0.2)
    where = urlsplit(house.url)
    head = f"POST /sign-in HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    for rest, status in (("Content-Length: 100\r\n\r\na=", b"408"), ("Transfer-Encoding: chunked\r\n\r\n", b"413")):
        reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
        writer.write((head + rest).encode())
        if status == b"413":
            for _ in range(40):
                writer.write(b"2710\r\n" + b"a" * 10_000 + b"\r\n")
        assert (await asyncio.wait_for(reader.readline(), 30)).split()[1] == status
        writer.close()
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    number = await start(visitor, source, target)
    monkeypatch.setattr(run_pages, "MOST_STREAMS", 0)
    assert (await visitor.get(f"/runs/{number}/events")).status_code == 429
    monkeypatch.undo()
    evil = await visitor.http.get(f"/runs/{number}/events", headers={"Origin": "https://evil.example"})
    assert evil.status_code == 403  # S34
    told = await visitor.http.get(f"/runs/{number}/events", headers={"Origin": house.url})
    assert told.text == "event: ended\ndata: \n\n"
    assert not [name for name in told.headers if name.startswith("access-control")]
    await visitor.get(f"/runs/{number}/download/csv")
    last = house.ledger.read(audit.of, f"run {number}")[-1]
    assert (last.who, last.event, last.facts) == ("ada", "run export", {"kind": "csv"})  # S43
    await visitor.close()


async def test_adding_never_overwrites(house: House) -> None:
    """S41: a name that is taken is refused, whoever's it is; and what was there stays."""
    ada = house.person("ada", Role.ADMIN)
    connectors.add(house.ledger, "taken", service("local"), {}, Actor("bob", "test"))
    _, key = signing_in.add_token(house.ledger, ada, "all", list(Scope), 1, TEST)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    form = {"display_name": "TAKEN", "access_key_id": "a", "secret_access_key": "b", "usage": "write"}
    assert (await visitor.post("/connectors/new/s3", **form)).status_code == 422
    settings = {"access_key_id": "a", "secret_access_key": "b"}
    body = {"service": "s3", "name": "Taken", "settings": settings}
    answer = await visitor.http.post("/api/v1/connectors", json=body, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 422
    assert [(one["name"], one["service"]) for one in connectors.every(house.ledger)] == [("taken", "local")]
    assert (await visitor.post("/people", name="ADA", role="admin")).status_code == 422
    await visitor.close()
