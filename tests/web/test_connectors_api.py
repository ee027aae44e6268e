"""The life of a connector through the HTTP API: what the command line does, the same refusals, and no secret told."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from haulage.ledger import connectors as rows
from haulage.model.person import Role, Scope
from haulage.operations import signing_in
from testbed.sandbox import Sandbox
from testbed.servers import SeaweedFS
from tests.connectors.people import REALM, VENDORS, Office
from tests.web.house import TEST, House, served

EVERYTHING = [Scope.CONNECTORS_READ, Scope.CONNECTORS_WRITE, Scope.RUNS_READ, Scope.RUNS_WRITE]
API = "/api/v1"
Client = Callable[..., httpx.AsyncClient]


class Callers:
    """Programs of people, each with a token of its own; all answers that they had."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.seen: list[str] = []
        self.open: list[httpx.AsyncClient] = []

    def states(self) -> set[str]:
        """What the addresses hold to which browsers are sent: good once, for whoever began."""
        return {one for text in self.seen for one in re.findall(r"[?&]state=([\w-]+)", text)}

    def __call__(self, name: str, role: Role = Role.OPERATOR, scopes: list[Scope] = EVERYTHING) -> httpx.AsyncClient:
        """A program of that person, who is new here."""
        person = self.house.person(name, role)
        _, key = signing_in.add_token(self.house.ledger, person, "test", scopes, 1, TEST)

        async def note(answer: httpx.Response) -> None:
            self.seen.append((await answer.aread()).decode())

        made = httpx.AsyncClient(
            base_url=self.house.url + API,
            timeout=60,
            headers={"Authorization": f"Bearer {key}"},
            event_hooks={"response": [note]},
        )
        self.open.append(made)
        return made


@pytest.fixture
async def callers(office: Office) -> AsyncIterator[Callers]:
    """A server on the office's ledger. In the end no answer may have held a secret."""
    async with served(office.ledger) as house:
        made = Callers(house)
        yield made
        for one in made.open:
            await one.aclose()
    from haulage import logs

    public = office.public() | made.states()
    told = "\n".join(made.seen)
    assert [one[:4] for one in logs._secrets if len(one) >= 12 and one not in public and one in told] == []


