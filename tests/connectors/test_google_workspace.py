"""A whole Workspace: its users and shared drives are found, and each is worked on in the name of who may."""

import asyncio
from pathlib import Path

import pytest

from haulage.operations import authorise, browsing, connectors
from testbed.sandbox import Sandbox
from tests.connectors.google_api import FOLDER, DriveApi
from tests.connectors.people import ADA, Office
from tests.connectors.terminal import Terminal
from tests.connectors.test_google_files import tree


@pytest.fixture
def company(office: Office) -> Terminal:
    """The program, with the organisation as `company`."""
    admin = office.people("google-workspace", "admin")[0]
    settings = {"admin_email": admin["user"], "service_account_key": admin["key"]}
    made = office.draft("google-workspace", "write", "company", **settings)
    asyncio.run(authorise.by_itself(office.ledger, made, ADA))
    return Terminal(office)


def users(office: Office) -> list[str]:
    """Addresses of the organisation's users, but for the administrator."""
    return [one["user"] for one in office.people("google-drive", "user")]


def test_users_and_shared_drives_are_found(office: Office, sandbox: Sandbox, company: Terminal) -> None:
    """Discovered N users, M shared drives; the suspended are told apart, and nothing is done in their name."""
    alice, *others = users(office)
    api = DriveApi(sandbox, alice)
    sandbox.do("google", "suspend", user=alice)
    try:
        found = asyncio.run(browsing.browse(office.ledger, "company:/"))
        refused = company("copy", f"company:/{alice}/My Drive", str(office.home.parent / "no"), "--create", "--json")
    finally:
        sandbox.do("google", "suspend", user=alice, on=False)
    assert found.kinds["suspended user"] == 1
    assert found.kinds["user"] >= len(others) and found.kinds["shared drive"] > 0
    assert {alice, *others} <= set(found.roots)
    drives = {one["name"] for one in api("GET", "drives", pageSize="100")["drives"]}
    assert {f"Shared drives/{name}" for name in drives} <= set(found.roots)
    assert refused.code != 0
    assert f"in the name of {alice}" in refused.out, refused.out + refused.err
    assert connectors.one(office.ledger, "company")["state"] == "authorised"


def some_files(folder: Path) -> Path:
    """A small tree."""
    (folder / "deep").mkdir(parents=True)
    for path in ("a.txt", "deep/b.txt"):
        (folder / path).write_text(f"of {path}")
    return folder


def test_from_one_user_to_another(office: Office, sandbox: Sandbox, company: Terminal, tmp_path: Path) -> None:
    """Each side in its user's name."""
    alice, bob = users(office)[:2]
    there = DriveApi(sandbox, bob)
    source = some_files(tmp_path / "source")
    assert company("copy", str(source), f"company:/{alice}/My Drive/Hers", "--create", "--json").code == 0
    copied = company("copy", f"company:/{alice}/Hers", f"company:/{bob}/His", "--create", "--json")
    assert (copied.code, copied.counts["successful"]) == (0, 3), copied.out
    mine = there.children("root")["His"]
    assert set(there.children(mine["id"])) == {"a.txt", "deep"}
    owner = there("GET", f"files/{mine['id']}", fields="owners(emailAddress)")["owners"][0]["emailAddress"]
    assert owner == bob


@pytest.mark.slow
def test_to_a_shared_drive_and_back(office: Office, company: Terminal, tmp_path: Path) -> None:
    """In the name of one who may write there, whoever administers."""
    source = some_files(tmp_path / "source")
    drive = asyncio.run(browsing.browse(office.ledger, "company:/")).roots[-1]
    assert drive.startswith("Shared drives/")
    shared = company("copy", str(source), f"company:/{drive}/From her", "--create", "--json")
    assert (shared.code, shared.counts["successful"]) == (0, 3), shared.out
    assert company("copy", f"company:/{drive}/From her", str(tmp_path / "back"), "--create", "--json").code == 0
    assert tree(tmp_path / "back") == tree(source)


