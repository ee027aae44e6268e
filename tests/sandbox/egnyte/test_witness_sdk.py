"""Egnyte's official Python SDK, unmodified: a tour of every endpoint that it covers."""

import hashlib
import importlib.metadata
import io
import random
from collections.abc import Callable
from pathlib import Path

import egnyte
import pytest
from egnyte import base, exc, resources

from testbed.sandbox import Sandbox
from tests.sandbox.egnyte.conftest import Account

SDK = pytest.mark.parametrize("witness", [f"egnyte {importlib.metadata.version('egnyte')}"], indirect=True)
CHUNK_BYTES = 10 << 20
NAMES = ("zażółć Gęśla", "Русские Буквы", "& _ % # ; ( ) { } [ ] ^ + = @ , ! ' $ ~.txt", "download(1).foo")
Connect = Callable[[Account], egnyte.EgnyteClient]


@pytest.fixture
def connect(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Makes a client of an account, which signs in with its password."""
    for name, value in sandbox.client_env.items():
        monkeypatch.setenv(name, value)
    offer = sandbox.service("egnyte")

    def make(who: Account) -> egnyte.EgnyteClient:
        config = {"domain": offer["details"]["name"], "api_key": offer["client_id"]}
        token = base.get_access_token({**config, "login": who["user"], "password": who["password"]})
        return egnyte.EgnyteClient({**config, "access_token": token})

    return make


@pytest.fixture
def admin(connect: Connect, people: list[Account]) -> egnyte.EgnyteClient:
    """The first administrator's client."""
    return connect(people[0])


@SDK
def test_signing_in(witness: str, sandbox: Sandbox, connect: Connect, people: list[Account]) -> None:
    admin, member = people[0], people[-1]
    client = connect(member)
    assert client.user_info["username"] == member["user"] and client.user_info["email"] == member["details"]["email"]
    sandbox.do("egnyte", "revoke-grant", user=member["details"]["email"])
    with pytest.raises(exc.NotAuthorized):
        client.user_info  # noqa: B018 - reading it calls
    with pytest.raises(exc.RequestError):
        base.get_access_token({**client.config, "login": member["user"], "password": "wrong"})
    client = connect(admin)
    for word in (member["user"], member["details"]["email"]):
        client.impersonate(word)
        assert client.user_info["username"] == member["user"]
        client.stop_impersonating()
    client.impersonate("nobody-of-that-name")
    with pytest.raises(exc.RequestError):
        client.folder("/Private").list()
    client.stop_impersonating()
    assert client.user_info["username"] == admin["user"]


@SDK
def test_folders(witness: str, admin: egnyte.EgnyteClient) -> None:
    top = admin.folder("/Shared/Tour of folders").create(False)
    with pytest.raises(exc.InsufficientPermissions):
        top.create(False)
    assert top.create().path == top.path
    assert top.name == "Tour of folders" and top.is_folder and top.folder_id
    for name in NAMES:
        made = top.folder(name).create(False)
        assert made.name == name
    one = top.folder("One").create()
    one.folder("Inner").create().file("a.txt").upload(b"a")
    before = one.folder_id
    moved = one.move(f"{top.path}/Two")
    assert moved.folder_id == before
    with pytest.raises(exc.NotFound):
        admin.folder(one.path).list()
    copied = moved.copy(f"{top.path}/Three")
    assert copied.folder_id != moved.folder_id
    listed = admin.get(top.path)
    assert {one.name for one in listed.folders} == {*NAMES, "Two", "Three"} and listed.files == []
    assert admin.file(f"{copied.path}/Inner/a.txt").download().read() == b"a"
    moved.delete()
    with pytest.raises(exc.NotFound):
        admin.folder(f"{moved.path}/Inner").check()
    with pytest.raises(exc.DuplicateRecordExists):
        admin.folder("/foo").create(False)
    assert [one.name for one in admin.get("/").folders] == ["Private", "Shared"]
    top.delete()


@SDK
def test_files(witness: str, admin: egnyte.EgnyteClient) -> None:
    top = admin.folder("/Shared/Tour of files").create()
    body = random.Random(1).randbytes(70_000)
    for name in NAMES:
        top.file(name).upload(body)
        assert admin.get(f"{top.path}/{name}").checksum == hashlib.sha512(body).hexdigest()
    file = top.file("report.bin")
    file.upload(body)
    with file.download() as got:
        assert len(got) == len(body) and got.read() == body
    with file.download((10, 19)) as got:
        assert got.read() == body[10:20]
    assert (file.size, file.num_versions, file.is_folder) == (len(body), 1, False)
    first = file.entry_id
    file.upload(b"second")
    again = admin.get(file.path)
    assert again.num_versions == 2 and again.size == 6 and again.entry_id != first
    copied = file.copy(f"{top.path}/copy.bin")
    assert copied.num_versions == 1 and copied.checksum == again.checksum and copied.entry_id != again.entry_id
    moved = file.move(f"{top.path}/moved.bin")
    assert moved.num_versions == 2
    with pytest.raises(exc.NotFound):
        admin.file(file.path).check()
    moved.delete()
    assert {one.name for one in admin.get(top.path).files} == {*NAMES, "copy.bin"}
    for bad in ("spam.tmp", "danglingdot.", 'quote"quote'):
        with pytest.raises(exc.RequestError):
            top.file(bad).upload(b"x")
    top.delete()


@SDK
def test_chunks(witness: str, admin: egnyte.EgnyteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    top = admin.folder("/Shared/Tour of chunks").create()
    monkeypatch.setattr(resources.File, "_upload_chunk_size", CHUNK_BYTES)
    body = random.Random(2).randbytes(2 * CHUNK_BYTES + 12_345)
    file = top.file("large.bin")
    file.upload(io.BytesIO(body))
    hashes = [hashlib.sha512(body[at : at + CHUNK_BYTES]).hexdigest() for at in range(0, len(body), CHUNK_BYTES)]
    joined = hashlib.sha512("".join(hashes).encode()).hexdigest()
    assert (file.checksum, file.size) == (f"2-3-{CHUNK_BYTES}-{joined}", len(body))
    with file.download() as got:
        assert hashlib.sha512(got.response.content).digest() == hashlib.sha512(body).digest()
    top.delete()


@SDK
def test_many_at_once(witness: str, admin: egnyte.EgnyteClient, tmp_path: Path) -> None:
    here = tmp_path / "Tour of many"
    for name in ("a.txt", "deep/b.txt", "deep/deeper/c.txt"):
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    admin.bulk_upload([str(here)], "/Shared/Bulk")
    admin.bulk_download(["/Shared/Bulk/Tour of many"], str(tmp_path / "back"))
    back = tmp_path / "back" / "Tour of many"
    found = {str(one.relative_to(back)): one.read_text() for one in back.rglob("*.txt")}
    assert found == {name: name for name in ("a.txt", "deep/b.txt", "deep/deeper/c.txt")}
    admin.folder("/Shared/Bulk").delete()


@SDK
def test_the_generated_tree(witness: str, connect: Connect, people: list[Account]) -> None:
    for who in (people[0], people[-1]):
        client = connect(who)
        own = client.get(f"/Private/{who['user']}")
        assert own.files or own.folders
        for file in own.files[:3]:
            with client.file(file.path).download() as got:
                assert hashlib.sha512(got.response.content).hexdigest() == file.checksum
    shared = client.get("/Shared")
    levels = {one.path: client.folder(one.path).get_effective_permissions(people[-1]["user"]) for one in shared.folders}
    assert levels and set(levels.values()) <= {"None", "Viewer", "Editor", "Owner"}
    with pytest.raises(exc.InsufficientPermissions):
        client.get(f"/Private/{people[0]['user']}")


@SDK
def test_permissions(witness: str, connect: Connect, people: list[Account]) -> None:
    who, other = people[0]["user"], people[-1]["user"]
    admin, member = connect(people[0]), connect(people[-1])
    top = admin.folder("/Shared/Tour of permissions").create()
    assert top.get_permissions().user_to_permission[who] == "Owner", "whoever made it"
    inner = top.folder("Inner").create()
    with pytest.raises(exc.InsufficientPermissions):
        member.get(inner.path)
    inner.set_permissions("Viewer", users=[other, "nobody-of-that-name"], groups=["All Power Users"])
    told = inner.get_permissions()
    assert told.user_to_permission[other] == "Viewer" and told.group_to_permission == {"All Power Users": "Viewer"}
    assert "nobody-of-that-name" not in told.user_to_permission
    assert inner.get_permissions(users=["nobody-of-that-name"]).user_to_permission == {}
    assert inner.get_effective_permissions(other) == "Viewer"
    with pytest.raises(exc.InsufficientPermissions):
        member.file(f"{inner.path}/a.txt").upload(b"a")
    inner.set_permissions("Editor", users=[other])
    member.file(f"{inner.path}/a.txt").upload(b"a")
    with pytest.raises(exc.InsufficientPermissions):
        member.file(f"{inner.path}/a.txt").delete()
    assert [one.name for one in member.get(top.path).folders] == ["Inner"], "the way to what one may see"
    top.delete()


@SDK
def test_users_and_groups(witness: str, admin: egnyte.EgnyteClient, people: list[Account]) -> None:
    who = people[-1]
    everybody = admin.users.list()
    assert everybody.total_count == len(everybody) and everybody.offset == 0
    assert [one.id for one in admin.users.list(startIndex=3, count=2)] == [one.id for one in everybody[2:4]]
    found = admin.users.by_username(who["user"])
    assert found.email == who["details"]["email"] and admin.users.by_email(found.email).id == found.id
    assert admin.users.by_email("nobody@nowhere.example") is None
    made = admin.users.create("tour.guide", "S-1", "tour.guide@example.com", "Guide", "Tour", False, False)
    assert admin.users.get(made.id).name["familyName"] == "Guide" and made.externalId == "S-1"
    made.update(email="other.guide@example.com", givenName="Grand")
    assert admin.users.by_email("other.guide@example.com").name["givenName"] == "Grand"
    group = admin.groups.create("Tourists", [made, found])
    assert [one["username"] for one in group.members] == ["tour.guide", who["user"]]
    assert [one.displayName for one in admin.groups.list("*ouris*")] == ["Tourists"]
    assert [one.displayName for one in admin.groups.list("*Touri")] == ["Tourists"]
    assert admin.groups.by_displayName("Tourists").id == group.id and admin.groups.list(count=2).total_count > 2
    group.full_update("Travellers")
    assert len(admin.groups.get(group.id).members) == 2
    group.delete()
    made.delete()
    with pytest.raises(exc.NotFound):
        admin.users.get(made.id).check()


@SDK
def test_events(witness: str, admin: egnyte.EgnyteClient) -> None:
    top = admin.folder("/Shared/Tour of events").create()
    begun = admin.events.latest_event_id
    events = admin.events.filter(start_id=begun, folder=top.path)
    assert tuple(events.poll()) == ()
    file = top.file("a.txt")
    file.upload(b"a")
    file.copy(f"{top.path}/b.txt").move(f"{top.path}/c.txt")
    file.delete()
    told = [(one.action, one.data["target_path"].rpartition("/")[2]) for one in events.poll()]
    assert told == [("create", "a.txt"), ("copy", "b.txt"), ("move", "c.txt"), ("delete", "a.txt")]
    assert tuple(events.poll(count=10)) == ()
    assert len(admin.events.list(begun, count=2)) == 2
    mine = admin.events.filter(start_id=begun, suppress="user")
    assert tuple(mine.poll()) == ()
    top.delete()


@SDK
def test_throttled(witness: str, sandbox: Sandbox, admin: egnyte.EgnyteClient) -> None:
    sandbox.settings(service="egnyte", quotas={"calls a second": 1})
    begun = sandbox.calls
    for _ in range(3):
        assert admin.folder("/Shared").list().is_folder, "it waits as long as it is told to"
    sandbox.settings(quotas_off=True)
    assert 403 in {one["status"] for one in sandbox.history(after=begun)}


@SDK
def test_what_is_not_simulated(witness: str, admin: egnyte.EgnyteClient) -> None:
    assert admin.user_info
    for call in (
        admin.links.list,
        admin.notes.list,
        lambda: admin.search.files("x"),
        admin.folder("/Shared/x").get_notes,
    ):
        with pytest.raises(exc.RequestError) as refused:
            call()
        assert {"http status": 501} in refused.value.args
    assert admin.settings == {}
