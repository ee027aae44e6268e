"""What becomes of a large upload to Drive when nobody hears that it was finished: one file of ours, never two."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from haulage.engine.counts import Watch
from haulage.model.errors import Conflict, SessionGone
from haulage.model.item import Written
from haulage.operations.locations import Given, open_drive
from haulage.services.contract import ABSENT
from haulage.services.google.drive import GoogleDrive
from haulage.services.google.files import File
from testbed.sandbox import Sandbox
from tests.connectors.google_api import FOLDER, DriveApi
from tests.connectors.people import Office
from tests.contract.kit import Upload, begin, body_of, proves, put

PART = 8 * 1024 * 1024
BODY = body_of(PART + 300_000)
NAME = "large.bin"


@pytest.fixture
def api(office: Office, sandbox: Sandbox) -> DriveApi:
    """A person."""
    return DriveApi(sandbox, office.people("google-drive", "admin")[0]["user"])


@pytest.fixture
async def folder(office: Office, api: DriveApi) -> AsyncIterator[str]:
    """The id of a folder of that person, at which connector `mine` is opened."""
    await office.connect("google-drive", office.people("google-drive", "admin")[0], "write", "mine")
    made = api.make("Uploads", FOLDER)
    yield made
    api("DELETE", f"files/{made}")


async def opened(office: Office) -> GoogleDrive:
    """A drive as a new process has it."""
    drive = await open_drive(office.ledger, Given("mine:/Uploads", "destination"), Watch())
    assert isinstance(drive, GoogleDrive)
    return drive


@pytest.fixture
async def upload(office: Office, folder: str) -> AsyncIterator[Upload]:
    """All parts are sent, and the last bytes are kept back."""
    drive = await opened(office)
    made = await begin(drive, NAME, BODY, PART, condition=ABSENT)
    await made.send_all()
    yield made
    await drive.close()


async def unheard(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finish it, but so that its drive is told of a session that is not known any more."""
    assert isinstance(upload.drive, GoogleDrive)
    uploads = upload.drive._uploads
    finish = uploads.finish

    async def gone(*words: Any) -> File:
        await finish(*words)
        raise SessionGone("404")

    monkeypatch.setattr(uploads, "finish", gone)


def named(api: DriveApi, folder: str) -> list[str]:
    """The names of what lies in the folder, twins included."""
    return [one["name"] for one in api.found(f"'{folder}' in parents and trashed = false")]


async def test_a_session_that_is_not_known_any_more_has_become_the_file(
    upload: Upload, folder: str, api: DriveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F07, T48: by the id that was chosen before; nothing is sent again."""
    await unheard(upload, monkeypatch)
    written = await upload.finish(ABSENT)
    assert isinstance(written, Written) and proves(upload.drive, written, BODY)
    assert named(api, folder) == [NAME]


async def test_a_strangers_file_is_not_taken_for_ours(
    upload: Upload, folder: str, api: DriveApi, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F33: it came while ours went up; ours is taken back, and theirs stays."""
    stranger = await opened(office)
    await put(stranger, NAME, b"theirs", condition=ABSENT)
    await unheard(upload, monkeypatch)
    with pytest.raises(Conflict):
        await upload.finish(ABSENT)
    assert named(api, folder) == [NAME]
    found = await stranger.item(NAME)
    assert found is not None and found.size == len(b"theirs")
    await stranger.close()


async def test_another_process_goes_on_with_what_has_become_a_file(
    upload: Upload, folder: str, api: DriveApi, office: Office
) -> None:
    """G12: killed right after the end: all parts are there, and none is sent again."""
    await upload.finish(ABSENT)
    drive = await opened(office)
    parts = await drive.parts(upload.state)
    assert parts is not None and sum(one["size"] for one in parts.values()) == len(BODY)
    written = await drive.finish(upload.state, [dict(one) for one in parts.values()], {}, ABSENT)
    assert proves(drive, written, BODY)
    assert "UploadChunk" not in drive.calls
    await drive.abort(upload.state)
    assert named(api, folder) == [NAME]
    await drive.close()


async def test_giving_up_what_was_finished_beside_a_strangers_file(
    upload: Upload, folder: str, api: DriveApi, office: Office
) -> None:
    """I4: killed right after the end, with an older file of that name: ours, of which nobody knows, is taken back."""
    drive = await opened(office)
    await put(drive, NAME, b"theirs", condition=ABSENT)
    assert isinstance(upload.drive, GoogleDrive)
    last = json.loads(upload.receipts[len(upload.numbers)])
    await upload.drive._uploads.finish(upload.state, base64.b64decode(last["tail"]))
    assert named(api, folder) == [NAME, NAME]
    await drive.abort(upload.state)
    assert named(api, folder) == [NAME]
    found = await drive.item(NAME)
    assert found is not None and found.size == len(b"theirs")
    await drive.close()
