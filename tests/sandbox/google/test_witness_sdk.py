"""google-api-python-client, unmodified: a tour of the endpoints that it covers, all of it judged by discovery."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httplib2
import pytest
from google.oauth2 import credentials, service_account
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaFileUpload, MediaInMemoryUpload, MediaIoBaseDownload, build_http

from testbed.sandbox import Sandbox
from tests.sandbox.google.conftest import DRIVE
from tests.sandbox.google.discovery import check_call

SDK = pytest.mark.parametrize("witness", ["google-api-python-client 2.202"], indirect=True)
DIRECTORY = "https://www.googleapis.com/auth/admin.directory."
ADMIN_SCOPES = [f"{DIRECTORY}{one}.readonly" for one in ("user", "group", "group.member")]
ALL = {"supportsAllDrives": True}


class Judged(AuthorizedHttp):  # type: ignore[misc]  # it ships no types
    """The client's own transport; what is answered without an error is checked."""

    scopes: set[str]
    seen: set[str]

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **more: Any) -> Any:
        """One request, then the judgment."""
        response, content = super().request(uri, method=method, body=body, headers=headers, **more)
        if response.status in (200, 204) and "resumable" not in uri and "multipart" not in uri and "/batch" not in uri:
            sent = body.encode() if isinstance(body, str) else b""
            if method == "POST" and (headers or {}).get("x-http-method-override"):
                return response, content
            self.seen.add(check_call(method, uri, sent, content, self.scopes))
        return response, content


@pytest.fixture
def proxied(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """httplib2 goes through the proxy, and trusts the sandbox's authority."""
    for name, value in sandbox.client_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(httplib2, "CA_CERTS", sandbox.ca_file)
    yield sandbox


def service(sandbox: Sandbox, name: str, version: str, made: Any, scopes: list[str]) -> tuple[Any, Judged]:
    """A client of one interface. made: credentials."""
    http = Judged(made, http=build_http())
    http.scopes, http.seen = set(scopes), set()
    return build(name, version, http=http, static_discovery=True, cache_discovery=False), http


def drive_of(sandbox: Sandbox, role: str = "admin") -> tuple[Any, Judged]:
    """Drive, in the name of the first account of a role, by a refresh token."""
    offer = sandbox.service("google-drive")
    account = next(one for one in offer["accounts"] if one["role"] == role)
    told = sandbox.do("google", "sign-in", user=account["user"], client_id=offer["client_id"], scopes=DRIVE)
    made = credentials.Credentials(
        None, refresh_token=told["refresh_token"], token_uri="https://oauth2.googleapis.com/token",
        client_id=offer["client_id"], client_secret=offer["client_secret"],
    )  # fmt: skip
    return service(sandbox, "drive", "v3", made, [DRIVE])


def robot(sandbox: Sandbox, scopes: list[str]) -> Any:
    """Credentials of the service account, in the administrator's name."""
    account = sandbox.service("google-workspace")["accounts"][0]
    info = json.loads(account["key"])
    return service_account.Credentials.from_service_account_info(info, scopes=scopes, subject=account["user"])


@SDK
def test_a_tour_of_files(witness: str, proxied: Sandbox, tmp_path: Path) -> None:
    drive, http = drive_of(proxied)
    files = drive.files()
    about = drive.about().get(fields="*").execute()
    assert about["user"]["me"] is True and about["storageQuota"]["usage"].isdigit()
    root = files.get(fileId="root", fields="id,capabilities").execute()["id"]
    ids = files.generateIds(count=3, type="files").execute()["ids"]
    folder = files.create(
        body={"name": "Tour", "mimeType": "application/vnd.google-apps.folder", "id": ids[0]}
    ).execute()
    with pytest.raises(HttpError) as twice:
        files.create(body={"name": "Tour", "mimeType": "application/vnd.google-apps.folder", "id": ids[0]}).execute()
    assert twice.value.resp.status == 409
    place = {"parents": [folder["id"]]}
    bare = files.create(body={"name": "bare.txt", **place}, fields="*").execute()
    assert (bare["size"], bare["md5Checksum"]) == ("0", "d41d8cd98f00b204e9800998ecf8427e")
    media = MediaInMemoryUpload(b"some bytes\r", mimetype="text/plain")
    small = files.create(body={"name": "small.txt", **place}, media_body=media, fields="*").execute()
    assert small["size"] == "11" and small["parents"] == [folder["id"]] and small["mimeType"] == "text/plain"
    assert files.get_media(fileId=small["id"]).execute() == b"some bytes\r"
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 5_000)
    upload = MediaFileUpload(str(large), mimetype="application/x-large", chunksize=262_144, resumable=True)
    request = files.create(body={"name": "large.bin", **place}, media_body=upload, fields="id,size,sha256Checksum")
    made, chunks = None, 0
    while made is None:
        _, made = request.next_chunk()
        chunks += 1
    assert (made["size"], chunks) == ("1280000", 5)
    read = io.BytesIO()
    download = MediaIoBaseDownload(read, files.get_media(fileId=made["id"]), chunksize=500_000)
    done = False
    while not done:
        _, done = download.next_chunk()
    assert read.getvalue() == large.read_bytes()
    empty = MediaInMemoryUpload(b"", mimetype="text/plain", resumable=True)
    assert files.create(body={"name": "empty", **place}, media_body=empty, fields="size").execute()["size"] == "0"
    again = MediaInMemoryUpload(b"other bytes", mimetype="text/plain")
    changed = files.update(fileId=small["id"], body={"description": "now"}, media_body=again, fields="*").execute()
    assert changed["description"] == "now" and changed["headRevisionId"] != small["headRevisionId"]
    _revisions(drive, small["id"])
    _metadata_and_moves(files, small["id"], folder["id"], root)
    _lists(files, folder["id"])
    files.delete(fileId=folder["id"]).execute()
    files.emptyTrash().execute()
    assert {"drive.files.get", "drive.files.update", "drive.files.create"} <= http.seen


