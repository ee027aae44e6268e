"""The issues of a migration: grouped by cause, counted, shown and downloaded whole, and acted on with one button."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import expect

from haulage.ledger import connectors as connector_rows
from haulage.ledger.schema import outcomes
from haulage.ledger.store import Connection, Ledger
from haulage.model.connector import ConnectorState
from haulage.model.mapping import Wish
from haulage.model.matching import Candidate, Match, Matched
from haulage.model.person import Role
from haulage.operations import migrations
from haulage.services.local import drive as local
from tests.web.browsing import browser_page, complaints_of, judged, sign_in
from tests.web.house import TEST, House, Visitor, words
from tests.web.test_migrating import ended

USERS = ("alice", "bob", "carol")
DENIED = "failed-permission-source"


@pytest.fixture
async def ada(house: House, tmp_path: Path) -> AsyncIterator[Visitor]:
    """An operator, signed in, whose migration has run: of carol, who is not there, it could not."""
    house.person("ada", Role.OPERATOR)
    for name in ("here", "there"):
        house.folder(name, "ada", tmp_path / name)
    for user in USERS[:2]:
        (tmp_path / "here" / user).mkdir()
        (tmp_path / "here" / user / "a.txt").write_text(user)
    migrations.create(house.ledger, "m", "here", "there", TEST)
    wishes = [Wish(0, f"{tmp_path}/here/{user}"[1:], f"{tmp_path}/there/{user}"[1:]) for user in USERS]
    migrations.add(house.ledger, "m", wishes, TEST)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    assert (await visitor.post("/migrations/1/begin", kind="copy", every="true", count="3")).status_code == 303
    await ended(visitor)
    yield visitor
    await visitor.close()


def fail(ledger: Ledger, row: int, count: int, code: str, outcome: str = "failed", first: int = 1000) -> None:
    """So many items of a row's newest copy went wrong."""
    run = next(one.run for one in migrations.table(ledger, "m")[1] if one.id == row)
    assert run is not None
    plain = {"run_id": run.id, "outcome": outcome, "code": code, "side": "source", "message": "<b>no</b>", "fix": "f"}
    plain |= {"size": 1, "listed": 1, "adopted": 0, "at_us": 0, "target": None, "evidence": None}
    lines = [{**plain, "item_id": first + n, "path": f"=docs/{n}.txt"} for n in range(count)]

    def keep(connection: Connection) -> None:
        connection.execute(outcomes.insert(), lines)

    ledger.do(keep)


async def test_grouped_shown_whole_and_retried(ada: Visitor) -> None:
    """Counts are whole, samples few and said to be; a retry is of the users concerned alone, as they were shown."""
    ledger = ada.house.ledger
    fail(ledger, 1, 250, "permission")
    fail(ledger, 2, 162, "permission")
    fail(ledger, 2, 1, "too_large", "unsupported", 5000)
    told = words(await ada.get("/migrations/1/issues"))
    assert "Not permitted (at the source): 412 items of 2 users" in told and "Show all 412" in told
    assert "Retry these 412 items of 2 users" in told and told.count("docs/") == 4
    assert "Too large (at the source): 1 item of 1 user" in told and "Retry this" not in told
    last = words(await ada.get(f"/migrations/1/issues/{DENIED}", start=400))
    assert "Shown are 401 to 412 of 412" in last and "docs/161.txt" in last and "<b>no</b>" in last
    whole = await ada.get(f"/migrations/1/issues/{DENIED}/csv")
    lines = list(csv.DictReader(io.StringIO(whole.content.decode("utf-8-sig"))))
    assert len(lines) == 412 and (lines[0]["Name"], lines[-1]["ID"]) == ("'=docs/0.txt", "2")
    assert (await ada.post(f"/migrations/1/issues/{DENIED}/retry", count="3")).status_code == 422
    helpless = await ada.post("/migrations/1/issues/unsupported-too_large-source/retry", count="1")
    assert helpless.status_code == 422 and "fails again however often" in words(helpless)
    before = [one.run and one.run.id for one in migrations.table(ledger, "m")[1]]
    assert (await ada.post(f"/migrations/1/issues/{DENIED}/retry", count="2")).status_code == 303
    await ended(ada)
    after = [one.run and one.run.id for one in migrations.table(ledger, "m")[1]]
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, True, False]
    assert (await ada.get(f"/migrations/1/issues/{DENIED}")).status_code == 404


