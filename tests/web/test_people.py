"""What people do with and for each other: notices, sharing, acting for somebody, leaving."""

from pathlib import Path
from typing import Any

import pytest

from haulage.ledger import audit
from haulage.ledger import runs as run_rows
from haulage.model.errors import Refused
from haulage.model.outcome import Status
from haulage.model.person import Notices, Role
from haulage.operations import connectors, notices
from haulage.operations.running import STOPPED
from haulage.services.registry import service
from tests.web.house import PASSWORD, TEST, House, Visitor, words
from tests.web.mail import mail_server
from tests.web.test_going_on import ended, until


async def start(visitor: Visitor, source: str, target: str) -> int:
    """Start a copy; its run's number, once it has ended."""
    begun = await visitor.post("/wizard/start", source=source, destination=target)
    assert begun.status_code == 303, words(begun)
    number = int(begun.headers["location"].rsplit("/", 1)[1])
    await until(lambda: ended(visitor.house.ledger, number))
    return number


async def test_notices_are_sent_as_each_wants(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On completion: every end; only on errors: not a good one; never: nothing. To the address of the account page."""
    monkeypatch.setattr(notices, "WAITS_SECONDS", ())
    decided: list[bool] = []
    tell = notices.tell

    async def noting(*run: Any) -> bool:
        decided.append(await tell(*run))
        return decided[-1]

    monkeypatch.setattr(notices, "tell", noting)
    house.person("ada", Role.OPERATOR)
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    (tmp_path / "a" / "line\nbreak").write_text("content")
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    assert (await visitor.post("/account/notices", notices="completion", email="no address")).status_code == 422
    async with mail_server() as server:
        monkeypatch.setenv("HAULAGE_SMTP_URL", f"smtp://127.0.0.1:{server.port}")
        monkeypatch.setenv("HAULAGE_SMTP_FROM", "haulage@example.com")
        for told_before, wish in enumerate(("never", "errors", "completion")):
            await visitor.post("/account/notices", notices=wish, email="ada@example.org")
            number = await start(visitor, source, target)
            await until(lambda count=told_before + 1: len(decided) == count)  # the wish is read once the run has ended
        assert decided == [False, False, True]
        ((to, told),) = server.kept
        assert (to, told["From"], told["To"]) == ("ada@example.org", "haulage@example.com", "ada@example.org")
        assert told["Subject"] == f"Haulage: run {number}: Success, nothing needed copying (101)"
        assert f"{house.url}/runs/{number}" in told.get_content()
    page = words(await visitor.get("/account"))
    assert "Without an address nothing is sent" in page
    monkeypatch.setenv("HAULAGE_SMTP_URL", "smtp://127.0.0.1:1")
    await start(visitor, source, target)  # nobody takes it: the run is as good as ever, and the log says so
    log = house.ledger.path.parent / "logs"
    await until(lambda: any("notice not sent" in one.read_text() for one in log.iterdir()))
    await visitor.close()


def test_who_is_told_of_what() -> None:
    """By wish and status; and what the settings of the mail server may be."""
    asked = (Status.SUCCESS, Status.SOME_UPLOAD_ERRORS, Status.PAUSED_REAUTHORISE, Status.CANCELED, Status.CRASHED)
    assert [notices.wanted(Notices.ERRORS, one) for one in asked] == [False, True, True, False, True]
    assert [notices.wanted(Notices.COMPLETION, one) for one in asked] == [True, True, True, False, True]
    assert [notices.wanted(Notices.NEVER, one) for one in asked] == [False] * 5
    for told, wanted in (("paused by ada", False), (STOPPED, False), ("many files are empty now", True)):
        assert notices.wanted(Notices.ERRORS, Status.PAUSED, told) == wanted
    sender = {"HAULAGE_SMTP_FROM": "a@b.example"}
    at = notices.post({"HAULAGE_SMTP_URL": "smtps://u:p%40ss@mail.example", **sender})
    assert at is not None and (at.port, at.tls, at.password, "p@ss" in repr(at)) == (465, True, "p@ss", False)
    assert notices.post({}) is None
    for wrong in ("http://mail.example", "smtp://", "smtp://host:x"):
        with pytest.raises(Refused):
            notices.post({"HAULAGE_SMTP_URL": wrong, **sender})
    with pytest.raises(Refused):
        notices.post({"HAULAGE_SMTP_URL": "smtp://mail.example"})


async def test_a_shared_connector_is_used_and_no_more(house: House, tmp_path: Path) -> None:
    """Bob copies with Ada's connector; he cannot reauthorize, share or delete it; taken back, it is not there."""
    house.person("ada", Role.OPERATOR)
    bob = house.person("bob", Role.OPERATOR)
    house.person("eve", Role.VIEWER)
    source, target = house.folder("hers", "ada", tmp_path / "a"), house.folder("his", "bob", tmp_path / "b")
    (tmp_path / "a" / "file").write_text("content")
    hers, his = Visitor(house), Visitor(house)
    await hers.sign_in("ada")
    await his.sign_in("bob")
    refused = await his.post("/wizard/start", source=source, destination=target)
    assert refused.status_code == 404
    for name, code in (("nobody", 422), ("ada", 422), ("eve", 422), ("bob", 303)):
        assert (await hers.post("/connectors/hers/share", person=name)).status_code == code
    assert "Shared by ada" in words(await his.get("/wizard"))
    number = await start(his, source, target)
    assert house.run(number).status == Status.SUCCESS
    assert (await hers.get(f"/runs/{number}")).status_code == 404  # one end of it is his alone
    for path in ("reauthorize", "delete", "share"):
        assert (await his.post(f"/connectors/hers/{path}", person="eve")).status_code == 404
    page = await his.get("/connectors/hers")
    assert page.status_code == 200 and "/share" not in page.text
    assert (await his.post(f"/connectors/hers/share/{bob.id}/end")).status_code == 404
    assert (await hers.post(f"/connectors/hers/share/{bob.id}/end")).status_code == 303
    assert (await his.get("/connectors/hers")).status_code == 404
    assert (await his.post("/wizard/start", source=source, destination=target)).status_code == 404
    events = house.ledger.read(audit.of, "connector 1")
    assert [one.event for one in events][-2:] == ["connector share", "connector unshare"]
    await hers.close()
    await his.close()


async def test_an_administrator_acts_for_somebody(house: House, tmp_path: Path) -> None:
    """Only where they were added; with a banner on every page, with the other's things, and recorded as both."""
    ada = house.person("ada", Role.OPERATOR)
    house.person("chief", Role.ADMIN)
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    hers, chief = Visitor(house), Visitor(house)
    await hers.sign_in("ada")
    await chief.sign_in("chief")
    assert (await chief.post(f"/account/act-for/{ada.id}")).status_code == 422
    assert (await chief.get("/connectors/from")).status_code == 404
    assert (await hers.post("/account/delegates", name="chief")).status_code == 303
    assert (await chief.post(f"/account/act-for/{ada.id}")).status_code == 303
    for path in ("/wizard", "/runs", "/schedules", "/connectors", "/account"):
        assert "You are chief, acting for ada" in words(await chief.get(path))
    assert (await chief.get("/connectors/from")).status_code == 200
    assert (await chief.get("/people")).status_code == 403  # an operator's rights, not their own
    for path, form in (("password", {"old": PASSWORD, "new": "x", "again": "x"}), ("delete", {"typed": "ada"})):
        assert (await chief.post(f"/account/{path}", **form)).status_code == 403
    number = await start(chief, source, target)
    (event,) = house.ledger.read(audit.of, f"run {number}")
    assert (event.who, event.origin) == ("ada", "web, by chief")
    chief_id = next(one.id for one in house.everybody() if one.name == "chief")
    assert (await hers.post(f"/account/delegates/{chief_id}/end")).status_code == 303
    assert (await chief.get("/connectors/from")).status_code == 404
    assert "acting for" not in words(await chief.get("/wizard"))
    told = [one.event for one in house.ledger.read(audit.of, f"person {ada.id}")]
    assert [one for one in told if one != "sign-in"][-3:] == ["delegate add", "act for", "delegate remove"]
    assert list(house.ledger.read(lambda connection: list(audit.broken(connection)))) == []
    await hers.close()
    await chief.close()


async def test_an_account_is_deleted_with_what_is_its_own(house: House, tmp_path: Path) -> None:
    """Connectors destroyed, schedules and sessions and tokens ended, runs there for the administrator; name typed."""
    house.person("ada", Role.OPERATOR)
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    connectors.add(house.ledger, "others", service("local"), {}, TEST)
    hers, phone, root = Visitor(house), Visitor(house), Visitor(house)
    for visitor, name in ((hers, "ada"), (phone, "ada"), (root, "root")):
        await visitor.sign_in(name)
    number = await start(hers, source, target)
    form = {"source": source, "destination": target, "when": "schedule", "every": "daily", "at": "03:00"}
    assert (await hers.post("/wizard/start", **form)).headers["location"] == "/schedules"
    made = await hers.post("/account/tokens", name="mine", days="1", scopes="runs:read")
    key = made.text.partition("<code>")[2].partition("</code>")[0]
    assert (await hers.post("/account/delete", typed="not me")).status_code == 422
    gone = await hers.post("/account/delete", typed="ada")
    assert (gone.status_code, gone.headers["location"]) == (303, "/sign-in")
    for visitor in (hers, phone):
        assert (await visitor.get("/account")).status_code == 303
    assert (await hers.sign_in("ada")).status_code == 401
    assert (await hers.http.get("/api/v1/runs", headers={"Authorization": f"Bearer {key}"})).status_code == 401
    assert [one["name"] for one in connectors.every(house.ledger)] == ["others"]
    assert (await root.get(f"/runs/{number}")).status_code == 200
    assert "Nothing starts by itself" in words(await root.get("/schedules"))
    assert house.ledger.read(run_rows.get, number).status == Status.NOTHING_TO_COPY
    refused = await root.post("/account/delete", typed="root")
    assert refused.status_code == 303  # nobody else is here who would be left without an administrator
    for visitor in (hers, phone, root):
        await visitor.close()
