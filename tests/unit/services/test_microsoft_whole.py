"""A whole drive by delta: paths from parents' ids, whatever order and whatever comes twice."""

from typing import Any

import msgspec

from haulage.model.item import Item, Page
from haulage.services.microsoft.whole import Enumeration, Nodes, tells_revisions

ROOT = {"id": "R", "name": "root", "root": {}, "folder": {}}


def folder(name: str, above: str, **more: Any) -> dict[str, Any]:
    """A folder; its id is its name, in capitals."""
    return {"id": name.upper(), "name": name, "parentReference": {"id": above}, "folder": {"childCount": 1}, **more}


def file(name: str, above: str, **more: Any) -> dict[str, Any]:
    """A file of one byte."""
    return {"id": name, "name": name, "parentReference": {"id": above}, "file": {}, "size": 1, "cTag": "c", **more}


def page(*nodes: dict[str, Any], last: bool = True) -> Nodes:
    """As the service tells it."""
    link = {} if last else {"@odata.nextLink": "https://next"}
    return msgspec.convert({"value": list(nodes), **link}, Nodes)


def paths(pages: list[Page]) -> list[str]:
    """What was listed, in order."""
    return [item.path for one in pages for item in one.items]


def listed(*pages: Nodes) -> list[Page]:
    """All pages of one enumeration."""
    enumeration = Enumeration()
    return [enumeration.page(one) for one in pages]


def test_paths_are_those_of_the_parents() -> None:
    """Over pages, the root and its name left out."""
    told = listed(page(ROOT, folder("a", "R"), last=False), page(folder("b", "A"), file("f", "B"), file("g", "R")))
    assert paths(told) == ["a", "a/b", "a/b/f", "g"]
    assert [one.complete for one in told] == [True, True]


def test_children_before_their_parents() -> None:
    """They wait, in whatever depth; what never finds its place makes the listing incomplete."""
    told = listed(page(file("f", "B"), folder("b", "A"), last=False), page(folder("a", "R"), ROOT))
    assert sorted(paths(told)) == ["a", "a/b", "a/b/f"]
    assert told[-1].complete
    lost = listed(page(ROOT, file("f", "B"), file("g", "R")))
    assert paths(lost) == ["g"]
    assert not lost[0].complete and "1 items" in str(lost[0].why_incomplete)


def test_a_page_that_comes_twice() -> None:
    """Folders are told once; files are folded where they are merged."""
    twice = page(ROOT, folder("a", "R"), last=False), page(ROOT, folder("a", "R"), file("f", "A"))
    assert paths(listed(*twice)) == ["a", "a/f"]


def test_a_folder_that_is_moved_meanwhile_is_listed_by_itself() -> None:
    """With what was told below its old place, and what comes after it at the new one."""
    told = listed(
        page(ROOT, folder("a", "R"), folder("b", "R"), file("f", "B"), last=False),
        page(folder("b", "A"), file("g", "B")),
    )
    assert paths(told) == ["a", "b", "b/f", "a/b", "a/b/g"]
    assert told[1].again == ("a/b",)


def test_packages_shortcuts_and_what_was_deleted() -> None:
    """A notebook is told as one, and nothing in it; what is gone is not told."""
    notes = {"id": "N", "name": "notes", "parentReference": {"id": "R"}, "package": {"type": "oneNote"}}
    short = {"id": "S", "name": "short", "parentReference": {"id": "R"}, "remoteItem": {"id": "x"}}
    inside = [folder("in", "N"), file("page", "IN")]
    told = listed(page(ROOT, notes, *inside, short, {"id": "gone", "deleted": {}, "parentReference": {"id": "R"}}))
    assert paths(told) == ["notes", "short"]
    assert paths(listed(page(*inside, ROOT, notes))) == ["notes"]


def test_files_without_the_tag_of_their_content() -> None:
    """They have no revision to go by: not at all by this way, or their folder by itself."""
    untagged = file("f", "A", cTag=None, eTag="e")
    assert not tells_revisions(page(ROOT, folder("a", "R"), untagged).value)
    assert tells_revisions(page(ROOT, folder("a", "R"), file("f", "A"), {"id": "x", "deleted": {}, "file": {}}).value)
    told = listed(page(ROOT, folder("a", "R"), untagged))
    assert (paths(told), told[0].again) == (["a"], ("a",))


def test_items_are_those_of_the_other_listing() -> None:
    """The same facts."""
    (item,) = listed(page(ROOT, file("f", "R", lastModifiedDateTime="2020-01-01T00:00:00Z")))[0].items
    assert isinstance(item, Item)
    assert (item.size, item.revision, item.id, item.modified_us) == (1, "c", "f", 1577836800000000)
