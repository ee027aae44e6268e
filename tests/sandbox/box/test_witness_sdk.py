"""Box's official SDK, unmodified: a tour of every endpoint that it covers, its answers parsed strictly."""

import hashlib
import io
import random
from collections.abc import Callable, Iterator
from typing import Any

import box_sdk_gen as box
import pytest
from box_sdk_gen.internal.base_object import BaseObject
from box_sdk_gen.managers import (
    file_versions,
    files,
    folder_locks,
    folders,
    memberships,
    shared_links_files,
    shared_links_folders,
    transfer,
    trashed_files,
    trashed_folders,
    uploads,
    user_collaborations,
    web_links,
)

from testbed.sandbox import Sandbox

SDK = "box_sdk_gen 10"
CHUNKED_BYTES = 20_000_001


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A field of an answer that the SDK's model of it does not have fails the test."""
    lenient: Callable[..., Any] = BaseObject.from_dict.__func__  # type: ignore[attr-defined] # untyped
    unknown: list[str] = []

    def from_dict(cls: type, data: dict[str, Any]) -> Any:
        known = cls.__init__.__annotations__  # type: ignore[misc] # of the class itself
        names = getattr(cls, "_json_to_fields_mapping", {})
        unknown.extend(f"{cls.__name__}.{key}" for key in data if names.get(key, key) not in known)
        return lenient(cls, data)

    monkeypatch.setattr(BaseObject, "from_dict", classmethod(from_dict))
    yield
    assert sorted(set(unknown)) == []


@pytest.fixture
def client_of(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], box.BoxClient]:
    """Makes a client of the account with that address."""
    for name, value in sandbox.client_env.items():
        monkeypatch.setenv(name, value)
    client_id = sandbox.service("box")["client_id"]

    def make(user: str) -> box.BoxClient:
        signed_in = sandbox.do("box", "sign-in", user=user, client_id=client_id)
        return box.BoxClient(auth=box.BoxDeveloperTokenAuth(token=signed_in["access_token"]))

    return make


