"""A Dropbox team by one of its admins, through the program: members' files, and what is not mounted."""

import json
from pathlib import Path
from typing import Any

import requests

from testbed.content import fill_folder, made, read_folder
from tests.clouds.person import Person


def roots(person: Person) -> list[str]:
    """What the team's connector tells of its members and team folders."""
    shown = person("connectors", "browse", "dropbox-business:", "--json")
    assert shown.code == 0, shown.err
    return list(json.loads(shown.out)["roots"])


def test_a_member_there_and_back(person: Person, tmp_path: Path) -> None:
    """What goes to a member in its name comes back, and a second run sends nothing."""
    person.connect("dropbox-business", "admin")
    member = next(one for one in roots(person) if "@" in one)
    tree = made(51, 6, awkward=False)
    fill_folder(tree, tmp_path / "source")
    there = f"dropbox-business:/{member}/by the admin"
    person.copies(tmp_path / "source", there)
    assert person.copies(tmp_path / "source", there).counts["sent_bytes"] == 0
    person.copies(there, tmp_path / "back")
    assert read_folder(tmp_path / "back") == tree.digests()


def test_a_team_folder_there_and_back(person: Person, tmp_path: Path) -> None:
    """In the name of the admin, who needs no right of its own in a team folder."""
    person.connect("dropbox-business", "admin")
    tree = made(52, 6, awkward=False)
    fill_folder(tree, tmp_path / "source")
    folder = [one for one in roots(person) if "@" not in one][-1]
    there = f"dropbox-business:/{folder}/by the admin"
    person.copies(tmp_path / "source", there)
    assert person.copies(tmp_path / "source", there).counts["sent_bytes"] == 0
    person.copies(there, tmp_path / "back")
    assert read_folder(tmp_path / "back") == tree.digests()


def test_a_shared_folder_that_is_not_mounted_is_told(person: Person) -> None:
    """It is in no listing of files; the scan says which one it is, and what to do."""
    person.connect("dropbox")
    shared = dropbox(person, "sharing/share_folder", {"path": "/Team plans", "force_async": False})
    dropbox(person, "sharing/unmount_folder", {"shared_folder_id": shared["shared_folder_id"]})
    ran = person("scan", "dropbox:/", "--json")
    assert ran.code in (0, 3), ran.err
    unread = ran.ended["counts"]["survey"]["uncopyable"]["first"]
    told = [one for one in unread if one["path"].endswith(f"(shared folder {shared['shared_folder_id']})")]
    assert len(told) == 1, unread
    assert told[0]["why"] == "a shared folder that is not mounted"
    assert "Add it to the Dropbox" in ran.out


def dropbox(person: Person, route: str, argument: dict[str, Any]) -> dict[str, Any]:
    """A call of the same user's at the sandbox's own port."""
    offer, user = person.sandbox.service("dropbox"), person.account("dropbox")
    token = person.sandbox.do("dropbox", "sign-in", user=user, client_id=offer["client_id"])["access_token"]
    answer = requests.post(
        f"{offer['base_url']}/2/{route}", json=argument, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    answer.raise_for_status()
    return dict(answer.json() or {})


def test_a_team_folder_that_is_named_like_an_address(person: Person, tmp_path: Path) -> None:
    """No member has that address, so it is the folder."""
    person.connect("dropbox-business", "admin")
    team(person, "team/team_folder/create", {"name": "Sales@Home"})
    assert "Sales@Home" in roots(person)
    fill_folder(made(53, 3, awkward=False), tmp_path / "source")
    person.copies(tmp_path / "source", "dropbox-business:/Sales@Home/by the admin")
    assert person.copies(tmp_path / "source", "dropbox-business:/Sales@Home/by the admin").counts["sent_bytes"] == 0


def team(person: Person, route: str, argument: dict[str, Any]) -> dict[str, Any]:
    """A call of the team's admin at the sandbox's own port."""
    offer = person.sandbox.service("dropbox-business")
    admin = next(one for one in offer["accounts"] if one["role"] == "admin" and one.get("refresh_token"))
    form = {"grant_type": "refresh_token", "refresh_token": admin["refresh_token"]}
    form |= {"client_id": offer["client_id"], "client_secret": offer["client_secret"]}
    token = requests.post(f"{offer['base_url']}/oauth2/token", data=form, timeout=30).json()["access_token"]
    answer = requests.post(
        f"{offer['base_url']}/2/{route}", json=argument, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    answer.raise_for_status()
    return dict(answer.json() or {})