def _revisions(drive: Any, file_id: str) -> None:
    found = drive.revisions().list(fileId=file_id, fields="*").execute()["revisions"]
    assert [one["size"] for one in found] == ["11", "11"]
    old = found[0]["id"]
    assert drive.revisions().get_media(fileId=file_id, revisionId=old).execute() == b"some bytes\r"
    kept = drive.revisions().update(fileId=file_id, revisionId=old, body={"keepForever": True}, fields="*").execute()
    assert kept["keepForever"] is True
    assert drive.revisions().get(fileId=file_id, revisionId=old, fields="*").execute()["keepForever"] is True
    drive.revisions().delete(fileId=file_id, revisionId=old).execute()
    assert len(drive.revisions().list(fileId=file_id).execute()["revisions"]) == 1


def _metadata_and_moves(files: Any, file_id: str, folder_id: str, root: str) -> None:
    body = {"modifiedTime": "2020-02-03T04:05:06.789123Z", "properties": {"a": "b"}, "starred": True}
    told = files.update(fileId=file_id, body=body, fields="modifiedTime,properties,starred").execute()
    assert told == {"modifiedTime": "2020-02-03T04:05:06.789Z", "properties": {"a": "b"}, "starred": True}
    moved = files.update(fileId=file_id, addParents=root, removeParents=folder_id, fields="parents").execute()
    assert moved["parents"] == [root]
    files.update(fileId=file_id, addParents=folder_id, removeParents="root").execute()
    copied = files.copy(fileId=file_id, body={"name": "copied"}, fields="*").execute()
    assert copied["name"] == "copied" and copied["parents"] == [folder_id] and copied["size"] == "11"
    shortcut = {"name": "s", "mimeType": "application/vnd.google-apps.shortcut", "parents": [folder_id],
                "shortcutDetails": {"targetId": file_id}}  # fmt: skip
    assert files.create(body=shortcut, fields="*").execute()["shortcutDetails"]["targetMimeType"] == "text/plain"
    assert files.update(fileId=copied["id"], body={"trashed": True}, fields="*").execute()["explicitlyTrashed"] is True
    operation = files.download(fileId=file_id).execute()
    assert operation["done"] is True and operation["response"]["partialDownloadAllowed"] is True


