"""Drive's names as parts of paths, and what a location names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.model.errors import Refused
from haulage.model.item import Carried, Kind
from haulage.services.google.exports import exports_of
from haulage.services.google.files import File, SharedDrive, item_of, time_text, time_us
from haulage.services.google.names import (
    Naming,
    chosen,
    drive_at,
    drive_parts,
    is_made_up,
    names_of,
    part_of,
    twin,
    untwinned,
)
from haulage.services.google.places import Place, place_of
from haulage.services.google.uploads import facts_of

USUAL = exports_of("")


def file(name: str, file_id: str, created: str = "2026-01-02T03:04:05.678Z", mime_type: str = "text/plain") -> File:
    """A file as files.list tells it."""
    return File(id=file_id, name=name, created=created, mime_type=mime_type)


def test_the_oldest_has_its_name_and_the_others_a_piece_of_their_ids() -> None:
    old, young = file("a.txt", "AAAAAAAA11111111"), file("a.txt", "BBBBBBBB22222222", "2026-02-01T00:00:00.000Z")
    naming = Naming(USUAL)
    assert [naming.part(one) for one in (old, young, old)] == ["a.txt", "a (22222222).txt", "a.txt"]
    assert chosen("a.txt", [young, old], USUAL) is old
    assert chosen("a (22222222).txt", [young, old], USUAL) is young
    assert chosen("a (33333333).txt", [young, old], USUAL) is None


def test_a_file_that_is_named_like_a_twin_takes_nobodys_place() -> None:
    naming = Naming(USUAL)
    like, first, second = file("a (22222222).txt", "1" * 20), file("a.txt", "3" * 20), file("a.txt", "2" * 20)
    parts = [naming.part(one) for one in (like, first, second)]
    assert parts == ["a (22222222).txt", "a.txt", f"a ({'2' * 20}).txt"]


NAMES = st.text(st.sampled_from("ab.()/ \uff0f2"), max_size=6)


@given(st.lists(NAMES, min_size=1, max_size=12))
def test_every_file_has_a_path_of_its_own(names: list[str]) -> None:
    files = [file(name, f"id{number:08d}{number:08d}") for number, name in enumerate(names)]
    naming = Naming(USUAL)
    parts = [naming.part(one) for one in files]
    assert len(set(parts)) == len(parts)
    assert not any("/" in part or not part for part in parts)
    for one, part in zip(files, parts, strict=True):
        namesakes = [other for other in files if part_of(other.name) == part_of(one.name)]
        if part in (part_of(one.name), twin(part_of(one.name), one.id)) and len(part_of(one.name)) < 4:
            assert chosen(part, namesakes, USUAL) is one


@pytest.mark.parametrize(
    ("part", "names"),
    [("a", ["a"]), ("a\uff0fb", ["a\uff0fb", "a/b"]), ("\uff0f\uff0f", None)],
)
def test_what_to_ask_for(part: str, names: list[str] | None) -> None:
    assert names_of(part, USUAL) == names
    assert names is None or all(part_of(name) == part for name in names)


def test_a_twins_part_leads_to_its_name() -> None:
    for part in ("a.txt", "a", "a.b.tar", ".hidden", "a.with a very long extension"):
        assert untwinned(twin(part, "abcdefgh12345678")) in (part, None)
    assert untwinned("a (short).txt") is None


@pytest.mark.parametrize(
    ("root", "place"),
    [
        ("", Place("mine")),
        ("/Reports/2026/", Place("mine", "Reports/2026")),
        ("My Drive/Shared drives", Place("mine", "Shared drives")),
        ("Shared drives/Projects/a/b", Place("drive", "a/b", "Projects")),
        ("Shared with me/x", Place("shared", "x")),
        ("https://drive.google.com/drive/u/0/folders/1abc-_2?usp=sharing", Place("id", "", "1abc-_2")),
        ("https:/drive.google.com/drive/folders/1abc/x/y", Place("id", "x/y", "1abc")),
    ],
)
def test_a_location_names_a_place(root: str, place: Place) -> None:
    assert place_of(root) == place
    assert place.space == "id" or place_of(place.text) == place


def test_a_shared_drive_has_to_be_named() -> None:
    with pytest.raises(Refused):
        place_of("Shared drives")


def test_forms_and_shortcuts_are_no_files() -> None:
    document = item_of("a", file("a", "1", mime_type="application/vnd.google-apps.form"), USUAL)
    assert (document.kind, document.size) == (Kind.OTHER, None)
    assert "a Google form" in (document.note or "")
    assert item_of("f", file("f", "2", mime_type="application/vnd.google-apps.folder"), USUAL).kind is Kind.FOLDER


def test_a_type_of_googles_own_is_never_asked_for() -> None:
    """It would turn a file into a document, or a folder."""
    facts = facts_of("a.txt", Carried(content_type="application/vnd.google-apps.folder"))
    assert facts == {"mimeType": "text/plain"}
    assert facts_of("a.bin", Carried(content_type="video/MP4; codecs=x"))["mimeType"] == "video/mp4"


@given(st.integers(-30_610_224_000_000, 253_402_300_799_999))
def test_times_are_kept_to_the_millisecond(milliseconds: int) -> None:
    assert time_us(time_text(milliseconds * 1000)) == milliseconds * 1000


def test_every_shared_drive_has_a_path_of_its_own() -> None:
    """Q24: several may have one name, and a name may hold what separates the parts of a path."""
    drives = [SharedDrive("0A1", "Projects"), SharedDrive("0A2", "R/D"), SharedDrive("0A3", "Projects")]
    parts = drive_parts(drives)
    assert parts == ["Projects (0A1)", "R\uff0fD", "Projects (0A3)"]
    assert [drive_at(part, drives) for part in parts] == drives
    assert drive_at("R\uff0fD (0A2)", drives) is drives[1]
    assert drive_at("Project", drives) is None
    with pytest.raises(Refused) as refused:
        drive_at("Projects", drives)
    assert "Projects (0A1)" in refused.value.fix


def test_which_drives_cannot_be_asked_for_by_name() -> None:
    assert [is_made_up(one) for one in ("Projects", "R\uff0fD", "Projects (0AKxyz123Uk9PVA)")] == [False, True, True]
