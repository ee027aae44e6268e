"""schemathesis at the API: whatever is sent that fits its description, or does not, no answer is a 5xx.

Each operation is asked without a token too: 401. https://schemathesis.readthedocs.io/
"""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings

from haulage.ledger.store import Ledger
from haulage.model.person import Role, Scope
from haulage.operations import signing_in
from haulage.web.app import API
from haulage.web.guarding import LARGEST_BODY
from tests.web.house import TEST, House, served

FEW, MANY = 3, 100
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


def described() -> dict[str, Any]:
    """The API as it describes itself."""
    app = FastAPI(title="Haulage", version="1")
    for one in API:
        app.include_router(one.router)
    return app.openapi()


schema = schemathesis.openapi.from_dict(described())


def test_every_operation_says_which_scope_it_needs() -> None:
    """Generated clients know where the token goes, and whoever makes a token, what it has to have."""
    told = described()
    assert set(told["components"]["securitySchemes"]) == {"token"}
    assert told["components"]["securitySchemes"]["token"].items() >= {"type": "http", "scheme": "bearer"}.items()
    operations = [one for path in told["paths"].values() for one in path.values()]
    assert len(operations) >= 20
    named = [one["security"] for one in operations]
    assert all(one in [[{"token": [scope]}] for scope in Scope] for one in named)
    assert told["paths"]["/api/v1/runs"]["post"]["security"] == [{"token": ["runs:write"]}]
    assert told["paths"]["/api/v1/browse"]["get"]["security"] == [{"token": ["connectors:read"]}]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server in a thread of its own, with some connectors and a run; its address, and an administrator's token."""
    folder = tmp_path_factory.mktemp("api")
    patch = pytest.MonkeyPatch()
    patch.setenv("HAULAGE_HOME", str(folder / "state"))
    ready, stop, told = threading.Event(), threading.Event(), []

    async def serve() -> None:
        ledger = Ledger.open(folder / "state" / "ledger.db")
        async with served(ledger) as house:
            told.append((house.url, _filled(house, folder)))
            ready.set()
            await asyncio.to_thread(stop.wait)
        ledger.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(60)
        yield told[0]
    finally:
        stop.set()
        thread.join()
        patch.undo()


def _filled(house: House, folder: Path) -> str:
    ada = house.person("ada", Role.ADMIN)
    for name in ("from", "to"):
        house.folder(name, "ada", folder / name)
    return signing_in.add_token(house.ledger, ada, "all", list(Scope), 1, TEST)[1]


def ask(case: schemathesis.Case, api: tuple[str, str]) -> None:
    """With a token and without. A 502 says that a service could not be told, which is no fault of this server."""
    url, key = api
    bare = case.call(base_url=url, headers={"Authorization": ""})
    expected = {401} if case.method == case.operation.method.upper() else {401, 405}  # of another operation, or none
    if len(bare.request.body or b"") > LARGEST_BODY:  # refused before anybody looks who sends it
        expected = {413}
    assert bare.status_code in expected, bare.text
    answer = case.call(base_url=url, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code < 500 or answer.status_code == 502, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"][0] == "application/problem+json"


@schema.parametrize()
@settings(max_examples=FEW, deadline=None, derandomize=True, suppress_health_check=QUIET)
def test_no_answer_is_a_failure(case: schemathesis.Case, api: tuple[str, str]) -> None:
    """A few of each operation."""
    ask(case, api)


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=MANY, deadline=None, suppress_health_check=QUIET)
def test_no_answer_is_a_failure_at_length(case: schemathesis.Case, api: tuple[str, str]) -> None:
    """Many, and others each time."""
    ask(case, api)