async def test_paths_are_corrected_where_they_were_wrong(
    ada: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those users start; what cannot be a path, or is no other, changes nothing."""
    assert "The root path is not there" in words(await ada.get("/migrations/1/issues")).replace("the root", "The root")
    one = "/migrations/1/issues/status-411"
    page = (await ada.get(one)).text
    assert 'name="source"' in page and "Save these paths and start" in page
    assert "Map this user" in words(await ada.get("/migrations/1/issues"))
    assert 'list="sources"' in page and f"{one}/places" in page
    assert "no users to discover" in words(await ada.get(f"{one}/places"))
    sides = [[Candidate(f"{name}@{side}", "user", name.title()) for name in ("al", "bo")] for side in ("old", "new")]
    found = Matched([Match(sides[0][0], sides[1][0], "local part")], [], sides[0][1:], sides[1][1:])

    async def known(*_: object) -> Matched:
        return found

    monkeypatch.setattr(migrations, "discovered", known)
    offered = (await ada.get(f"{one}/places")).text
    assert '<datalist id="sources"><option value="al@old">Al</option><option value="bo@old">' in offered
    assert '<datalist id="destinations"><option value="bo@new">' in offered and ">here<" in offered
    there = f"{tmp_path}/there/carol"[1:]
    for source, why in (("a/../b", "has '..' in it"), (f"{tmp_path}/here/carol", "no path was changed")):
        wrong = await ada.post(f"{one}/correct", row="3", source=source, destination=there)
        assert wrong.status_code == 422 and why in words(wrong)
    right = await ada.post(f"{one}/correct", row="3", source=f"{tmp_path}/here/bob", destination=there)
    assert right.status_code == 303
    await ended(ada)
    assert (tmp_path / "there" / "carol" / "a.txt").read_text() == "bob"
    assert "Nothing has to be looked after" in words(await ada.get("/migrations/1/issues"))


async def test_what_needs_a_connector_leads_to_it(ada: Visitor) -> None:
    """Reauthorize, with both sides on the way back; an administrator sees it all and starts nothing."""
    fail(ada.house.ledger, 1, 3, "authorisation")

    def lose(connection: Connection) -> None:
        row = connector_rows.get(connection, "here")
        connector_rows.update(connection, row.id, state=ConnectorState.NEEDS_REAUTHORISATION.value)

    ada.house.ledger.do(lose)
    page = (await ada.get("/migrations/1/issues")).text
    assert "/connectors/here/reauthorize?side=source&amp;source=here&amp;destination=there" in page
    ada.house.person("root2", Role.ADMIN)
    await ada.sign_in("root2")
    page = (await ada.get("/migrations/1/issues")).text
    assert "Authorisation refused" in page and "Reauthorize" not in page and "/retry" not in page
    key = "failed-authorisation-source"
    assert (await ada.get(f"/migrations/1/issues/{key}")).status_code == 200
    for post in ("retry", "correct"):
        assert (await ada.post(f"/migrations/1/issues/{key}/{post}", count="1")).status_code == 404


LONG = "the minutes of the meeting about the minutes of the meeting"
UNNAMED = "failed-name_refused-destination"


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The destination takes names of 40 bytes, as some services take shorter ones than others."""
    names = msgspec.structs.replace(local.TRAITS.names, longest_part=40)
    monkeypatch.setattr(local.LocalDrive, "traits", msgspec.structs.replace(local.TRAITS, names=names))


async def again(ada: Visitor) -> None:
    """All users once more."""
    assert (await ada.post("/migrations/1/begin", kind="copy", every="true", count="3")).status_code == 303
    await ended(ada)


async def test_names_that_are_too_long_are_fitted_as_shown(ada: Visitor, narrow: None, tmp_path: Path) -> None:
    """Each is shown before; the files are there under those names then, in later runs too."""
    for n in (1, 2):
        (tmp_path / "here" / "alice" / f"{LONG} {n}.txt").write_text(f"minutes {n}")
    await again(ada)
    issue = f"/migrations/1/issues/{UNNAMED}"
    told = words(await ada.get(issue))
    assert "Fit these 2 names" in told and "Retry these 2 items of 1 user" in told
    lines = list(csv.DictReader(io.StringIO((await ada.get(f"{issue}/csv")).content.decode("utf-8-sig"))))
    names = [one["Offered Name"] for one in lines]
    assert len(set(names)) == 2 and all(len(one) <= 40 and one.endswith(".txt") for one in names)
    assert all(f"Would be named: {one}" in told for one in names)
    assert "Would be named" in words(await ada.get("/migrations/1/issues"))
    assert (await ada.post(f"{issue}/fit", count="3")).status_code == 422
    assert (await ada.post(f"{issue}/fit", count="2")).status_code == 303
    await ended(ada)
    there = tmp_path / "there" / "alice"
    assert {one.name for one in there.iterdir()} == {"a.txt", *names}
    assert sorted((there / one).read_text() for one in names) == ["minutes 1", "minutes 2"]
    assert (await ada.get(issue)).status_code == 404
    (tmp_path / "here" / "alice" / f"{LONG} 1.txt").write_text("other minutes")
    await again(ada)
    assert {one.name for one in there.iterdir()} == {"a.txt", *names}
    assert sorted((there / one).read_text() for one in names) == ["minutes 2", "other minutes"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_one_button_in_a_browser(ada: Visitor) -> None:
    """Both pages are accessible; the button starts the users concerned, and the issue is gone after that."""
    fail(ada.house.ledger, 1, 412, "permission")
    house = ada.house
    async with browser_page() as page:
        await sign_in(page, house, "ada")
        await page.goto(f"{house.url}/migrations/1/issues/{DENIED}")
        assert await judged(page) == []
        await page.goto(f"{house.url}/migrations/1")
        await page.get_by_role("link", name="Issues", exact=True).click()
        await page.wait_for_url("**/issues")
        assert await judged(page) == []
        await page.click("text=Retry these 412 items of 1 user")
        await page.wait_for_url("**/migrations/1")
        await expect(page.locator("#work")).to_contain_text("has ended: 1 succeeded", timeout=60_000)
        await page.goto(f"{house.url}/migrations/1/issues")
        await expect(page.locator("text=Not permitted")).to_have_count(0)
        assert complaints_of(page, house) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_mapped_and_fitted_in_a_browser(ada: Visitor, narrow: None, tmp_path: Path) -> None:
    """A user whose path is not there gets another one, and a name that is too long the one that is shown."""
    (tmp_path / "here" / "alice" / f"{LONG}.txt").write_text("minutes")
    await again(ada)
    house = ada.house
    async with browser_page() as page:
        page.set_default_timeout(90_000)
        await sign_in(page, house, "ada")
        await page.goto(f"{house.url}/migrations/1/issues")
        assert await judged(page) == []
        await page.click("text=Map this user")
        await page.get_by_label("Source path of 3").fill(f"{tmp_path}/here/bob"[1:])
        assert await judged(page) == []
        await page.click("text=Save these paths and start")
        await page.wait_for_url("**/migrations/1")
        await expect(page.locator("#work")).to_contain_text("has ended: 1 succeeded", timeout=90_000)
        await page.goto(f"{house.url}/migrations/1/issues/{UNNAMED}")
        offered = await page.get_by_text("Would be named:").inner_text()
        assert await judged(page) == []
        await page.click("text=Fit this name")
        await page.wait_for_url("**/migrations/1")
        await expect(page.locator("#work")).to_contain_text("has ended: 1 succeeded", timeout=90_000)
        await page.goto(f"{house.url}/migrations/1/issues")
        await expect(page.get_by_text("Nothing has to be looked after")).to_be_visible()
        assert complaints_of(page, house) == []
    (there,) = (tmp_path / "there" / "alice").glob("the minutes*.txt")
    assert offered == f"Would be named: {there.name}"
