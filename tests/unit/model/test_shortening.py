"""Names that are offered where no fixed rule makes one that the destination takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.model import naming
from haulage.model.naming import NameRules
from haulage.model.shortening import offered
from haulage.services.box.traits import TRAITS as BOX
from haulage.services.microsoft.traits import BUSINESS_NAMES, PERSONAL_NAMES

LONG = NameRules(longest_part=30, longest_path=80, unit="bytes")


def test_too_long_names_are_cut_and_told_apart() -> None:
    """The extension stays; two names that begin alike stay two, and each is the same every time."""
    first, second = (offered(f"a/{'x' * 40}{n}.docx", LONG) for n in (1, 2))
    assert first is not None and second is not None and first != second
    assert first.startswith("a/xxxxxxxxxxxxxxxxxx-") and first.endswith(".docx") and len(first) == 32
    assert first == offered(f"a/{'x' * 40}1.docx", LONG)


def test_folders_are_cut_only_where_names_alone_make_no_room() -> None:
    """And then what lies in one folder stays in one."""
    short = offered("b" * 28 + "/" + "c" * 20 + "/" + "d" * 30, LONG)
    assert short is not None and short.startswith("b" * 28 + "/" + "c" * 20 + "/ddd") and len(short) == 80
    deep = "/".join(f"{'folder' * 4}{n}" for n in range(3))
    files = [offered(f"{deep}/{name}", LONG) for name in ("a" * 12 + ".txt", "b" * 30 + ".txt")]
    parents = {one.rpartition("/")[0] for one in files if one is not None}
    assert len(files) == 2 and len(parents) == 1
    assert offered(deep, NameRules(longest_path=76), folder=True) is not None
    assert offered("/".join(["folder"] * 40) + "/a.txt", LONG) is None


def test_too_deep_is_not_offered() -> None:
    """What lies in what is no name: nothing is moved."""
    assert offered("a/b/c", NameRules(most_parts=2)) is None


def test_what_a_service_refuses_is_offered_more_cautiously_each_time() -> None:
    """Characters, then length, then ASCII alone; then no more."""
    rules = NameRules()
    path = "Ärger: " + "é" * 40 + ".txt"
    seen, refused = [], path
    while (name := offered(path, rules, refused=refused)) is not None:
        seen.append(name)
        refused = name
    assert [":" in one for one in seen] == [False] * 3
    assert len(seen[0]) == len(path) and len(seen[1].encode()) <= 60 and seen[2].isascii()
    assert offered("plain.txt", rules, refused="plain.txt") is None


_SHORT = st.text(min_size=1, max_size=12).map(lambda text: text.replace("/", "_"))
_PARTS = st.builds(lambda text, times: text * times, _SHORT, st.integers(1, 30))


@given(st.lists(_PARTS, min_size=1, max_size=6).map("/".join), st.booleans(), st.booleans())
@pytest.mark.parametrize("rules", [PERSONAL_NAMES, BUSINESS_NAMES, BOX.names, LONG])
def test_offers_are_taken(rules: NameRules, path: str, folder: bool, refused: bool) -> None:
    """Whatever is offered is what the rules take as it is, below the same root, as deep as before."""
    try:
        at_first = naming.fit(path, rules, folder=folder).path
    except naming.NameRefused:
        at_first = None
    name = offered(path, rules, folder=folder, refused=at_first if refused else None)
    if name is not None:
        assert naming.fit(name, rules, folder=folder).path == name
        assert name.count("/") == path.count("/") and name != (at_first if refused else None)
