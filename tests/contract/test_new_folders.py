"""Files in a folder that the drive has just made, of which a drive may know what it holds without asking."""

import asyncio
from typing import Any

import pytest

from haulage.model.errors import Conflict, Gone, HaulageError, OutcomeUnknown, Transient
from haulage.model.item import Written
from haulage.services.contract import ABSENT, Drive
from testbed.rules import Answer, End

from .conftest import Limit, Opens, Sees, needs_server
from .kit import Place, begin, body_of, everything, files, put, read_path
from .voices import Faults

PATH = "new/a.bin"
WHOLE_FOLDERS = (
    *("google-drive", "google-workspace", "onedrive-business", "onedrive", "office365", "dropbox", "egnyte"),
    *("box", "box-enterprise"),
)
LOST: dict[str, dict[str, Any]] = {
    "500": {"answer": Answer(500), "applied": True},
    "reset": {"answer_ends": End("reset")},
}


async def test_a_name_is_written_once(drive: Drive, reader: Drive) -> None:
    """The second one is told, though the drive knows the folder as one that it filled itself."""
    await drive.create_folder("new")
    await put(drive, PATH, b"first", condition=ABSENT)
    with pytest.raises(Conflict):
        await put(drive, PATH, b"second", condition=ABSENT)
    assert files(await everything(reader)) == {PATH}
    assert await read_path(reader, PATH) == b"first"


async def test_one_drive_writes_a_name_at_once(drive: Drive, reader: Drive, limit: Limit) -> None:
    """T52 within one run: of racing writes one is told that it wrote."""
    limit("keeps conditions of racing writes")
    await drive.create_folder("new")
    bodies = [body_of(50_000, seed=number) for number in range(6)]
    results = await asyncio.gather(*(put(drive, PATH, one, condition=ABSENT) for one in bodies), return_exceptions=True)
    winners = [number for number, result in enumerate(results) if isinstance(result, Written)]
    assert len(winners) == 1, results
    assert files(await everything(reader)) == {PATH}
    assert await read_path(reader, PATH) == bodies[winners[0]]


async def test_two_runs_in_one_new_folder(place: Place, make_drive: Opens, reader: Drive, limit: Limit) -> None:
    """T52: the one that made the folder is told too of what the other one wrote there, and the other way round."""
    limit("keeps conditions of racing writes")
    maker, guest = make_drive(place), make_drive(place)
    await maker.create_folder("new")
    await put(maker, "new/of the maker", b"1", condition=ABSENT)
    await put(guest, "new/of the guest", b"2", condition=ABSENT)
    for drive, taken in ((maker, "new/of the guest"), (guest, "new/of the maker")):
        with pytest.raises(Conflict):
            await put(drive, taken, b"other", condition=ABSENT)
    assert files(await everything(reader)) == {"new/of the maker", "new/of the guest"}


async def test_racing_runs_that_make_the_folder(place: Place, make_drive: Opens, reader: Drive, limit: Limit) -> None:
    """T52: each begins with an empty place and writes the same paths."""
    limit("keeps conditions of racing writes")
    drives = [make_drive(place) for _ in range(4)]
    paths = [f"new/{number}" for number in range(5)]
    results = await asyncio.gather(
        *(put(drive, path, path.encode(), condition=ABSENT) for drive in drives for path in paths),
        return_exceptions=True,
    )
    assert [one for one in results if not isinstance(one, (Written, Conflict))] == []
    assert sum(isinstance(one, Written) for one in results) == len(paths)
    assert files(await everything(reader)) == set(paths)


async def test_a_later_run_looks(place: Place, make_drive: Opens, reader: Drive, sees: Sees) -> None:
    """The run that made the folder was stopped; meanwhile somebody put a file there."""
    first = make_drive(place)
    await first.create_folder("new")
    await put(first, "new/b", b"b", condition=ABSENT)
    await sees.plant(PATH, b"foreign")
    later = make_drive(place)
    await later.create_folder("new")
    for path in (PATH, "new/b"):
        with pytest.raises(Conflict):
            await put(later, path, b"ours", condition=ABSENT)
    assert await read_path(reader, PATH) == b"foreign"


async def test_small_and_large_of_one_name(drive: Drive, reader: Drive, body: bytes, part_bytes: int) -> None:
    """A small file comes while a large one of that name is on its way: the large one is told."""
    await drive.create_folder("new")
    upload = await begin(drive, PATH, body, part_bytes, condition=ABSENT)
    await upload.send_all()
    await put(drive, PATH, b"small", condition=ABSENT)
    with pytest.raises(Conflict):
        await upload.finish(ABSENT)
    assert files(await everything(reader)) == {PATH}
    assert await read_path(reader, PATH) == b"small"


async def test_a_folder_that_is_taken_away(drive: Drive, reader: Drive, sees: Sees, place: Place) -> None:
    """F34: no file is told to be written that is not there; written again, it is there, in a folder made anew."""
    await drive.create_folder("new/deep")
    await put(drive, "new/deep/a.bin", b"first", condition=ABSENT)
    if place.service.id not in WHOLE_FOLDERS:
        pytest.skip("the witness removes files alone here")
    await sees.remove("new")
    for _ in range(3):
        try:
            await put(drive, "new/deep/b.bin", b"second", condition=ABSENT)
            break
        except (Transient, Gone):
            continue
    assert set(await everything(reader)) == {"new", "new/deep", "new/deep/b.bin"}
    assert await read_path(reader, "new/deep/b.bin") == b"second"


@needs_server
@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
async def test_a_lost_answer_in_a_new_folder(
    faults: Faults, reader: Drive, lost: dict[str, Any], hurried: None
) -> None:
    """F07, T45: sent again it makes no second file; what stays unknown is found by asking."""
    await faults.drive.create_folder("new")
    body = body_of(300_000)
    faults.on("write", **lost)
    try:
        await put(faults.drive, PATH, body, condition=ABSENT)
    except OutcomeUnknown:
        assert await faults.drive.item(PATH) is not None
    assert files(await everything(reader)) == {PATH}
    assert await read_path(reader, PATH) == body


@needs_server
async def test_a_write_that_was_given_up_in_a_new_folder(faults: Faults, reader: Drive, hurried: None) -> None:
    """F07: all its answers were lost, and the engine writes the file anew: there is one, and it is whole."""
    await faults.drive.create_folder("new")
    body = body_of(300_000)
    rule = faults.on("write", times=None, answer=Answer(500), applied=True)
    with pytest.raises((OutcomeUnknown, Transient)):
        await put(faults.drive, PATH, body, condition=ABSENT)
    rule.times = 0
    try:
        await put(faults.drive, PATH, body, condition=ABSENT)
    except HaulageError as error:
        assert isinstance(error, Conflict | OutcomeUnknown), error
    assert files(await everything(reader)) == {PATH}
    assert await read_path(reader, PATH) == body
