"""Dropbox's official SDK, unmodified: a tour of every route that it covers; it refuses answers that do not fit."""

import datetime
import hashlib
import random
from collections.abc import Callable
from typing import Any

import dropbox
import pytest
from dropbox import common, exceptions, files, sharing

from testbed.sandbox import Sandbox

SDK = "dropbox 12"
BLOCK = 4 << 20
Connect = Callable[[str], dropbox.Dropbox]


def content_hash(body: bytes) -> str:
    """As Dropbox documents it."""
    blocks = [hashlib.sha256(body[at : at + BLOCK]).digest() for at in range(0, len(body), BLOCK)]
    return hashlib.sha256(b"".join(blocks)).hexdigest()


@pytest.fixture
def session(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A session that goes through the proxy and trusts the sandbox."""
    for name, value in sandbox.client_env.items():
        monkeypatch.setenv(name, value)
    made = dropbox.create_session()
    made.verify = sandbox.ca_file
    return made


@pytest.fixture
def connect(sandbox: Sandbox, session: Any) -> Connect:
    """Makes a client of the account with that address."""
    client_id = sandbox.service("dropbox")["client_id"]

    def make(user: str) -> dropbox.Dropbox:
        signed_in = sandbox.do("dropbox", "sign-in", user=user, client_id=client_id)
        return dropbox.Dropbox(signed_in["access_token"], session=session, max_retries_on_rate_limit=1)

    return make


@pytest.fixture
def team(sandbox: Sandbox, session: Any) -> dropbox.DropboxTeam:
    """The whole team."""
    offer = sandbox.service("dropbox-business")
    account = offer["accounts"][0]
    return dropbox.DropboxTeam(
        oauth2_refresh_token=account["refresh_token"],
        app_key=offer["client_id"],
        app_secret=offer["client_secret"],
        session=session,
    )


@pytest.fixture
def users(sandbox: Sandbox) -> list[str]:
    """Addresses of those who may sign in, the admin first."""
    accounts = [one for one in sandbox.service("dropbox")["accounts"] if one.get("refresh_token")]
    return [one["user"] for one in sorted(accounts, key=lambda one: one["role"] != "admin")]


@pytest.fixture
def me(connect: Connect, users: list[str]) -> dropbox.Dropbox:
    """The admin's own account."""
    return connect(users[0])


def refused(call: Callable[[], Any]) -> Any:
    """The error of a route that must fail."""
    with pytest.raises(exceptions.ApiError) as error:
        call()
    return error.value.error


def waited(launch: Any, check: Callable[[str], Any]) -> Any:
    """The outcome of a job: it is under way first."""
    assert launch.is_async_job_id()
    assert check(launch.get_async_job_id()).is_in_progress()
    done = check(launch.get_async_job_id())
    assert done.is_complete()
    return done


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_listing(witness: str, me: dropbox.Dropbox) -> None:
    """Pages, recursion, changes since, deletions, longpoll."""
    for path in ("/Tour/b.txt", "/Tour/A/deep/c.txt", "/Tour/a.txt"):
        me.files_upload(path.encode(), path)
    page = me.files_list_folder("/tour", limit=2)
    assert page.has_more and len(page.entries) == 2
    rest = me.files_list_folder_continue(page.cursor)
    assert not rest.has_more
    assert {one.name for one in (*page.entries, *rest.entries)} == {"a.txt", "b.txt", "A"}
    whole = me.files_list_folder("/Tour", recursive=True)
    assert {one.path_display for one in whole.entries} == {
        "/Tour", "/Tour/A", "/Tour/A/deep", "/Tour/A/deep/c.txt", "/Tour/a.txt", "/Tour/b.txt"
    }  # fmt: skip
    latest = me.files_list_folder_get_latest_cursor("/Tour", recursive=True)
    assert me.files_list_folder_continue(latest.cursor).entries == []
    me.files_move_v2("/Tour/A", "/Tour/Z")
    me.files_delete_v2("/Tour/b.txt")
    assert me.files_list_folder_longpoll(latest.cursor, timeout=30).changes
    told = me.files_list_folder_continue(latest.cursor).entries
    assert [(type(one).__name__, one.path_lower) for one in told] == [
        ("DeletedMetadata", "/tour/a"), ("FolderMetadata", "/tour/z"), ("FolderMetadata", "/tour/z/deep"),
        ("FileMetadata", "/tour/z/deep/c.txt"), ("DeletedMetadata", "/tour/b.txt"),
    ]  # fmt: skip
    gone = me.files_list_folder("/Tour", include_deleted=True).entries
    assert {one.name for one in gone if isinstance(one, files.DeletedMetadata)} == {"b.txt"}
    assert isinstance(me.files_get_metadata("/Tour/b.txt", include_deleted=True), files.DeletedMetadata)
    assert refused(lambda: me.files_list_folder("/Tour/a.txt")).get_path().is_not_folder()
    assert refused(lambda: me.files_get_metadata("/nowhere")).get_path().is_not_found()
    with pytest.raises(exceptions.BadInputError):
        me.files_list_folder_continue("no cursor")
    me.files_delete_v2("/Tour")


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_content(witness: str, me: dropbox.Dropbox, session: Any) -> None:
    """Upload, modes of writing, download, revisions, restore, temporary links, Paper."""
    at = datetime.datetime(2020, 1, 2, 3, 4, 5)
    made = me.files_upload(b"one", "/Content/one.txt", client_modified=at)
    assert made.client_modified == at and made.content_hash == content_hash(b"one") and made.is_downloadable
    assert me.files_upload(b"one", "/Content/ONE.txt").rev == made.rev
    conflict = refused(lambda: me.files_upload(b"two", "/Content/one.txt")).get_path().reason
    assert conflict.get_conflict().is_file()
    beside = me.files_upload(b"two", "/Content/one.txt", autorename=True)
    assert beside.name == "one (1).txt"
    newer = me.files_upload(b"two", "/Content/one.txt", files.WriteMode.update(made.rev))
    assert newer.id == made.id and newer.rev != made.rev
    assert (
        me.files_upload(b"3", "/Content/one.txt", files.WriteMode.update(made.rev), autorename=True).name != "one.txt"
    )
    facts, answer = me.files_download("/content/one.txt")
    assert answer.content == b"two" and facts.rev == newer.rev
    assert me.files_download(f"rev:{made.rev}")[1].content == b"one"
    assert me.files_download(made.id)[1].content == b"two"
    revisions = me.files_list_revisions("/Content/one.txt")
    assert [one.rev for one in revisions.entries] == [newer.rev, made.rev] and not revisions.is_deleted
    me.files_delete_v2("/Content/one.txt")
    assert me.files_list_revisions("/Content/one.txt").is_deleted
    assert me.files_restore("/Content/one.txt", made.rev).size == 3
    link = me.files_get_temporary_link("/Content/one.txt")
    assert session.get(link.link).content == b"one" and link.metadata.name == "one.txt"
    paper = me.files_paper_create(b"# Title\n\n**bold**\n", "/Content/doc.paper", files.ImportFormat.markdown)
    listed = me.files_get_metadata(paper.result_path)
    assert not listed.is_downloadable and listed.export_info.export_options == ["html", "markdown"]
    assert refused(lambda: me.files_download(paper.result_path)).is_unsupported_file()
    exported, body = me.files_export(paper.result_path, export_format="markdown")
    assert body.content == b"# Title\n\n**bold**\n" and exported.export_metadata.name == "doc.md"
    assert b"<b>bold</b>" in me.files_export(paper.result_path)[1].content
    assert refused(lambda: me.files_export("/Content/one.txt")).is_non_exportable()
    me.files_permanently_delete("/Content/one (1).txt")
    me.files_delete_v2("/Content")


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_upload_sessions(witness: str, me: dropbox.Dropbox) -> None:
    """In sequence, at once, in batches, and what is wrong."""
    body = random.Random(1).randbytes(3 * BLOCK + 5)
    begun = me.files_upload_session_start(body[:100]).session_id
    wrong = refused(lambda: me.files_upload_session_append_v2(b"x", files.UploadSessionCursor(begun, 7)))
    assert wrong.get_incorrect_offset().correct_offset == 100
    me.files_upload_session_append_v2(body[100:BLOCK], files.UploadSessionCursor(begun, 100))
    commit = files.CommitInfo("/Sessions/in sequence.bin")
    made = me.files_upload_session_finish(body[BLOCK:], files.UploadSessionCursor(begun, BLOCK), commit)
    assert made.size == len(body) and made.content_hash == content_hash(body)
    kind = files.UploadSessionType.concurrent
    at_once = me.files_upload_session_start(b"", session_type=kind).session_id
    odd = refused(lambda: me.files_upload_session_append_v2(b"x", files.UploadSessionCursor(at_once, 3)))
    assert odd.is_concurrent_session_invalid_offset()
    for start in (2 * BLOCK, 0, 3 * BLOCK, BLOCK):
        piece, close = body[start : start + BLOCK], start == 3 * BLOCK
        me.files_upload_session_append_v2(piece, files.UploadSessionCursor(at_once, start), close=close)
    ending = files.UploadSessionCursor(at_once, len(body))
    done = me.files_upload_session_finish(b"", ending, files.CommitInfo("/Sessions/at once.bin"))
    assert done.content_hash == made.content_hash
    several = me.files_upload_session_start_batch(2).session_ids
    me.files_upload_session_append_v2(b"first", files.UploadSessionCursor(several[0], 0), close=True)
    me.files_upload_session_append_v2(b"second", files.UploadSessionCursor(several[1], 0))
    entries = [
        files.UploadSessionFinishArg(files.UploadSessionCursor(one, size), files.CommitInfo(f"/Sessions/{size}.txt"))
        for one, size in zip(several, (5, 6), strict=True)
    ]
    batch = me.files_upload_session_finish_batch_v2(entries).entries
    assert batch[0].is_success() and batch[0].get_success().size == 5
    assert batch[1].get_failure().get_lookup_failed().is_not_closed()
    me.files_upload_session_append_v2(b"", files.UploadSessionCursor(several[1], 6), close=True)
    joined = me.files_upload_session_start_batch(2).session_ids
    pieces = [
        files.UploadSessionAppendBatchArgEntry(files.UploadSessionCursor(one, 0), size, close=True)
        for one, size in ((joined[0], 3), (joined[1], 2), ("unknown", 1))
    ]
    appended = me.files_upload_session_append_batch(b"abcdex", pieces).entries
    assert [one.is_success() for one in appended] == [True, True, False]
    commit = files.CommitInfo("/Sessions/joined.txt")
    me.files_upload_session_finish(b"", files.UploadSessionCursor(joined[0], 3), commit)
    assert me.files_download("/Sessions/joined.txt")[1].content == b"abc"
    later = me.files_upload_session_finish_batch(entries[1:])
    finished = waited(later, me.files_upload_session_finish_batch_check)
    assert finished.get_complete().entries[0].get_success().size == 6
    me.files_delete_v2("/Sessions")


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_structure(witness: str, me: dropbox.Dropbox) -> None:
    """Folders, moves, copies, deletions; one by one and in batches."""
    folder = me.files_create_folder_v2("/Structure/one").metadata
    assert folder.path_display == "/Structure/one"
    assert refused(lambda: me.files_create_folder_v2("/structure/ONE")).get_path().get_conflict().is_folder()
    made = waited(
        me.files_create_folder_batch(["/Structure/two", "/Structure/one"]), me.files_create_folder_batch_check
    ).get_complete()
    assert made.entries[0].is_success() and made.entries[1].get_failure().get_path().get_conflict().is_folder()
    me.files_upload(b"x", "/Structure/one/x.txt")
    moved = me.files_move_v2("/Structure/one", "/Structure/three").metadata
    assert moved.id == folder.id
    copied = me.files_copy_v2("/Structure/three", "/Structure/four").metadata
    assert copied.id != folder.id
    into = refused(lambda: me.files_move_v2("/Structure/three", "/Structure/three/inner"))
    assert into.is_cant_move_folder_into_itself()
    assert refused(lambda: me.files_copy_v2("/Structure/three", "/Structure/two")).get_to().get_conflict().is_folder()
    assert refused(lambda: me.files_move_v2("/nowhere", "/Structure/y")).get_from_lookup().is_not_found()
    pairs = [
        files.RelocationPath("/Structure/three/x.txt", "/Structure/x1.txt"),
        files.RelocationPath("/Structure/four/x.txt", "/Structure/x2.txt"),
    ]
    batch = waited(me.files_move_batch_v2(pairs), me.files_move_batch_check_v2).get_complete()
    assert [one.get_success().name for one in batch.entries] == ["x1.txt", "x2.txt"]
    pairs = [files.RelocationPath(f"/Structure/x{number}.txt", f"/Structure/two/{number}.txt") for number in (1, 9)]
    copies = waited(me.files_copy_batch_v2(pairs), me.files_copy_batch_check_v2).get_complete()
    assert copies.entries[1].get_failure().get_relocation_error().get_from_lookup().is_not_found()
    deleted = waited(
        me.files_delete_batch([files.DeleteArg("/Structure/x1.txt"), files.DeleteArg("/Structure/x9.txt")]),
        me.files_delete_batch_check,
    ).get_complete()
    assert deleted.entries[0].get_success().metadata.name == "x1.txt"
    assert deleted.entries[1].get_failure().get_path_lookup().is_not_found()
    assert isinstance(me.files_delete_v2("/Structure").metadata, files.FolderMetadata)


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_sharing(witness: str, me: dropbox.Dropbox, connect: Connect, users: list[str]) -> None:
    """Shared folders with members and mounts, shared files, links."""
    other = connect(users[1])
    account = other.users_get_current_account().account_id
    me.files_upload(b"shared", "/Shared tour/x.txt")
    shared = me.sharing_share_folder("/Shared tour").get_complete()
    ns = shared.shared_folder_id
    again = refused(lambda: me.sharing_share_folder("/Shared tour")).get_bad_path()
    assert again.get_already_shared().shared_folder_id == ns
    member = sharing.AddMember(sharing.MemberSelector.email(users[1]), sharing.AccessLevel.viewer)
    me.sharing_add_folder_member(ns, [member], quiet=True)
    seen = next(one for one in other.sharing_list_folders().entries if one.shared_folder_id == ns)
    assert seen.path_lower is None and seen.access_type.is_viewer()
    assert ns in {one.shared_folder_id for one in other.sharing_list_mountable_folders().entries}
    assert other.sharing_mount_folder(ns).path_lower == "/shared tour"
    assert refused(lambda: other.sharing_mount_folder(ns)).is_already_mounted()
    read_only = other.files_get_metadata("/Shared tour/x.txt").sharing_info
    assert read_only.read_only and read_only.parent_shared_folder_id == ns
    denied = refused(lambda: other.files_upload(b"no", "/Shared tour/no.txt")).get_path().reason
    assert denied.is_no_write_permission()
    members = me.sharing_list_folder_members(ns, limit=1)
    more = me.sharing_list_folder_members_continue(members.cursor)
    assert {one.user.account_id for one in (*members.users, *more.users)} >= {account}
    selector = sharing.MemberSelector.dropbox_id(account)
    me.sharing_update_folder_member(ns, selector, sharing.AccessLevel.editor)
    other.files_upload(b"yes", "/Shared tour/yes.txt")
    assert me.files_get_metadata("/Shared tour/yes.txt").size == 3
    assert me.sharing_get_folder_metadata(ns).access_type.is_owner()
    other.sharing_unmount_folder(ns)
    removal = me.sharing_remove_folder_member(ns, selector, leave_a_copy=False)
    assert me.sharing_check_remove_member_job_status(removal.get_async_job_id()).is_in_progress()
    assert me.sharing_check_remove_member_job_status(removal.get_async_job_id()).is_complete()
    assert refused(lambda: other.sharing_get_folder_metadata(ns)).is_not_a_member()
    later = me.sharing_share_folder("/Shared later", force_async=True)
    waited(later, me.sharing_check_share_job_status)
    me.files_upload(b"alone", "/alone.txt")
    me.sharing_add_file_member("/alone.txt", [sharing.MemberSelector.email(users[1])], quiet=True)
    assert account in {one.user.account_id for one in me.sharing_list_file_members("/alone.txt").users}
    assert "alone.txt" in {one.name for one in other.sharing_list_received_files().entries}
    link = me.sharing_create_shared_link_with_settings("/alone.txt")
    assert refused(lambda: me.sharing_create_shared_link_with_settings("/alone.txt")).is_shared_link_already_exists()
    assert [one.url for one in me.sharing_list_shared_links("/alone.txt", direct_only=True).links] == [link.url]
    assert me.sharing_get_shared_link_metadata(link.url).name == "alone.txt"
    me.sharing_revoke_shared_link(link.url)
    for path in ("/alone.txt", "/Shared tour", "/Shared later"):
        me.files_delete_v2(path)


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_sharing_ends(witness: str, me: dropbox.Dropbox, connect: Connect, users: list[str]) -> None:
    """Further pages, a folder given to another, left, and shared no more."""
    other = connect(users[1])
    account, own = (one.users_get_current_account().account_id for one in (other, me))
    spaces = []
    for number in range(3):
        spaces.append(me.sharing_share_folder(f"/Ending {number}").get_complete().shared_folder_id)
        member = sharing.AddMember(sharing.MemberSelector.dropbox_id(account), sharing.AccessLevel.editor)
        me.sharing_add_folder_member(spaces[-1], [member], quiet=True)
    for first, following in (
        (other.sharing_list_folders(limit=1), other.sharing_list_folders_continue),
        (other.sharing_list_mountable_folders(limit=1), other.sharing_list_mountable_folders_continue),
    ):
        seen = [one.shared_folder_id for one in first.entries]
        while first.cursor:
            first = following(first.cursor)
            seen += [one.shared_folder_id for one in first.entries]
        assert len(seen) == len(set(seen)) and set(spaces) <= set(seen)
    me.sharing_transfer_folder(spaces[0], account)
    assert me.sharing_get_folder_metadata(spaces[0]).access_type.is_editor()
    left = me.sharing_relinquish_folder_membership(spaces[0])
    assert left.is_async_job_id() and me.sharing_check_job_status(left.get_async_job_id()).is_in_progress()
    assert me.sharing_check_job_status(left.get_async_job_id()).is_complete()
    assert refused(lambda: me.files_get_metadata("/Ending 0")).get_path().is_not_found()
    ended = me.sharing_unshare_folder(spaces[1])
    me.sharing_check_job_status(ended.get_async_job_id())
    assert refused(lambda: other.sharing_get_folder_metadata(spaces[1])).is_not_a_member()
    assert [one.user.account_id for one in me.sharing_list_folder_members(spaces[1]).users] == [own]
    for number in range(2):
        me.files_upload(b"1", f"/Received {number}.txt")
        me.sharing_add_file_member(f"/Received {number}.txt", [sharing.MemberSelector.email(users[1])], quiet=True)
    members = me.sharing_list_file_members("/Received 0.txt", limit=1)
    assert me.sharing_list_file_members_continue(members.cursor).users[0].user.account_id == account
    received = other.sharing_list_received_files(limit=1)
    assert other.sharing_list_received_files_continue(received.cursor).entries
    for path in ("/Ending 1", "/Ending 2", "/Received 0.txt", "/Received 1.txt"):
        me.files_delete_v2(path)


@pytest.mark.parametrize("witness", [SDK], indirect=True)
def test_team(witness: str, team: dropbox.DropboxTeam, me: dropbox.Dropbox) -> None:
    """Team folders and namespaces, members' files by Select-User, and Path-Root."""
    folders = team.team_team_folder_list(limit=2)
    assert folders.has_more and len(folders.team_folders) == 2
    assert team.team_team_folder_list_continue(folders.cursor).team_folders
    spaces = team.team_namespaces_list(limit=5)
    assert spaces.has_more and team.team_namespaces_list_continue(spaces.cursor).namespaces
    assert {"team_member_folder", "team_folder"} <= {
        one.namespace_type._tag for one in team.team_namespaces_list().namespaces
    }
    made = team.team_team_folder_create("Tour of the team")
    assert refused(lambda: team.team_team_folder_create("tour OF the team")).is_folder_name_already_used()
    team.team_team_folder_rename(made.team_folder_id, "Tour, renamed")
    assert team.team_team_folder_archive(made.team_folder_id).get_complete().status.is_archived()
    team.team_team_folder_activate(made.team_folder_id)
    account = me.users_get_current_account()
    assert isinstance(account.root_info, common.TeamRootInfo)
    assert account.root_info.root_namespace_id != account.root_info.home_namespace_id
    assert me.users_get_space_usage().allocation.is_team()
    rooted = me.with_path_root(common.PathRoot.root(account.root_info.root_namespace_id))
    names = {one.name for one in rooted.files_list_folder("").entries}
    assert account.root_info.home_path.lstrip("/") in names and "Tour, renamed" in names
    inside = me.with_path_root(common.PathRoot.namespace_id(made.team_folder_id))
    inside.files_upload(b"team", "/team.txt")
    assert rooted.files_get_metadata("/tour, renamed/team.txt").size == 4
    assert me.files_get_metadata(f"ns:{made.team_folder_id}/team.txt").size == 4
    with pytest.raises(exceptions.PathRootError):
        me.with_path_root(common.PathRoot.root("7")).files_list_folder("")
    with pytest.raises(exceptions.PathRootError):
        me.with_path_root(common.PathRoot.namespace_id("12345")).files_list_folder("")
    member = next(one for one in team.team_members_list_v2().members if one.profile.status.is_active())
    assert team.as_user(member.profile.team_member_id).files_list_folder("").entries
