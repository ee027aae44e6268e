"""Listings: complete, each item once, and never short without saying so."""

import time

import pytest

from haulage.model.errors import Gone
from haulage.model.item import Kind
from haulage.services.contract import Drive, ListsTree

from .conftest import Crowd, Opens, declared
from .kit import Place, body_of, digests, everything, files, listed, next_revision, pages, put, put_all, tree, walked

NESTED = {
    "top.bin": b"1",
    "b/one.bin": b"22",
    "b/two.bin": b"333",
    "b/c/deep.bin": b"4444",
    "b/c/d/e/f/deepest.bin": b"55555",
    "z/last.bin": b"",
}


async def test_an_empty_root(drive: Drive) -> None:
    """Nothing, said in one complete page."""
    page = await drive.page("", None)
    assert (page.items, page.cursor, page.complete) == ([], None, True)


async def test_an_empty_tree(drive: Drive) -> None:
    """The flat listing of an empty root is complete as well."""
    assert await everything(drive) == {}


async def test_a_files_facts(drive: Drive, reader: Drive) -> None:
    """Path, kind, size, time in microseconds and a revision: what planning rests on."""
    before = time.time()
    await put(drive, "a.bin", b"12345")
    [item] = (await listed(reader)).values()
    assert (item.path, item.kind, item.size) == ("a.bin", Kind.FILE, 5)
    assert isinstance(item.revision, str)
    assert item.revision
    assert isinstance(item.modified_us, int)
    assert abs(item.modified_us / 1e6 - before) < 120
    for algorithm, value in item.hashes.items():
        assert value == digests(b"12345")[algorithm]


async def test_listing_and_look_up_agree(drive: Drive, reader: Drive) -> None:
    """F30, F31: an item that was listed and one that was asked for compare equal in what they both say."""
    await put_all(drive, NESTED)
    for path, item in (await everything(reader)).items():
        if item.kind == Kind.FILE:
            direct = await reader.item(path)
            assert direct is not None
            assert (direct.path, direct.kind, direct.size) == (item.path, item.kind, item.size)
            assert direct.revision == item.revision


async def test_looking_up_what_is_not_there(drive: Drive) -> None:
    """None, and not an error: the question was answered."""
    await put(drive, "b/one.bin", b"1")
    for path in ("a.bin", "b/none.bin", "b/one.bin/below", "none/none.bin"):
        assert await drive.item(path) is None


async def test_looking_up_a_folder_gives_no_file(drive: Drive) -> None:
    """`item` is about files; a folder on the way or a folder's marker is none."""
    await put(drive, "b/one.bin", b"1")
    await drive.create_folder("empty")
    assert await drive.item("b") is None
    assert await drive.item("empty") is None


async def test_nested_folders(drive: Drive, reader: Drive) -> None:
    """Walking folder by folder finds every file, under its whole path."""
    await put_all(drive, NESTED)
    found = await walked(reader)
    assert files(found) == set(NESTED)
    assert {path: found[path].size for path in NESTED} == {path: len(body) for path, body in NESTED.items()}
    assert {path for path, item in found.items() if item.kind == Kind.FOLDER} == {
        "b", "b/c", "b/c/d", "b/c/d/e", "b/c/d/e/f", "z",
    }  # fmt: skip


async def test_a_folders_children_are_only_its_own(drive: Drive) -> None:
    """T29: one level, with whole paths, neither deeper nor beside."""
    await put_all(drive, NESTED)
    assert set(await listed(drive, "b")) == {"b/one.bin", "b/two.bin", "b/c"}
    assert set(await listed(drive, "b/c")) == {"b/c/deep.bin", "b/c/d"}


async def test_the_flat_listing_is_the_walk(drive: Drive, reader: Drive) -> None:
    """T29: both ways of listing find the same files with the same facts."""
    declared(isinstance(drive, ListsTree), "flat listing")
    await put_all(drive, NESTED)
    await drive.create_folder("empty/inner")
    flat, walk = await tree(reader), await walked(reader)
    assert files(flat) == files(walk)
    assert {path: flat[path].size for path in files(flat)} == {path: walk[path].size for path in files(walk)}
    assert {path: flat[path].revision for path in files(flat)} == {path: walk[path].revision for path in files(walk)}


