"""Schedules as they are changed, on pages and by programs, and as the table of a migration tells of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from haulage.ledger import people
from haulage.ledger.store import now_us
from haulage.model.filters import Filters
from haulage.model.outcome import PassKind
from haulage.model.person import Role, Scope
from haulage.model.schedule import Every, Hours, Timing
from haulage.operations import migrations, schedules, signing_in
from tests.web.house import TEST, House, Visitor, words
from tests.web.test_passes import filled

EVENINGS = Timing(Every.WEEK, 30, 20, 5, "Europe/Berlin")
NIGHTS = Hours(20 * 60, 6 * 60, True, "Asia/Tokyo")
BY_DAY: dict[str, Any] = {"repeat": "daily", "at": "07:15", "day": "1", "zone": "Europe/Paris"}
ANY_TIME: dict[str, Any] = {"hours": "any", "opens": "20:00", "closes": "06:00"}


@pytest.fixture
async def ada(house: House, tmp_path: Path) -> AsyncIterator[Visitor]:
    """An operator with a migration of three users, two of which start on Friday evenings."""
    person = house.person("ada", Role.OPERATOR)
    filled(house, tmp_path, 3)
    migration, _ = migrations.table(house.ledger, "m")
    schedules.add_for_migration(house.ledger, person, migration, [1, 3], PassKind.COPY, EVENINGS, NIGHTS, TEST)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    yield visitor
    await visitor.close()


async def test_changed_on_the_page(ada: Visitor) -> None:
    """The form has what is; wrong times change nothing and are shown again; the table tells of the new ones."""
    ledger = ada.house.ledger
    page = (await ada.get("/migrations/1")).text
    assert page.count("weekly, Friday at 20:30 (Europe/Berlin)<div") == 2 and 'href="/schedules/1"' in page
    form = (await ada.get("/schedules/1")).text
    for part in (
        'value="weekly" selected',
        'value="20:30"',
        'name="day" value="5"',
        'value="some" id="some-hours" checked',
    ):
        assert part in form
    assert "<option selected>Europe/Berlin" in form and "<option selected>Asia/Tokyo" in form
    wrong = await ada.post("/schedules/1", **{**BY_DAY, **ANY_TIME, "zone": "Nowhere/Else"})
    assert wrong.status_code == 422 and "there is no time zone" in words(wrong) and 'value="07:15"' in wrong.text
    assert schedules.of_migration(ledger, 1)[0].timing == EVENINGS
    within = {"hours": "some", "opens": "22:00", "closes": "05:00", "hours_zone": "Asia/Tokyo"}
    done = await ada.post("/schedules/1", **BY_DAY, **within)
    assert (done.status_code, done.headers["location"]) == (303, "/migrations/1")
    (row,) = schedules.of_migration(ledger, 1)
    assert (row.timing, row.hours) == (
        Timing(Every.DAY, 15, 7, 1, "Europe/Paris"),
        Hours(1320, 300, False, "Asia/Tokyo"),
    )
    assert (row.row_ids, row.kind) == ((1, 3), PassKind.COPY)
    assert 0 < row.next_us - now_us() <= 25 * 3_600_000_000
    assert (await ada.post("/schedules/1", **BY_DAY, **ANY_TIME)).status_code == 303
    assert schedules.of_migration(ledger, 1)[0].hours is None
    assert "daily at 07:15 (Europe/Paris)" in words(await ada.get("/schedules"))


async def test_only_by_whom_it_is(ada: Visitor, tmp_path: Path) -> None:
    """Another person's is not there, nor one that was deleted."""
    ledger = ada.house.ledger
    ada.house.person("eve", Role.OPERATOR)
    eve = Visitor(ada.house)
    await eve.sign_in("eve")
    assert (await eve.get("/schedules/1")).status_code == 404
    assert (await eve.post("/schedules/1", **BY_DAY, **ANY_TIME)).status_code == 404
    await eve.close()
    schedules.remove(ledger, 1, TEST)
    assert (await ada.post("/schedules/1", **BY_DAY, **ANY_TIME)).status_code == 404


async def test_changed_by_a_program(ada: Visitor) -> None:
    """Times are replaced as a whole; hours are no matter of a single copy."""
    ledger, people = ada.house.ledger, ada.house.everybody()
    person = next(one for one in people if one.name == "ada")
    schedules.add(ledger, person, "here:/", "there:/", Filters(), EVENINGS, TEST)
    _, key = signing_in.add_token(ledger, person, "all", list(Scope), 1, TEST)
    program = Visitor(ada.house)
    http, at = program.http, "/api/v1/schedules"
    http.headers["Authorization"] = f"Bearer {key}"
    told = (await http.get(at)).json()["schedules"]
    assert [(one["hour"], one["minute"], one["day"]) for one in told] == [(20, 30, 5)] * 2
    assert told[0]["window"] == {"opens": 1200, "closes": 360, "weekends": True, "zone": "Asia/Tokyo"}
    times = {"every": "monthly", "day": 31, "hour": 3, "zone": "UTC", "hours": {"opens": 60}}
    changed = (await http.put(f"{at}/1", json=times)).json()
    assert changed["when"] == "monthly, the last day at 03:00 (UTC)"
    assert changed["hours"] == "01:00 to 06:00 and all weekend (UTC)" and changed["users"] == 2
    single = await http.put(f"{at}/2", json=times)
    assert single.status_code == 422 and "a single copy runs at any time" in single.text
    assert (await http.put(f"{at}/2", json={"every": "hourly", "minute": 5})).json()["when"] == "hourly, at 05 past"
    assert (await http.put(f"{at}/1", json={"minute": 60})).status_code == 422
    assert (await http.put(f"{at}/9", json={})).status_code == 404
    await program.close()


async def test_viewers_are_told_that_they_only_look(ada: Visitor) -> None:
    """Whoever may not change or delete a schedule is offered neither, and told why."""
    page = (await ada.get("/schedules")).text
    assert "start 2 users" in page and "/schedules/1/delete" in page and "Only an operator" not in page
    ledger = ada.house.ledger
    (person,) = (one for one in ada.house.everybody() if one.name == "ada")
    ledger.do(people.update, person.id, role=Role.VIEWER)
    page = (await ada.get("/schedules")).text
    assert "start 2 users" in page and "Only an operator changes or deletes it." in page
    assert "/schedules/1" not in page
    page = (await ada.get("/migrations/1")).text
    assert "Start 2 users weekly" in page and "/schedules/1" not in page
