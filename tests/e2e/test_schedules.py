"""Schedules of a migration by the command line: as the web application has them, in a person's name."""

import pytest

from haulage.ledger import people
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.model.person import Role
from haulage.model.schedule import Every, day_of, minutes_of, window_of
from tests.e2e.program import Program


@pytest.fixture
def planned(haulage: Program) -> Program:
    """Ada's installation with a migration of two users, and nobody of the web application yet."""
    haulage.environment["LOGNAME"] = "ada"
    for name in ("here", "there"):
        assert haulage("connectors", "add", "local", name).code == 0
    assert haulage("migrations", "create", "m", "here", "there").code == 0
    (haulage.home / "rows.csv").write_text("Source Path,Destination Path\na,x\nb,y\n")
    assert haulage("migrations", "add", "m", str(haulage.home / "rows.csv")).code == 0
    return haulage


def begin(haulage: Program, name: str, role: Role, local: str | None = None) -> None:
    """Somebody begins in the web application; local: who they are on this machine."""
    ledger = Ledger.open(haulage.home / "ledger.db")
    ledger.do(people.add, name, role, local)
    ledger.close()


def test_added_changed_and_removed(planned: Program) -> None:
    """In the name of whoever runs it or of somebody named, who may; what is not said stays as it was."""
    schedule = ("migrations", "schedule")
    nobody = planned(*schedule, "add", "m")
    assert (nobody.code, "ada is no person of the web application" in nobody.err) == (2, True)
    begin(planned, "Ada Lovelace", Role.OPERATOR, "ada")
    begin(planned, "Bob", Role.OPERATOR)
    begin(planned, "Eve", Role.VIEWER, "eve")
    assert "may not use both connectors" in planned(*schedule, "add", "m", "--person", "bob").err
    assert "Eve may only look" in planned(*schedule, "add", "m", "--person", "eve").err
    assert "there is no person 'carl'" in planned(*schedule, "add", "m", "--person", "carl").err
    assert "no transfer is chosen" in planned(*schedule, "add", "m", "--filter", "nobody").err
    assert "weekends belong to hours" in planned(*schedule, "add", "m", "--no-weekends").err
    assert "there is no time zone" in planned(*schedule, "add", "m", "--zone", "Nowhere/Else").err

    added = planned(*schedule, "add", "m")
    assert added.out.startswith("Added: 1  copy all users daily at 20:00 (UTC); next 2"), added.err
    assert added.out.endswith(" 20:00 UTC, for Ada Lovelace\n")
    times = ("--every", "weekly", "--day", "friday", "--at", "21:30", "--zone", "Asia/Tokyo", "--hours", "20:00-06:00")
    (told,) = planned(*schedule, "add", "M", "--kind", "scan", "--filter", "source:a", *times, "--json").events
    assert (told["event"], told["kind"], told["users"]) == ("schedule_added", "scan", 1)
    assert told["when"] == "weekly, Friday at 21:30 (Asia/Tokyo)"
    assert told["hours"] == "20:00 to 06:00 and all weekend (Asia/Tokyo)"

    (told,) = planned(*schedule, "change", "m", "2", "--at", "22:00", "--no-weekends", "--json").events
    assert told["when"] == "weekly, Friday at 22:00 (Asia/Tokyo)" and told["users"] == 1
    assert told["hours"] == "20:00 to 06:00 (Asia/Tokyo)"
    (told,) = planned(
        *schedule, "change", "m", "2", "--every", "monthly", "--day", "last", "--zone", "UTC", "--json"
    ).events
    assert (told["when"], told["hours"]) == ("monthly, the last day at 22:00 (UTC)", "20:00 to 06:00 (UTC)")
    changed = planned(*schedule, "change", "m", "2", "--hours", "any", "--every", "hourly")
    assert changed.out.startswith("Changed: 2  scan 1 user hourly, at 00 past; next")
    assert "has no day" in planned(*schedule, "change", "m", "2", "--day", "1").err
    assert "has no schedule 9" in planned(*schedule, "change", "m", "9", "--at", "1:00").err

    assert len(planned(*schedule, "list", "m", "--json").events[0]["schedules"]) == 2
    assert planned(*schedule, "remove", "m", "1").out == "Removed: it started daily at 20:00 (UTC).\n"
    assert [line.split()[0] for line in planned(*schedule, "list", "m").out.splitlines()] == ["2"]
    assert planned(*schedule, "remove", "m", "2").code == 0
    assert "migrations schedule add m" in planned(*schedule, "list", "m").out


def test_as_code(planned: Program) -> None:
    """The plan is shown, and only done where somebody is there in whose name it starts; the export changes nothing."""
    file = planned.home / "m.yaml"
    text = planned("migrations", "export", "m", "--yaml").out
    file.write_text(f"{text}schedules:\n- {{every: daily, at: 20:00, only: [a]}}\n")
    refused = planned("apply", str(file), "--plan")
    assert (refused.code, "in whose name it would start" in refused.err) == (2, True)
    begin(planned, "Ada", Role.OPERATOR, "ada")
    shown = planned("apply", str(file), "--plan")
    assert "  Schedules added: 1\n    copy 1 user daily at 20:00 (UTC)\n" in shown.out
    assert planned("apply", str(file), "--yes").code == 0
    file.write_text(planned("migrations", "export", "m", "--yaml").out.replace("20:00", "21:00"))
    changed = planned("apply", str(file), "--yes").out
    assert "1 copy 1 user daily at 20:00 (UTC): becomes copy 1 user daily at 21:00 (UTC)" in changed
    done = planned("apply", str(file), "--json")
    assert done.events[0]["nothing"] and done.events[0]["schedules"]["unchanged"] == 1


@pytest.mark.parametrize(
    ("every", "text", "day"),
    [
        (Every.WEEK, "monday", 1),
        (Every.WEEK, "Sunday ", 7),
        (Every.MONTH, "last", 31),
        (Every.MONTH, "15", 15),
        (Every.MONTH, "32", None),
        (Every.MONTH, "0", None),
        (Every.WEEK, "3rd", None),
        (Every.DAY, "monday", None),
    ],
)
def test_days(every: Every, text: str, day: int | None) -> None:
    """Of the week by name, of the month by number."""
    if day is None:
        with pytest.raises(Refused):
            day_of(every, text)
    else:
        assert day_of(every, text) == day


def test_clocks() -> None:
    """As people write them; nothing else."""
    assert (minutes_of("7:05"), minutes_of("23:59"), window_of("20:00-06:00")) == (425, 1439, (1200, 360))
    for wrong in ("24:00", "7", "7:5", "-1:00", "1:60", "٧:٠٠"):
        with pytest.raises(Refused):
            minutes_of(wrong)
    with pytest.raises(Refused, match="are no hours"):
        window_of("20:00")