def _lists(files: Any, folder_id: str) -> None:
    names: list[str] = []
    request = files.list(q=f"'{folder_id}' in parents and trashed = false", pageSize=2, fields="*", orderBy="name desc")
    while request is not None:
        page = request.execute()
        names += [one["name"] for one in page["files"]]
        request = files.list_next(request, page)
    assert names == ["small.txt", "s", "large.bin", "empty", "bare.txt"]
    long = " or ".join(f"name = 'small{number}.txt'" for number in range(150))
    assert files.list(q=f"name = 'small.txt' or {long}").execute()["files"][0]["name"] == "small.txt"


@SDK
def test_a_tour_of_documents(witness: str, proxied: Sandbox) -> None:
    drive, http = drive_of(proxied)
    files = drive.files()
    media = MediaInMemoryUpload(b"alpha,1\nbeta,2\n", mimetype="text/csv")
    sheet = {"name": "Numbers", "mimeType": "application/vnd.google-apps.spreadsheet"}
    made = files.create(body=sheet, media_body=media, fields="*").execute()
    assert "md5Checksum" not in made and "headRevisionId" not in made
    links = made["exportLinks"]
    assert set(links) == set(drive.about().get(fields="exportFormats").execute()["exportFormats"][sheet["mimeType"]])
    assert files.export(fileId=made["id"], mimeType="text/csv").execute() == b"alpha,1\r\nbeta,2\r\n"
    for link in links.values():
        response, body = http.request(link)
        assert response.status == 200 and body
    with pytest.raises(HttpError) as refused:
        files.get_media(fileId=made["id"]).execute()
    assert refused.value.error_details[0]["reason"] == "fileNotDownloadable"
    operation = files.download(fileId=made["id"], mimeType="application/pdf").execute()
    assert "done" not in operation
    uri = drive.operations().get(name=operation["name"]).execute()["response"]["downloadUri"]
    assert http.request(uri)[1].startswith(b"%PDF-1.4")
    files.delete(fileId=made["id"]).execute()


@SDK
def test_a_tour_of_shared_drives_permissions_and_changes(witness: str, proxied: Sandbox) -> None:
    drive, _ = drive_of(proxied)
    start = drive.changes().getStartPageToken().execute()["startPageToken"]
    made = drive.drives().create(requestId=f"tour-{start}", body={"name": "Tour of drives"}).execute()
    assert made["id"] in {one["id"] for one in drive.drives().list(pageSize=100, fields="*").execute()["drives"]}
    drive.drives().update(driveId=made["id"], body={"restrictions": {"domainUsersOnly": True}}).execute()
    drive.drives().hide(driveId=made["id"]).execute()
    drive.drives().unhide(driveId=made["id"]).execute()
    assert drive.drives().get(driveId=made["id"], fields="*").execute()["restrictions"]["domainUsersOnly"] is True
    log = drive.changes().getStartPageToken(driveId=made["id"], **ALL).execute()["startPageToken"]
    file = drive.files().create(body={"name": "in it", "parents": [made["id"]]}, fields="*", **ALL).execute()
    assert file["driveId"] == made["id"] and not {"owners", "ownedByMe", "permissions", "shared"} & set(file)
    told = drive.changes().list(
        pageToken=log, driveId=made["id"], includeItemsFromAllDrives=True, fields="*", **ALL
    ).execute()  # fmt: skip
    assert [one["fileId"] for one in told["changes"]] == [file["id"]] and "newStartPageToken" in told
    listed = drive.files().list(
        corpora="drive", driveId=made["id"], includeItemsFromAllDrives=True, fields="*", **ALL
    ).execute()  # fmt: skip
    assert [one["id"] for one in listed["files"]] == [file["id"]]
    _permissions(drive, proxied)
    drive.files().delete(fileId=file["id"], **ALL).execute()
    drive.drives().delete(driveId=made["id"]).execute()
    mine = drive.changes().list(pageToken=start, fields="*").execute()
    assert any(one["changeType"] == "drive" and one["removed"] for one in mine["changes"])