@pytest.mark.slow
def test_the_days_limit_ends_that_users_run_alone(
    office: Office, sandbox: Sandbox, company: Terminal, tmp_path: Path
) -> None:
    """750 GB a day is a user's own: what goes to another one goes on, and the first goes on another day."""
    alice, bob = users(office)[:2]
    source = tmp_path / "source"
    source.mkdir()
    for number in range(3):
        (source / f"{number}.txt").write_text(f"number {number}")
    sandbox.fault(fault="F36", service="google", operation="drive.files.create", actor=alice)
    parked = company("copy", str(source), f"company:/{alice}/Today", "--create", "--json")
    assert parked.ended["status"] == 260, parked.out
    assert "tomorrow" in parked.out
    assert company("copy", str(source), f"company:/{bob}/Today", "--create", "--json").code == 0
    sandbox.no_faults()
    assert company("copy", str(source), f"company:/{alice}/Today", "--create", "--json").code == 0


@pytest.mark.slow
def test_what_two_users_see_is_moved_once(office: Office, sandbox: Sandbox, company: Terminal, tmp_path: Path) -> None:
    """A folder of Bob's is shared with Alice: whose turn comes first carries its file, the other one is told so."""
    alice, bob = users(office)[:2]
    his = DriveApi(sandbox, bob)
    folder = his.make("For all", FOLDER)
    his.make("words.txt", "text/plain", folder)
    his("POST", f"files/{folder}/permissions", {"type": "user", "role": "reader", "emailAddress": alice})
    asyncio.run(office.connect("google-drive", office.people("google-drive", "admin")[0], "write", "one"))
    assert company("migrations", "create", "Both", "company", "one").code == 0
    rows = tmp_path / "rows.csv"
    lines = [f"{bob}/My Drive/For all,Moved/his,", f"{alice}/Shared with me/For all,Moved/hers,"]
    rows.write_text("\n".join(["Source Path,Destination Path,Tags", *lines]))
    assert company("migrations", "add", "Both", str(rows)).code == 0
    assert company("migrations", "start", "Both", "--at-once", "1").code == 0
    first, second = company("migrations", "show", "Both", "--json").events[:2]
    assert (first["run"]["counts"]["skipped"], second["run"]["counts"]["skipped"]) == (0, 1)
    verified = company("verify", f"company:/{alice}/Shared with me/For all", "one:/Moved/hers", "--json")
    assert (verified.code, verified.counts["skipped"], verified.counts["failed"]) == (0, 1, 0)


def test_shared_drives_of_one_name_are_told_apart(
    office: Office, sandbox: Sandbox, company: Terminal, tmp_path: Path
) -> None:
    """Q24: each is found under a path of its own, and none is taken for another; so is one with `/` in its name."""
    api = DriveApi(sandbox, office.people("google-drive", "admin")[0]["user"])
    made = {}
    for number, name in enumerate(("Twins", "Twins", "Here/there")):
        made[number] = api("POST", "drives", {"name": name}, requestId=f"told apart {number}")["id"]
        api.make(f"{number}.txt", "text/plain", made[number])
    try:
        for place in ("company", "mine"):
            if place == "mine":
                asyncio.run(office.connect("google-drive", office.people("google-drive", "admin")[0], "read", "mine"))
            roots = asyncio.run(browsing.browse(office.ledger, f"{place}:/")).roots
            for number, part in enumerate((f"Twins ({made[0]})", f"Twins ({made[1]})", "Here\uff0fthere")):
                assert f"Shared drives/{part}" in roots, roots
                there = tmp_path / f"{place} {number}"
                copied = company("copy", f"{place}:/Shared drives/{part}", str(there), "--create", "--json")
                assert copied.code == 0, copied.out + copied.err
                assert [one.name for one in there.iterdir()] == [f"{number}.txt"]
            refused = company("copy", f"{place}:/Shared drives/Twins", str(tmp_path / "no"), "--create", "--json")
            assert refused.code != 0
            assert f"Twins ({made[0]})" in refused.out, refused.out + refused.err
    finally:
        for drive_id in made.values():
            api("DELETE", f"drives/{drive_id}", useDomainAdminAccess="true", allowItemDeletion="true")