def problem(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    """The problem that an answer describes: its status, and words of it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert not [word for word in words if word not in f"{told['title']} {told.get('detail', '')}"], told
    return told


def s3(seaweed: SeaweedFS, key: tuple[str, str] | None = None) -> dict[str, str]:
    access, secret = key or (seaweed.access_key_id, seaweed.secret_access_key)
    return {"endpoint_url": seaweed.endpoint_url, "access_key_id": access, "secret_access_key": secret}


async def test_a_connector_of_keys(callers: Callers, office: Office, seaweed: SeaweedFS) -> None:
    """Added once its account has answered, shown, checked, looked into, renewed in place, deleted, and gone."""
    ada = callers("ada")
    offered = {one["id"]: one for one in (await ada.get("/services")).json()["services"]}
    assert "local" not in offered
    assert {"way", "title", "needs"} <= set(offered["box"]["ways"][0])
    added = await ada.post("/connectors", json={"service": "s3", "name": "Archive", "settings": s3(seaweed)})
    assert added.status_code == 201, added.text
    shown = added.json()
    assert (shown["account"], shown["secrets"], shown["state"]) == ("haulage", "sealed", "authorised")
    assert "secret_access_key" not in shown["settings"]
    assert [one["name"] for one in (await ada.get("/connectors")).json()["connectors"]] == ["Archive"]
    assert (await ada.get("/connectors/archive")).json()["history"][-1]["event"] == "connector authorise"
    checked = (await ada.post("/connectors/Archive/check")).json()
    assert (checked["asked"], checked["sound"], "haulage" in checked["told"]) == (True, True, True)
    assert (await ada.get("/browse", params={"at": "Archive:/"})).json()["roots"] is not None

    strangers = {"settings": s3(seaweed, seaweed.strangers_key)}
    problem(await ada.post("/connectors/Archive/reauthorize", json=strangers), 422, "stranger", "another connector")
    second = await ada.post("/connectors/Archive/reauthorize", json={"settings": s3(seaweed, seaweed.second_key)})
    assert (second.status_code, second.json()["settings"]["access_key_id"]) == (200, seaweed.second_key[0])
    gone = await ada.delete("/connectors/Archive")
    assert (gone.status_code, gone.json()["deleted"], "Keys stay valid" in gone.json()["note"]) == (200, True, True)
    problem(await ada.get("/connectors/Archive"), 404, "no connector")
    problem(await ada.delete("/connectors/Archive"), 404)
    assert office.ledger.read(rows.every) == []


async def test_what_is_refused_to_keys(
    callers: Callers, office: Office, seaweed: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with a status and a sentence, and nothing half-made; nothing of the server's own machine is used."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweed.secret_access_key)
    ada, good = callers("ada"), s3(seaweed)

    async def add(status: int, *words: str, **changes: Any) -> None:
        body = {"service": "s3", "name": "mine", "settings": good, **changes}
        problem(await ada.post("/connectors", json=body), status, *words)

    wrong = "not-the-secret-of-it"
    await add(409, "refuses the access key", "Check the key", settings={**good, "secret_access_key": wrong})
    await add(422, "missing: Secret access key", settings={**good, "secret_access_key": ""})
    for literal in ("env:AWS_SECRET_ACCESS_KEY", "file:/proc/self/environ"):
        await add(409, "refuses the access key", settings={**good, "secret_access_key": literal})
    await add(422, "not to be set here: profile", settings={**good, "profile": "default"})
    await add(422, "not to be set here: ca_file", settings={**good, "ca_file": "/etc/passwd"})
    await add(422, "cannot be a name", name="a:b")
    await add(422, "there is no such service", service="gopher")
    await add(422, "there is no such service", service="local")
    await add(422, "there is no realm 'nowhere'", realm="nowhere")
    await add(422, "has no s3", realm=REALM)
    await add(502, settings={**good, "endpoint_url": "http://127.0.0.1:9"})
    await add(422, "holds a user or password", settings={**good, "endpoint_url": "https://u:p@host"})
    unknown = await ada.post("/connectors", json={"service": "s3", "password": wrong})
    problem(unknown, 422, "does not fit")
    assert wrong not in "".join(callers.seen)
    assert office.ledger.read(rows.every, deleted=True) == []
    assert (await ada.post("/connectors", json={"service": "s3", "name": "mine", "settings": good})).status_code == 201
    await add(422, "already", name="MINE")
    moved = {"settings": {"endpoint_url": "http://127.0.0.1:9"}}
    problem(await ada.post("/connectors/mine/reauthorize", json=moved), 422, "missing: Secret access key")


async def begin(client: httpx.AsyncClient, office: Office, service_id: str, body: dict[str, Any], path: str) -> Any:
    """Begin a sign-in through the API, its redirect registered as a person would have done."""
    begun = await client.post(path, json=body)
    assert begun.status_code == 201, begun.text
    told = begun.json()
    known = office.sandbox.service(service_id)
    allow = {"client_id": known["client_id"], "redirect_uri": told["redirect"]}
    await asyncio.to_thread(office.sandbox.do, VENDORS[service_id], "allow_redirect", **allow)
    return told


async def signed(office: Office, url: str, account: dict[str, Any]) -> str:
    return await asyncio.to_thread(office.browser.allow, url, account["user"], account["password"])


async def connected(
    client: httpx.AsyncClient, office: Office, service_id: str, account: dict[str, Any], name: str
) -> dict[str, Any]:
    """A connector of that account, by the API and a browser."""
    body = {"service": service_id, "name": name, "usage": "read", "realm": REALM}
    begun = await begin(client, office, service_id, body, "/authorisations")
    came = await signed(office, begun["url"], account)
    done = await client.post("/authorisations/finish", json={"service": service_id, "url": came})
    assert done.status_code == 200, done.text
    found: dict[str, Any] = done.json()
    return found


@pytest.mark.parametrize("service_id", ["box", "dropbox", "egnyte"])
async def test_a_connector_that_one_signs_in_for(
    callers: Callers, office: Office, sandbox: Sandbox, service_id: str
) -> None:
    """Begun, finished once by whoever began it, lost and found again, renewed by nobody else, and deleted twice."""
    ada, bob = callers("ada"), callers("bob")
    mine, other = office.people(service_id, "user")[:2]
    body = {"service": service_id, "name": "mine", "usage": "read", "realm": REALM}
    problem(await ada.post("/connectors", json=body), 422, "a person has to sign in")
    problem(await ada.post("/authorisations", json={**body, "way": "secret"}), 422)
    problem(await ada.post("/authorisations", json={**body, "realm": "live"}), 422, "missing")
    begun = await begin(ada, office, service_id, body, "/authorisations")
    assert begun["redirect"] == f"{callers.house.url}/oauth/callback/{service_id}"
    answer = {"service": service_id, "url": await signed(office, begun["url"], mine)}
    problem(await bob.post("/authorisations/finish", json=answer), 422, "no sign-in that is under way")
    problem(await ada.post("/authorisations/finish", json={**answer, "service": "box-enterprise"}), 422)
    problem(await ada.post("/authorisations/finish", json={**answer, "url": "https://x/?code=1"}), 422)
    done = await ada.post("/authorisations/finish", json=answer)
    assert (done.status_code, done.json()["name"], done.json()["state"]) == (200, "mine", "authorised")
    problem(await ada.post("/authorisations/finish", json=answer), 422, "no sign-in that is under way")

    for deed in ("revoke_grant", "expire_tokens"):
        sandbox.do(VENDORS[service_id], deed, user=mine["user"])
    lost = problem(await ada.post("/connectors/mine/check"), 409)
    assert lost["code"] == "needs_reauthorisation" or "reauthorize" in lost["detail"]
    problem(await ada.get("/browse", params={"at": "mine:/"}), 409, "mine")
    assert (await ada.get("/connectors/mine")).json()["state"] == "needs_reauthorisation"

    for account, status in ((other, 422), (mine, 200)):
        again = await begin(ada, office, service_id, {}, "/connectors/mine/reauthorize")
        came = await signed(office, again["url"], account)
        ended = await ada.post("/authorisations/finish", json={"service": service_id, "url": came})
        assert ended.status_code == status, ended.text
    assert ended.json()["state"] == "authorised"

    sandbox.fault(fault="F06", service=VENDORS[service_id], path="*revoke*")
    failed = problem(await ada.delete("/connectors/mine"), 502, "could not be revoked", "anyway=true")
    assert (failed["code"], failed["state"], bool(failed["revoke_pending"])) == ("revoke_failed", "deleting", True)
    problem(await ada.post("/connectors/mine/check"), 409, "is being deleted")
    problem(await ada.post("/connectors/mine/reauthorize", json={}), 422, "is being deleted, and cannot be authorised")
    sandbox.no_faults()
    ended = await ada.delete("/connectors/mine")
    assert (ended.status_code, ended.json()["deleted"], ended.json()["revoked"]) == (200, True, True)


async def test_an_application_that_speaks_for_itself(callers: Callers, office: Office) -> None:
    """No browser: added at once; a person who is no administrator is refused with what to do."""
    ada = callers("ada")
    admin = office.people("google-workspace", "admin")[0]
    body = {"service": "google-workspace", "name": "all", "realm": REALM, "way": "jwt", "usage": "read"}
    plain = office.people("google-drive", "user")[0]["user"]
    refused = {**body, "settings": {"admin_email": plain, "service_account_key": admin["key"]}}
    problem(await ada.post("/connectors", json=refused), 409, "administrator")
    assert office.ledger.read(rows.every, deleted=True) == []
    settings = {"admin_email": admin["user"], "service_account_key": admin["key"]}
    added = await ada.post("/connectors", json={**body, "settings": settings})
    assert (added.status_code, added.json()["way"]) == (201, "jwt")
    assert admin["key"][:40] not in added.text
    renewed = await ada.post("/connectors/all/reauthorize", json={"way": "jwt"})
    assert renewed.status_code == 200, renewed.text


async def test_what_is_anothers_is_not_there(callers: Callers, office: Office, sandbox: Sandbox) -> None:
    """S40, S41: Bob, a viewer and an administrator find none of Ada's; a token does what its scopes say."""
    ada, bob = callers("ada"), callers("bob")
    account = office.people("dropbox", "user")[0]
    await connected(ada, office, "dropbox", account, "mine")
    others = [bob, callers("root2", Role.ADMIN), callers("eve", Role.VIEWER)]
    readers = callers("reader", scopes=[Scope.CONNECTORS_READ])
    before = sandbox.calls
    for name in ("mine", "nobodys"):
        for method, path, body in (
            ("GET", f"/connectors/{name}", None),
            ("POST", f"/connectors/{name}/check", None),
            ("POST", f"/connectors/{name}/reauthorize", {}),
            ("DELETE", f"/connectors/{name}", None),
            ("GET", f"/browse?at={name}:/", None),
            ("POST", "/runs", {"source": f"{name}:/a", "destination": f"{name}:/b"}),
        ):
            for client in others:
                answer = await client.request(method, path, json=body)
                assert answer.status_code in ((403, 404) if client is others[2] else (404,)), (method, path)
                assert answer.headers["content-type"] == "application/problem+json"
            if method != "GET":
                problem(await readers.request(method, path, json=body), 403, "scope")
    assert (await bob.get("/connectors")).json() == {"connectors": []}
    assert sandbox.calls == before
    taken = {"service": "dropbox", "name": "Mine", "realm": REALM}
    problem(await bob.post("/authorisations", json=taken), 422, "already")
    assert (await ada.get("/connectors/mine")).json()["state"] == "authorised"


async def test_one_that_a_schedule_uses(callers: Callers, office: Office) -> None:
    """It stays until the schedule is deleted; the message names it. Runs can be read when the connector is gone."""
    ada = callers("ada")
    account = office.people("dropbox", "user")[0]
    name = (await connected(ada, office, "dropbox", account, "mine"))["name"]
    target = callers.house.folder("disk", "ada", office.home.parent / "disk")
    timed = {"source": f"{name}:/", "destination": target, "every": "monthly"}
    made = await ada.post("/schedules", json=timed)
    assert made.status_code == 201, made.text
    problem(await ada.delete(f"/connectors/{name}"), 422, "is used by", "mine:/")
    assert (await ada.get(f"/connectors/{name}")).json()["state"] == "authorised"
    run = await ada.post("/runs", json={"source": f"{name}:/", "destination": target})
    assert run.status_code == 201, run.text
    number = run.json()["run"]
    async with asyncio.timeout(120):
        while not (await ada.get(f"/runs/{number}")).json()["ended_us"]:  # noqa: ASYNC110 - as programs do
            await asyncio.sleep(0.05)
    assert (await ada.delete(f"/schedules/{made.json()['id']}")).status_code == 204
    assert (await ada.delete(f"/connectors/{name}")).status_code == 200
    kept = (await ada.get(f"/runs/{number}")).json()
    assert kept["counts"]["successful"] > 0
    assert (await ada.get(f"/runs/{number}/outcomes")).json()["count"] > 0