def _permissions(drive: Any, sandbox: Sandbox) -> None:
    offer = sandbox.service("google-drive")
    other = next(one["user"] for one in offer["accounts"] if one["role"] == "user")
    folder = drive.files().create(body={"name": "shared", "mimeType": "application/vnd.google-apps.folder"}).execute()
    file = drive.files().create(body={"name": "f", "parents": [folder["id"]]}).execute()
    grant = {"type": "user", "role": "reader", "emailAddress": other}
    of = drive.permissions()
    made = of.create(fileId=folder["id"], body=grant, sendNotificationEmail=False, fields="*").execute()
    below = of.list(fileId=file["id"], fields="*").execute()["permissions"]
    assert [one["permissionDetails"][0]["inherited"] for one in below if one["id"] == made["id"]] == [True]
    with pytest.raises(HttpError) as refused:
        of.delete(fileId=file["id"], permissionId=made["id"]).execute()
    assert refused.value.error_details[0]["reason"] == "cannotModifyInheritedPermission"
    changed = of.update(fileId=folder["id"], permissionId=made["id"], body={"role": "writer"}, fields="*").execute()
    assert of.get(fileId=folder["id"], permissionId=made["id"], fields="*").execute() == changed
    of.delete(fileId=folder["id"], permissionId=made["id"]).execute()
    drive.files().delete(fileId=folder["id"]).execute()


@SDK
def test_a_batch(witness: str, proxied: Sandbox) -> None:
    drive, http = drive_of(proxied)
    told: dict[str, Any] = {}
    batch = drive.new_batch_http_request(callback=lambda name, answer, error: told.update({name: error or answer}))
    batch.add(drive.files().create(body={"name": "in a batch"}), request_id="made")
    batch.add(drive.files().get(fileId="nowhere"), request_id="missing")
    batch.add(drive.about().get(fields="user"), request_id="about")
    batch.execute(http=http)
    assert told["made"]["name"] == "in a batch" and told["about"]["user"]["me"] is True
    assert isinstance(told["missing"], HttpError) and told["missing"].resp.status == 404
    drive.files().delete(fileId=told["made"]["id"]).execute()


@SDK
def test_a_tour_of_the_directory(witness: str, proxied: Sandbox) -> None:
    made = robot(proxied, ADMIN_SCOPES)
    directory, http = service(proxied, "admin", "directory_v1", made, ADMIN_SCOPES)
    emails: list[str] = []
    request = directory.users().list(customer="my_customer", maxResults=5, orderBy="email")
    while request is not None:
        page = request.execute()
        emails += [one["primaryEmail"] for one in page.get("users", [])]
        request = directory.users().list_next(request, page)
    assert len(emails) == 12 and emails == sorted(emails)
    assert directory.users().get(userKey=emails[0]).execute()["primaryEmail"] == emails[0]
    assert "users" not in directory.users().list(customer="my_customer", query="email:nobody*").execute()
    groups = directory.groups().list(customer="my_customer").execute()["groups"]
    everyone = next(one for one in groups if one["name"] == "All Staff")
    inner = directory.members().list(groupKey=everyone["id"]).execute()["members"]
    assert {one["type"] for one in inner} == {"GROUP"} and everyone["directMembersCount"] == str(len(inner))
    derived = directory.members().list(groupKey=everyone["email"], includeDerivedMembership=True).execute()["members"]
    assert {one["email"] for one in derived if one["type"] == "USER"} == set(emails)
    assert directory.groups().get(groupKey=everyone["id"]).execute()["name"] == "All Staff"
    assert directory.members().hasMember(groupKey=everyone["id"], memberKey=emails[0]).execute()["isMember"] is True
    assert directory.members().get(groupKey=everyone["id"], memberKey=inner[0]["id"]).execute()["type"] == "GROUP"
    assert {"directory.users.list", "directory.members.list"} <= http.seen
    drives, _ = service(proxied, "drive", "v3", robot(proxied, [DRIVE]), [DRIVE])
    assert len(drives.drives().list(useDomainAdminAccess=True, pageSize=100).execute()["drives"]) >= 6