@pytest.fixture
def people(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The accounts, the admin first."""
    accounts: list[dict[str, Any]] = sandbox.service("box")["accounts"]
    return [one for one in accounts if one["role"] == "admin"][:1] + [one for one in accounts if one["role"] == "user"]


@pytest.fixture
def admin(client_of: Callable[[str], box.BoxClient], people: list[dict[str, Any]]) -> box.BoxClient:
    """The enterprise's admin."""
    return client_of(people[0]["user"])


def status(error: pytest.ExceptionInfo[box.BoxAPIError]) -> tuple[int, str | None]:
    """The status and Box's own code of an error."""
    return error.value.response_info.status_code, error.value.response_info.code


def put(client: box.BoxClient, folder: str, name: str, body: bytes) -> Any:
    """Upload a small file."""
    attributes = uploads.UploadFileAttributes(name=name, parent=uploads.UploadFileAttributesParentField(id=folder))
    sha1 = hashlib.sha1(body, usedforsecurity=False).hexdigest()
    made = client.uploads.upload_file(attributes, io.BytesIO(body), content_md_5=sha1)
    assert made.entries and made.total_count == 1
    return made.entries[0]


def make_folder(client: box.BoxClient, name: str, parent: str = "0") -> str:
    """Create a folder; its id."""
    return str(client.folders.create_folder(name, folders.CreateFolderParent(id=parent)).id)


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_folders(witness: str, strict: None, admin: box.BoxClient) -> None:
    """Create, list by marker and by offset, change, copy, lock, delete, restore."""
    top = make_folder(admin, "Tour of folders")
    inner = make_folder(admin, "Inner", top)
    with pytest.raises(box.BoxAPIError) as error:
        make_folder(admin, "INNER", top)
    assert status(error) == (409, "item_name_in_use")
    for name in ("b.txt", "a.txt", "C.txt"):
        put(admin, top, name, name.encode())
    first = admin.folders.get_folder_items(top, usemarker=True, limit=2)
    assert [one.name for one in first.entries or []] == ["Inner", "a.txt"] and first.next_marker
    rest = admin.folders.get_folder_items(top, usemarker=True, limit=2, marker=first.next_marker)
    assert [one.name for one in rest.entries or []] == ["b.txt", "C.txt"] and not rest.next_marker
    page = admin.folders.get_folder_items(top, offset=1, limit=2, fields=["name", "size", "parent"])
    assert page.total_count == 4 and [one.name for one in page.entries or []] == ["a.txt", "b.txt"]
    whole = admin.folders.get_folder_by_id(top)
    assert whole.item_collection and whole.item_collection.total_count == 4
    assert whole.path_collection and whole.path_collection.entries[0].id == "0"
    copied = admin.folders.copy_folder(top, folders.CopyFolderParent(id="0"), name="Copy of the tour")
    renamed = admin.folders.update_folder_by_id(copied.id, name="Renamed", description="words")
    assert renamed.name == "Renamed" and renamed.description == "words"
    with pytest.raises(box.BoxAPIError) as error:
        admin.folders.update_folder_by_id(top, parent=folders.UpdateFolderByIdParent(id=inner))
    assert status(error) == (400, "cyclical_folder_structure")
    locked = admin.folder_locks.create_folder_lock(
        folder_locks.CreateFolderLockFolder(type="folder", id=top),
        locked_operations=folder_locks.CreateFolderLockLockedOperations(move=True, delete=True),
    )
    assert admin.folder_locks.get_folder_locks(top).entries
    admin.folder_locks.delete_folder_lock_by_id(str(locked.id))
    with pytest.raises(box.BoxAPIError) as error:
        admin.folders.delete_folder_by_id(top)
    assert status(error) == (400, "folder_not_empty")
    admin.folders.delete_folder_by_id(top, recursive=True)
    with pytest.raises(box.BoxAPIError) as error:
        admin.folders.get_folder_by_id(top)
    assert status(error) == (404, "trashed")
    assert top in {one.id for one in admin.trashed_items.get_trashed_items(usemarker=True).entries or []}
    assert admin.trashed_folders.get_trashed_folder_by_id(top).trashed_at
    again = admin.trashed_folders.restore_folder_from_trash(
        top, name="Back again", parent=trashed_folders.RestoreFolderFromTrashParent(id="0")
    )
    assert again.item_status == "active"
    admin.folders.delete_folder_by_id(top, recursive=True)
    admin.trashed_folders.delete_trashed_folder_by_id(top)
    admin.folders.delete_folder_by_id(copied.id, recursive=True)


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_files(witness: str, strict: None, admin: box.BoxClient) -> None:
    """Upload with checks, read, change, lock, versions, copy, delete, restore."""
    top = make_folder(admin, "Tour of files")
    parent = uploads.PreflightFileUploadCheckParent(id=top)
    assert admin.uploads.preflight_file_upload_check(name="one.txt", size=3, parent=parent).upload_url
    made = put(admin, top, "one.txt", b"one")
    assert made.sha_1 == hashlib.sha1(b"one", usedforsecurity=False).hexdigest()
    with pytest.raises(box.BoxAPIError) as error:
        admin.uploads.preflight_file_upload_check(name="ONE.txt", size=3, parent=parent)
    assert status(error) == (409, "item_name_in_use")
    checked = admin.uploads.upload_with_preflight_check(
        uploads.UploadWithPreflightCheckAttributes(
            name="two.txt", parent=uploads.UploadWithPreflightCheckAttributesParentField(id=top), size=3
        ),
        io.BytesIO(b"two"),
    )
    assert checked.entries
    with pytest.raises(box.BoxAPIError) as error:
        admin.uploads.upload_file(
            uploads.UploadFileAttributes(name="x", parent=uploads.UploadFileAttributesParentField(id=top)),
            io.BytesIO(b"x"),
            content_md_5="0" * 40,
        )
    assert status(error) == (400, "bad_digest")
    stream = admin.downloads.download_file(made.id, range="bytes=1-")
    assert stream is not None and stream.read() == b"ne"
    assert admin.downloads.get_download_file_url(made.id).startswith("https://dl.boxcloud.com/")
    renewed = admin.uploads.upload_file_version(
        made.id, uploads.UploadFileVersionAttributes(name="one.txt"), io.BytesIO(b"one, again")
    )
    assert renewed.entries and renewed.entries[0].file_version != made.file_version
    past = admin.file_versions.get_file_versions(made.id).entries or []
    assert [one.size for one in past] == [3]
    assert admin.file_versions.get_file_version_by_id(made.id, past[0].id).sha_1 == made.sha_1
    promoted = admin.file_versions.promote_file_version(
        made.id, id=past[0].id, type=file_versions.PromoteFileVersionType.FILE_VERSION
    )
    assert promoted.sha_1 == made.sha_1 and promoted.id != past[0].id
    admin.file_versions.delete_file_version_by_id(made.id, past[0].id)
    admin.file_versions.update_file_version_by_id(made.id, past[0].id, trashed_at=box.null)
    lock = files.UpdateFileByIdLock(access=files.UpdateFileByIdLockAccessField.LOCK, is_download_prevented=False)
    locked = admin.files.update_file_by_id(made.id, lock=lock, fields=["lock", "name"])
    assert locked.lock and locked.lock.created_by
    admin.files.update_file_by_id(made.id, lock=box.null)
    whole = admin.files.get_file_by_id(made.id, fields=["permissions", "version_number", "extension", "owned_by"])
    assert whole.permissions and whole.permissions.can_download and whole.version_number == "3"
    copied = admin.files.copy_file(made.id, files.CopyFileParent(id=top), name="copy.txt")
    admin.files.delete_file_by_id(copied.id)
    assert admin.trashed_files.get_trashed_file_by_id(copied.id).item_status == "trashed"
    back = trashed_files.RestoreFileFromTrashParent(id=top)
    assert admin.trashed_files.restore_file_from_trash(copied.id, name="back.txt", parent=back).name == "back.txt"
    admin.files.delete_file_by_id(copied.id)
    admin.trashed_files.delete_trashed_file_by_id(copied.id)
    with pytest.raises(box.BoxAPIError) as error:
        admin.file_watermarks.get_file_watermark(made.id)
    assert error.value.response_info.status_code == 404
    admin.folders.delete_folder_by_id(top, recursive=True)


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_chunked_uploads(witness: str, strict: None, admin: box.BoxClient) -> None:
    """The SDK's own chunked upload, of a file and of a version; a session looked at and given up."""
    top = make_folder(admin, "Tour of sessions")
    body = random.Random(5).randbytes(CHUNKED_BYTES)
    made = admin.chunked_uploads.upload_big_file(io.BytesIO(body), "large.bin", CHUNKED_BYTES, top)
    assert made.size == CHUNKED_BYTES and made.sha_1 == hashlib.sha1(body, usedforsecurity=False).hexdigest()
    other = random.Random(6).randbytes(CHUNKED_BYTES)
    renewed = admin.chunked_uploads.upload_big_file_version(made.id, io.BytesIO(other), CHUNKED_BYTES)
    assert renewed.id == made.id and renewed.sha_1 == hashlib.sha1(other, usedforsecurity=False).hexdigest()
    with pytest.raises(box.BoxAPIError) as error:
        admin.chunked_uploads.create_file_upload_session(top, 19_999_999, "small.bin")
    assert error.value.response_info.status_code == 400
    session = admin.chunked_uploads.create_file_upload_session(top, CHUNKED_BYTES, "given up.bin")
    assert session.id and session.part_size == 8 << 20 and session.total_parts == 3
    assert admin.chunked_uploads.get_file_upload_session_by_id(session.id).num_parts_processed == 0
    assert admin.chunked_uploads.get_file_upload_session_parts(session.id).total_count == 0
    admin.chunked_uploads.delete_file_upload_session_by_id(session.id)
    admin.folders.delete_folder_by_id(top, recursive=True)


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_sharing(
    witness: str,
    strict: None,
    admin: box.BoxClient,
    client_of: Callable[[str], box.BoxClient],
    people: list[dict[str, Any]],
) -> None:
    """Collaborations, shared links, web links, and what the other one then sees."""
    other = client_of(people[1]["user"])
    me = other.users.get_user_me()
    top = make_folder(admin, "Tour of sharing")
    note = put(admin, top, "shared.txt", b"shared")
    with pytest.raises(box.BoxAPIError) as error:
        other.files.get_file_by_id(note.id)
    assert status(error) == (404, "not_found")
    made = admin.user_collaborations.create_collaboration(
        user_collaborations.CreateCollaborationItem(
            type=user_collaborations.CreateCollaborationItemTypeField.FOLDER, id=top
        ),
        user_collaborations.CreateCollaborationAccessibleBy(
            type=user_collaborations.CreateCollaborationAccessibleByTypeField.USER, login=people[1]["user"]
        ),
        user_collaborations.CreateCollaborationRole.VIEWER,
        notify=False,
    )
    assert made.status == "accepted" and made.accessible_by and made.accessible_by.id == me.id
    assert top in {one.id for one in other.folders.get_folder_items("0", limit=1000).entries or []}
    with pytest.raises(box.BoxAPIError) as error:
        put(other, top, "no.txt", b"no")
    assert status(error) == (403, "access_denied_insufficient_permissions")
    admin.user_collaborations.update_collaboration_by_id(
        made.id, role=user_collaborations.UpdateCollaborationByIdRole.EDITOR
    )
    put(other, top, "yes.txt", b"yes")
    assert admin.list_collaborations.get_folder_collaborations(top).entries
    assert admin.list_collaborations.get_file_collaborations(note.id).entries
    assert admin.user_collaborations.get_collaboration_by_id(made.id).role == "editor"
    waiting = admin.list_collaborations.get_collaborations("pending")
    assert waiting.total_count is not None
    shared = admin.shared_links_files.add_share_link_to_file(
        note.id,
        "shared_link",
        shared_link=shared_links_files.AddShareLinkToFileSharedLink(
            access=shared_links_files.AddShareLinkToFileSharedLinkAccessField.OPEN
        ),
    )
    assert shared.shared_link
    found = other.shared_links_files.find_file_for_shared_link(f"shared_link={shared.shared_link.url}")
    assert found.id == note.id
    admin.shared_links_files.get_shared_link_for_file(note.id, "shared_link")
    admin.shared_links_files.remove_shared_link_from_file(note.id, "shared_link", shared_link=box.null)
    folder_link = admin.shared_links_folders.add_share_link_to_folder(
        top, "shared_link", shared_link=shared_links_folders.AddShareLinkToFolderSharedLink()
    )
    assert folder_link.shared_link
    link = admin.web_links.create_web_link(
        "https://example.com/", web_links.CreateWebLinkParent(id=top), name="a link", description="words"
    )
    assert admin.web_links.get_web_link_by_id(link.id).url == "https://example.com/"
    assert admin.web_links.update_web_link_by_id(link.id, name="another").name == "another"
    admin.web_links.delete_web_link_by_id(link.id)
    admin.trashed_web_links.get_trashed_web_link_by_id(link.id)
    admin.trashed_web_links.restore_weblink_from_trash(link.id, name="third")
    admin.web_links.delete_web_link_by_id(link.id)
    admin.trashed_web_links.delete_trashed_web_link_by_id(link.id)
    admin.user_collaborations.delete_collaboration_by_id(made.id)
    admin.folders.delete_folder_by_id(top, recursive=True)


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_enterprise(witness: str, strict: None, admin: box.BoxClient, people: list[dict[str, Any]]) -> None:
    """Users, groups, memberships, events, notes, and a user's files given to another."""
    me = admin.users.get_user_me(fields=["name", "role", "enterprise", "space_used", "hostname"])
    assert me.role == "admin" and me.enterprise
    everybody = admin.users.get_users(limit=1000).entries or []
    assert {one["user"] for one in people} <= {one.login for one in everybody}
    paged = admin.users.get_users(usemarker=True, limit=5)
    assert paged.next_marker and len(paged.entries or []) == 5
    assert admin.users.get_user_by_id(everybody[1].id).login == everybody[1].login
    group = admin.groups.create_group("Tour group")
    with pytest.raises(box.BoxAPIError) as error:
        admin.groups.create_group("tour GROUP")
    assert status(error) == (409, "conflict")
    member = admin.memberships.create_group_membership(
        memberships.CreateGroupMembershipUser(id=everybody[1].id),
        memberships.CreateGroupMembershipGroup(id=group.id),
    )
    assert admin.memberships.get_group_memberships(group.id).total_count == 1
    assert admin.memberships.get_user_memberships(everybody[1].id).entries
    assert admin.list_collaborations.get_group_collaborations(group.id).total_count == 0
    admin.memberships.delete_group_membership_by_id(str(member.id))
    assert admin.groups.get_group_by_id(group.id).name == "Tour group"
    assert group.id in {one.id for one in admin.groups.get_groups(limit=1000).entries or []}
    admin.groups.delete_group_by_id(group.id)
    now = admin.events.get_events(stream_position="now").next_stream_position
    top = make_folder(admin, "Tour of events")
    told = admin.events.get_events(stream_position=str(now))
    assert [one.event_type for one in told.entries or []] == ["ITEM_CREATE"]
    assert admin.events.get_events_with_long_polling().entries
    logged = admin.events.get_events(stream_type=box.GetEventsStreamType.ADMIN_LOGS, limit=500)
    assert "ITEM_CREATE" in {one.event_type for one in logged.entries or []}
    note = admin.notes.create_note_convert_v2026_r0("# Title\nwords", box.FolderReferenceV2026R0(id=top), "A note")
    assert note.id
    giver = people[-1]["user"]
    leaving = next(one for one in everybody if one.login == giver)
    given = admin.transfer.transfer_owned_folder(leaving.id, transfer.TransferOwnedFolderOwnedBy(id=me.id))
    assert given.owned_by and given.owned_by.id == me.id
    admin.folders.delete_folder_by_id(top, recursive=True)