async def test_folders_whose_names_begin_alike(drive: Drive, reader: Drive) -> None:
    """Children of "a" are not those of "ab" or "a.b": the separator belongs to the prefix that is asked for."""
    names = ["a/1", "ab/2", "a.b/3", "a-b/4", "a b/5", "a0/6", "a/b/7", "aa"]
    await put_all(drive, {name: name.encode() for name in names})
    assert set(await listed(reader, "a")) == {"a/1", "a/b"}
    assert set(await listed(reader, "ab")) == {"ab/2"}
    assert set(await listed(reader, "a.b")) == {"a.b/3"}
    assert files(await everything(reader)) == set(names)
    assert files(await walked(reader)) == set(names)


async def test_a_file_beside_a_folder_of_its_name(drive: Drive, reader: Drive) -> None:
    """Buckets hold "a" and "a/b" at once; neither hides the other."""
    declared(drive.traits.names.folder_beside_file, "file beside a folder of its name")
    await put_all(drive, {"a": b"file", "a/b": b"below"})
    found = await pages_of(reader, "")
    assert sorted((item.path, item.kind) for item in found) == [("a", Kind.FILE), ("a", Kind.FOLDER)]
    assert files(await tree(reader)) == {"a", "a/b"}
    item = await reader.item("a")
    assert item is not None
    assert item.size == 4


async def pages_of(drive: Drive, folder: str) -> list:
    """The items of a folder as they come, without the kit's check that paths differ."""
    return [item async for page in pages(drive, folder) for item in page.items]


async def test_a_neighbours_root_is_not_listed(place: Place, make_drive: Opens) -> None:
    """A root "x/team" never shows what lies in "x/team-2" or "x/team2"."""
    await make_drive(place.at(place.root + "2")).check(write=True, create=True)
    neighbour, drive = make_drive(place.at(place.root + "2")), make_drive(place)
    await put_all(neighbour, {"foreign.bin": b"f", "b/foreign.bin": b"f"})
    await put(drive, "own.bin", b"o")
    assert files(await everything(drive)) == {"own.bin"}
    assert set(await listed(drive)) == {"own.bin"}
    assert await drive.item("foreign.bin") is None


async def test_a_root_inside_a_root(place: Place, drive: Drive, make_drive: Opens) -> None:
    """The same files by two roots: paths are relative to each one's own."""
    await put_all(drive, NESTED)
    inner = make_drive(place.at(place.root + "/b"))
    assert files(await everything(inner)) == {"one.bin", "two.bin", "c/deep.bin", "c/d/e/f/deepest.bin"}
    assert set(await listed(inner, "c")) == {"c/deep.bin", "c/d"}


async def test_an_empty_folder_is_an_item(drive: Drive, reader: Drive) -> None:
    """Empty folders travel too: listed as folders, by both ways of listing, and marked as empty where it is known."""
    await drive.create_folder("empty")
    assert {path: item.kind for path, item in (await listed(reader)).items()} == {"empty": Kind.FOLDER}
    assert {path: item.kind for path, item in (await everything(reader)).items()} == {"empty": Kind.FOLDER}


async def test_an_empty_folder_has_no_children(drive: Drive, reader: Drive) -> None:
    """The marker of a folder is not a child of it, and an empty folder is there: it is not Gone."""
    await drive.create_folder("empty")
    assert await listed(reader, "empty") == {}


async def test_a_full_folder_is_never_called_empty(drive: Drive, reader: Drive) -> None:
    """`empty` is a statement; it must not be made of a folder that got a marker and then a file."""
    await drive.create_folder("full")
    await put(drive, "full/a.bin", b"a")
    assert not (await listed(reader))["full"].empty
    assert set(await listed(reader, "full")) == {"full/a.bin"}


async def test_creating_a_folder_twice_is_fine(drive: Drive, reader: Drive) -> None:
    """A repeated run asks again; what lies in it stays."""
    await drive.create_folder("b")
    await put(drive, "b/one.bin", b"1")
    await drive.create_folder("b")
    assert set(await listed(reader, "b")) == {"b/one.bin"}
    assert set(await listed(reader)) == {"b"}


async def test_creating_a_deep_folder_makes_those_above(drive: Drive, reader: Drive) -> None:
    """F34: one call is enough for the whole path."""
    await drive.create_folder("x/y/z")
    assert set(await walked(reader)) == {"x", "x/y", "x/y/z"}


