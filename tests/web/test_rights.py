"""S40, S41, S39: every route says who may call it; what is another's is not there; tokens end."""

import re
from pathlib import Path

import pytest

from haulage.api.access import Allows
from haulage.ledger import sessions
from haulage.ledger.audit import Actor
from haulage.ledger.store import now_us
from haulage.model.filters import Filters
from haulage.model.person import Role, Scope
from haulage.model.schedule import Every, Timing
from haulage.operations import migrations, schedules, signing_in
from haulage.web.access import Needs, Open
from haulage.web.app import declared, every_route
from tests.web.house import TEST, House, Visitor

OPEN = {"/claim/{key}", "/sign-in", "/sign-in/elsewhere", "/sign-in/callback"}


def test_every_route_says_who_may_call_it() -> None:
    """The open ones are counted one by one."""
    routes = every_route()
    assert len(routes) > 60
    assert {route.path for route in routes if isinstance(declared(route), Open)} == OPEN
    for route in routes:
        expected = Allows if route.path.startswith("/api/v1/") else Needs
        assert isinstance(declared(route), Open | expected), route.path


def filled(path: str) -> str:
    """A route's path with things that are Bob's, or with nobody's."""
    known = {"name": "bobs", "run_id": "1", "schedule_id": "1", "service_id": "s3", "key": "x", "kind": "csv"}
    known |= {
        "file": "zip",
        "migration_id": "1",
        "pass_id": "1",
        "row_id": "1",
        "shape": "edit",
        "report": "table",
        "what": "pause",
        "issue": "status-411",
        "key_hash": "0" * 64,
        "token_id": "1",
        "person_id": "999",
        "person": "root",
    }
    return re.sub(r"{(\w+)}", lambda found: known[found[1]], path)


async def test_nobody_gets_anywhere_without_signing_in(house: House) -> None:
    """Pages lead to the sign-in, the API answers 401: every route and method."""
    visitor = Visitor(house)
    await visitor.get("/sign-in")
    for route in every_route():
        if route.path in OPEN:
            continue
        for method in route.methods:
            own = {"Origin": house.url, "Sec-Fetch-Site": "same-origin"}
            answer = await visitor.http.request(method, filled(route.path), headers=own)
            if route.path.startswith("/api/"):
                assert answer.status_code in (401, 422), (method, route.path)
                assert answer.headers["content-type"] == "application/problem+json"
            else:
                assert answer.status_code == 303, (method, route.path)
                assert answer.headers["location"].startswith("/sign-in")
    await visitor.close()


@pytest.mark.parametrize("role", list(Role))
async def test_what_is_anothers_is_not_there(house: House, tmp_path: Path, role: Role) -> None:
    """Each role at each route with an id of Bob's or of nobody: 404, or 403 where the role may not at all."""
    bob, ada = house.person("bob", Role.OPERATOR), house.person("ada", role)
    source, target = (house.folder(f"bobs{end}", "bob", tmp_path / f"b{end}") for end in ("", "2"))
    (tmp_path / "b" / "file").write_text("content")
    timing = Timing(Every.MONTH, zone="Europe/Berlin")
    schedules.add(house.ledger, bob, source, target, Filters(), timing, TEST)
    migrations.create(house.ledger, "theirs", "bobs", "bobs2", Actor("bob", "test"))
    visitor = Visitor(house)
    await visitor.sign_in("bob")
    begun = await visitor.post("/wizard/start", source=source, destination=target)
    assert (begun.status_code, begun.headers.get("location")) == (303, "/runs/1")
    signing_in.add_token(house.ledger, bob, "theirs", [Scope.RUNS_READ], 1, TEST)
    await visitor.sign_in("ada")
    may_see = {"/runs/", "/schedules/", "/migrations/"} if role == Role.ADMIN else set()
    for route in every_route():
        path = route.path
        if not re.search(r"{(name|run_id|schedule_id|migration_id|token_id|key_hash)}", path) or path.startswith(
            "/api/"
        ):
            continue
        for method in route.methods:
            form = {"password": "x", "old": "x", "typed": "x", "service": "x", "url": "x", "person": "root"}
            asked = visitor.get(filled(path)) if method == "GET" else visitor.post(filled(path), **form)
            if any(path.startswith(one) for one in may_see):
                (await asked if method == "GET" else asked.close())
                continue
            assert (await asked).status_code in ((404,) if role != Role.VIEWER else (403, 404)), (method, path)
    foreign = await visitor.post("/wizard/start", source=source, destination=target)
    assert foreign.status_code == (403 if role == Role.VIEWER else 404)
    assert (await visitor.get("/browse", side="source", at=source)).status_code == (403 if role == Role.VIEWER else 404)
    assert ada.role == role
    await visitor.close()


