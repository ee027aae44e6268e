"""Where a service takes few calls, pages say before the start how many, how long that takes, and how to get more."""

from collections.abc import AsyncIterator

import pytest

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.model.mapping import Wish
from haulage.model.person import Role
from haulage.operations import migrations, transfers
from haulage.operations.locations import Given
from haulage.services.egnyte.traits import MORE_CALLS
from tests.connectors.people import ADA, Office
from tests.web.house import Visitor, served, words


@pytest.fixture
async def visitor(office: Office, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visitor]:
    """An administrator, with a Dropbox and an Egnyte."""
    monkeypatch.setenv("HAULAGE_HOME", str(office.home))
    for one in ("egnyte", "dropbox"):
        await office.connect(one, office.people(one, "user")[0], "write", one)
    async with served(office.ledger) as house:
        house.person("ada", Role.ADMIN)
        office.ledger.do(lambda connection: connection.exec_driver_sql("UPDATE connectors SET owner = 'ada'"))
        visitor = Visitor(house)
        await visitor.sign_in("ada")
        yield visitor
        await visitor.close()


def private(office: Office) -> str:
    """The private folder of who signed in to Egnyte."""
    return f"Private/{office.people('egnyte', 'user')[0]['user']}"


async def test_the_wizard_tells_of_it_as_soon_as_the_service_is_loaded(visitor: Visitor) -> None:
    loaded = words(await visitor.get("/wizard", source="dropbox", destination="egnyte"))
    assert "Egnyte takes 2 calls a second for one token." in loaded
    assert "Egnyte takes 1,000 calls a day for one token." in loaded
    assert "How long the copy takes is told here once both places are chosen." in loaded
    assert "calls a day" not in words(await visitor.get("/wizard", source="dropbox"))


async def test_how_long_the_chosen_copy_takes(visitor: Visitor, office: Office) -> None:
    """From Egnyte it is asked there; to Egnyte it is told once the source was listed."""
    source = f"egnyte:/{private(office)}"
    told = words(await visitor.get("/wizard/budget", source=source, destination="dropbox:/There"))
    assert " calls a day" not in told and "a second and" in told and "items need about" in told, told
    assert MORE_CALLS in told
    unlisted = words(await visitor.get("/wizard/budget", source="dropbox:/", destination=f"{source}/new"))
    assert "An item takes up to 2 calls: at most" in unlisted
    assert "How long that will be is told once the source was listed." in unlisted
    ends = Given("dropbox:/", "source"), Given(f"{source}/new", "destination")
    await transfers.copy(office.ledger, *ends, Options(plan_only=True), Watch())
    assert "items need about" in words(await visitor.get("/wizard/budget", source="dropbox:/", destination=source))


async def test_nothing_is_asked_before_both_are_chosen(visitor: Visitor, office: Office) -> None:
    before = office.sandbox.calls
    assert (await visitor.get("/wizard/budget", source="dropbox:/")).status_code == 204
    assert office.sandbox.calls == before
    wrong = words(await visitor.get("/wizard/budget", source="dropbox:/", destination="egnyte:/"))
    assert "How long the copy takes could not be asked" in wrong


async def test_the_summary_before_users_are_started(visitor: Visitor, office: Office) -> None:
    migrations.create(office.ledger, "Few", "dropbox", "egnyte", ADA)
    migrations.add(office.ledger, "Few", [Wish(0, "", f"{private(office)}/of the migration", ())], ADA)
    page = words(await visitor.get("/migrations/1/what", every="true", kind="copy"))
    assert "An item takes up to 2 calls: at most 500 items a day." in page
    assert "How long that will be is told once the source was listed." in page
    assert MORE_CALLS in page
    assert "calls a day" not in words(await visitor.get("/migrations/1/what", every="true", kind="scan"))