async def test_a_deep_path(drive: Drive, reader: Drive) -> None:
    """Thirty levels are nothing special."""
    path = "/".join(f"level-{number}" for number in range(30)) + "/leaf.bin"
    await put(drive, path, b"leaf")
    assert files(await walked(reader)) == {path}
    assert files(await everything(reader)) == {path}


@pytest.mark.parametrize("folder", ["none", "none/deeper", "b/none", "b/one.bin"])
async def test_a_folder_that_is_not_there(drive: Drive, folder: str) -> None:
    """T34, T35: Gone, and never an empty page that would read as "all was removed"."""
    await put(drive, "b/one.bin", b"1")
    with pytest.raises(Gone):
        await listed(drive, folder)


async def test_an_overwrite_changes_the_revision(drive: Drive, reader: Drive) -> None:
    """Equal revisions mean equal content: size and second may be the same, the revision is not."""
    await put(drive, "a.bin", b"old")
    first = (await listed(reader))["a.bin"]
    await next_revision(drive)
    await put(drive, "a.bin", b"new")
    second = (await listed(reader))["a.bin"]
    assert second.revision != first.revision


async def test_a_revision_stays_while_nothing_is_written(drive: Drive, make_drive: Opens, place: Place) -> None:
    """T58: a second run must see that nothing changed."""
    await put_all(drive, NESTED)
    first, second = await everything(drive), await everything(make_drive(place))
    assert {path: item.revision for path, item in first.items()} == {
        path: item.revision for path, item in second.items()
    }


async def test_the_written_revision_is_the_listed_one(drive: Drive, reader: Drive) -> None:
    """The ledger keeps what the write said; the next listing must match it."""
    written = await put(drive, "a.bin", body_of(100))
    assert written.path == "a.bin"
    assert (await listed(reader))["a.bin"].revision == written.revision


async def test_a_crowded_folder(crowd: Crowd) -> None:
    """T37: more than a thousand entries in one folder, each exactly once."""
    assert set(await listed(crowd.drive, "crowd")) == crowd.children
    assert len(crowd.children) > 1000


async def test_a_folder_of_several_pages(crowd_in_pages: Crowd) -> None:
    """T26: the second and the third page are asked for and found, and only the last has no cursor."""
    found = [page async for page in pages(crowd_in_pages.drive, "crowd")]
    assert len(found) >= 3
    assert all(page.cursor for page in found[:-1])
    assert {item.path for page in found for item in page.items} == crowd_in_pages.children
    assert sum(len(page.items) for page in found) == len(crowd_in_pages.children)


async def test_a_tree_of_several_pages(crowd_in_pages: Crowd) -> None:
    """T26 for the flat listing."""
    declared(isinstance(crowd_in_pages.drive, ListsTree), "flat listing")
    assert isinstance(crowd_in_pages.drive, ListsTree)
    found = [page async for page in pages(crowd_in_pages.drive, None)]
    assert len(found) >= 3
    paths = [item.path for page in found for item in page.items if item.kind == Kind.FILE]
    assert len(paths) == len(set(paths))
    assert set(paths) == crowd_in_pages.files


async def test_a_listing_goes_on_in_another_process(crowd_in_pages: Crowd) -> None:
    """G12: the cursor alone is enough to go on after a restart."""
    first = await crowd_in_pages.drive.page("crowd", None)
    assert first.cursor is not None
    rest, cursor = set(), first.cursor
    while cursor is not None:
        page = await crowd_in_pages.fresh().page("crowd", cursor)
        rest |= {item.path for item in page.items}
        cursor = page.cursor
    assert rest | {item.path for item in first.items} == crowd_in_pages.children
    assert not rest & {item.path for item in first.items}


async def test_asking_a_page_again_gives_it_again(crowd_in_pages: Crowd) -> None:
    """A page that was read but not yet recorded is asked for again after a crash."""
    first = await crowd_in_pages.drive.page("crowd", None)
    second = await crowd_in_pages.drive.page("crowd", first.cursor)
    again = await crowd_in_pages.drive.page("crowd", first.cursor)
    assert {item.path for item in again.items} == {item.path for item in second.items}