@pytest.mark.parametrize("role", list(Role))
async def test_what_is_anothers_is_not_there_for_programs(house: House, tmp_path: Path, role: Role) -> None:
    """The same at every route of the API that takes an id: with all scopes, 404, or 403 where the role may not."""
    bob, ada = house.person("bob", Role.OPERATOR), house.person("ada", role)
    source, target = (house.folder(f"bobs{end}", "bob", tmp_path / f"b{end}") for end in ("", "2"))
    schedules.add(house.ledger, bob, source, target, Filters(), Timing(Every.MONTH, zone="Europe/Berlin"), TEST)
    migrations.create(house.ledger, "theirs", "bobs", "bobs2", Actor("bob", "test"))
    await copied(house, source, target)
    _, key = signing_in.add_token(house.ledger, ada, "all", list(Scope), 1, TEST)
    visitor = Visitor(house)
    visitor.http.headers["Authorization"] = f"Bearer {key}"
    administered = {"run_id", "schedule_id", "migration_id"} if role == Role.ADMIN else set()
    asked = 0
    for route in every_route():
        ids = set(re.findall(r"{(\w+)}", route.path)) & {"name", "run_id", "schedule_id", "migration_id"}
        if not route.path.startswith("/api/v1/") or not ids or ids <= administered:
            continue
        for method in route.methods:
            body = {} if method in ("POST", "PUT") else None
            answer = await visitor.http.request(method, filled(route.path), json=body)
            allowed = (404,) if role != Role.VIEWER else (403, 404)
            assert answer.status_code in allowed, (method, route.path, answer.text)
            asked += 1
    assert asked > 5
    both = {"source": source, "destination": target}
    for path, body in (("runs", both), ("schedules", {**both, "every": "daily"})):
        answer = await visitor.http.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == (403 if role == Role.VIEWER else 404)
    answer = await visitor.http.get("/api/v1/browse", params={"at": source})
    assert (answer.status_code, "bobs" in (await visitor.http.get("/api/v1/connectors")).text) == (404, False)
    await visitor.close()


async def copied(house: House, source: str, target: str) -> None:
    """Bob's first run."""
    visitor = Visitor(house)
    await visitor.sign_in("bob")
    begun = await visitor.post("/wizard/start", source=source, destination=target)
    assert begun.headers["location"] == "/runs/1"
    await visitor.close()


async def test_tokens_hold_to_scope_and_time(house: House, tmp_path: Path) -> None:
    """S39: a scope that a token lacks, a role that does not cover it, an end by time or by hand."""
    ada = house.person("ada", Role.OPERATOR)
    row, key = signing_in.add_token(house.ledger, ada, "mine", [Scope.RUNS_READ], 1, TEST)
    visitor = Visitor(house)
    sent = {"Authorization": f"Bearer {key}"}
    seen = await visitor.http.get("/api/v1/runs", headers=sent)
    assert (seen.status_code, seen.json()) == (200, {"runs": []})
    assert (await visitor.http.get("/api/v1/connectors", headers=sent)).status_code == 403
    body = {"source": "a:/", "destination": "b:/"}
    assert (await visitor.http.post("/api/v1/runs", headers=sent, json=body)).status_code == 403
    from sqlalchemy import update

    from haulage.ledger.schema import api_tokens

    def age(connection: object) -> None:
        connection.execute(update(api_tokens).values(expires_us=now_us() - 1))  # type: ignore[attr-defined] # a Connection

    house.ledger.do(age)
    assert (await visitor.http.get("/api/v1/runs", headers=sent)).status_code == 401
    _, second = signing_in.add_token(house.ledger, ada, "second", [Scope.RUNS_READ], 1, TEST)
    signing_in.end_token(house.ledger, ada, house.ledger.read(sessions.tokens_of, ada.id)[0].id, TEST)
    ended = await visitor.http.get("/api/v1/runs", headers={"Authorization": f"Bearer {second}"})
    assert (ended.status_code, row.prefix) == (401, key[:12])
    await visitor.close()


async def test_a_copy_through_the_api(house: House, tmp_path: Path) -> None:
    """Started, watched to its end, its log read; pause of an ended run is refused with what to do."""
    ada = house.person("ada", Role.OPERATOR)
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    (tmp_path / "a" / "file.txt").write_text("content")
    _, key = signing_in.add_token(house.ledger, ada, "mine", [Scope.RUNS_READ, Scope.RUNS_WRITE], 1, TEST)
    visitor = Visitor(house)
    visitor.http.headers["Authorization"] = f"Bearer {key}"
    begun = await visitor.http.post("/api/v1/runs", json={"source": source, "destination": target})
    assert begun.status_code == 201, begun.text
    for _ in range(600):
        run = (await visitor.http.get(f"/api/v1/runs/{begun.json()['run']}")).json()
        if run["ended_us"]:
            break
    assert (run["status"], run["counts"]["successful"]) == (100, 1)
    log = (await visitor.http.get(f"/api/v1/runs/{run['run']}/outcomes", params={"text": "FILE"})).json()
    assert [(one["path"], one["outcome"]) for one in log["outcomes"]] == [("file.txt", "verified")]
    paused = await visitor.http.post(f"/api/v1/runs/{run['run']}/pause")
    assert (paused.status_code, paused.json()["code"]) == (422, "refused")
    assert (tmp_path / "b" / "file.txt").read_text() == "content"
    await visitor.sign_in("ada")
    page = await visitor.get(f"/runs/{run['run']}", show="successful", sort="size")
    assert "file.txt" in page.text and "1 entry" in page.text
    table = await visitor.get(f"/runs/{run['run']}/download/csv")
    assert "file.txt" in table.text and table.headers["content-disposition"].startswith("attachment")
    await visitor.close()
