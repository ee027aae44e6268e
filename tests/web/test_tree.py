"""Folders in the wizard: long ones come in portions, and nobody can go on but where they were given to."""

import re
from html import unescape
from pathlib import Path

import pytest

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.model.person import Role
from haulage.operations import browsing, transfers
from haulage.operations.locations import Given
from tests.web.house import House, Visitor, words


@pytest.mark.parametrize("many", [2_500, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_long_folders_come_in_portions(house: House, tmp_path: Path, many: int) -> None:
    """Each of them once, in portions that a page stays usable with; a cursor that was not given out is refused."""
    house.person("ada", Role.OPERATOR)
    place = house.folder("from", "ada", tmp_path / "a")
    for number in range(many):
        (tmp_path / "a" / f"entry {number:05}").touch()
    (tmp_path / "a" / "folder").mkdir()
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    seen: list[str] = []
    answer = await visitor.get("/browse", side="source", at=place)
    portions = 1
    while True:
        seen += re.findall(r"entry \d{5}", answer.text)
        more = re.search(r'hx-get="([^"]*)"[^>]*>Show more', answer.text)
        if not more:
            break
        answer = await visitor.get(unescape(more[1]))
        portions += 1
        assert answer.status_code == 200 and len(answer.content) < 1_000_000
    assert sorted(seen) == [f"entry {number:05}" for number in range(many)]
    assert portions == -(-(many + 1) // 1000)
    forged = await visitor.get("/browse", side="source", at=place, on="0" * 64 + ".x")
    assert "this list has ended" in words(forged)
    await visitor.close()


async def test_what_was_typed_stays(house: House, tmp_path: Path) -> None:
    """A start that is refused shows the wizard again, with both places as they were, and why."""
    house.person("ada", Role.OPERATOR)
    source = house.folder("from", "ada", tmp_path / "a")
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    inside = f"{source}/deeper"
    refused = await visitor.post("/wizard/start", source=source, destination=inside)
    assert refused.status_code == 422
    assert f'value="{source}"' in refused.text and f'value="{inside}"' in refused.text
    nothing = await visitor.post("/wizard/start", source=source, destination="")
    assert (nothing.status_code, "no destination is chosen" in words(nothing)) == (422, True)
    missing = await visitor.post("/wizard/start", source=f"{source}/missing", destination=f"from:{tmp_path}/b")
    told = words(missing)
    assert missing.status_code == 422 and "haulage " not in told and "--" not in told
    assert browsing.LEAST_ITEMS < browsing.MOST_ITEMS
    await visitor.close()


async def test_reauthorizing_keeps_the_other_side(house: House, tmp_path: Path) -> None:
    """A side that could not be loaded leads to its authorisation, and from there back to both sides."""
    house.person("ada", Role.OPERATOR)
    place = house.folder("from", "ada", tmp_path / "a")
    house.folder("to", "ada", tmp_path / "b")
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    wizard = await visitor.get("/wizard", source="from", destination="to")
    asked = re.findall(r'hx-get="(/browse[^"]*)"', wizard.text)
    assert ["source=from&destination=to" in unescape(one) for one in asked] == [True, True]
    gone = await visitor.get("/browse", side="source", at=f"{place}/gone", source="from", destination="to")
    link = re.search(r'href="([^"]*/reauthorize[^"]*)"', gone.text)
    assert link is not None
    form = await visitor.get(unescape(link[1]))
    assert 'name="source" value="from"' in form.text and 'name="destination" value="to"' in form.text
    await visitor.close()


async def test_a_whole_is_offered_where_it_can_be_copied(house: House, tmp_path: Path) -> None:
    """Not of a service whose locations need a root: a start would refuse it."""
    house.person("ada", Role.OPERATOR)
    place = house.folder("from", "ada", tmp_path / "a")
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    shown = words(await visitor.get("/browse", side="source", at=place, whole=True))
    assert "Connected" in shown and "The whole of it" not in shown
    await visitor.close()


async def test_a_run_of_a_command_goes_on_by_a_command(house: House, tmp_path: Path) -> None:
    """Its folders are those of whoever gave it: the page says where to go on with it."""
    (tmp_path / "a").mkdir()
    house.person("ada", Role.ADMIN)
    copied = await transfers.copy(
        house.ledger,
        Given(str(tmp_path / "a"), "source"),
        Given(str(tmp_path / "b"), "destination"),
        Options(),
        Watch(),
        create=True,
    )
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    refused = await visitor.post(f"/runs/{copied.run.id}/resume")
    assert refused.status_code == 422 and "Start it again at the terminal" in words(refused)
    await visitor.close()
