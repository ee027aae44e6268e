"""Names: fitted visibly, the same each time, never out of the root (T41, T42, S22)."""

import random
import re
import unicodedata

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from haulage.model.errors import NameRefused
from haulage.model.naming import Fitted, NameRules, fit, fold, with_suffix

LINUX = NameRules(forbidden="\0", longest_part=255, longest_path=4095)
DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in range(10))})
STRICT = NameRules(
    forbidden='"*:<>?/\\|' + "".join(map(chr, range(32))),
    reserved=DEVICES | {"desktop.ini", ".lock"},
    no_leading=" ~",
    no_trailing=" .",
    longest_part=255,
    longest_path=400,
    unit="utf16",
    case_sensitive=False,
    unicode_form="NFC",
    no_beginnings=("~$",),
    no_endings=(".files", "_files"),
    no_insides=("_vti_",),
    no_folder_beginnings=("~",),
    reserved_first=frozenset({"forms"}),
)
BUCKET = NameRules(longest_path=1024, empty_parts=True, dot_parts=True, folder_beside_file=True)
ALL_RULES = [LINUX, STRICT, BUCKET]

any_text = st.text(st.characters(), max_size=30)  # all of Unicode, lone surrogates included
nasty_texts = st.sampled_from(
    ["_vti_", "_VTI_", "~$", ".Files", "_files", "İ", "~a.x", "AT12", ".b1", "🙂", "%2e", "nul", "a", "/"]
)
nasty = st.lists(nasty_texts, max_size=8).map("".join) | st.text(
    st.sampled_from("/\\.. ~:*?\0_-aAß\ud800\udce9é́．％%2e"), max_size=20
)
paths = st.one_of(any_text, nasty, st.lists(st.one_of(any_text, nasty), max_size=5).map("/".join))
rules_of_any_kind = st.builds(
    NameRules,
    forbidden=st.text(st.sampled_from('\0":*?<>|\\#%. ]^[a'), max_size=8),
    reserved=st.frozensets(st.sampled_from(["con", "_con", "nul", "a", "desktop.ini", "_"]), max_size=4),
    no_leading=st.text(st.sampled_from(" ~.]"), max_size=3),
    no_trailing=st.text(st.sampled_from(" .]^"), max_size=3),
    no_beginnings=st.sampled_from([(), ("~$",), ("a", "_a")]),
    no_endings=st.sampled_from([(), (".files",), ("%2", "é")]),
    no_insides=st.sampled_from([(), ("_vti_",), ("%2e", "nul")]),
    refused=st.sampled_from([(), (r"~.*\.x", "at[0-9]{2}"), (r".*\.b[0-9]",)]),
    basic_plane=st.booleans(),
    no_folder_beginnings=st.sampled_from([(), ("~",)]),
    reserved_first=st.frozensets(st.sampled_from(["a", "_a", "nul"]), max_size=2),
    unit=st.sampled_from(["bytes", "chars", "utf16"]),
    case_sensitive=st.booleans(),
    unicode_form=st.sampled_from([None, "NFC"]),
    empty_parts=st.booleans(),
    dot_parts=st.booleans(),
)


def breaks(path: str, rules: NameRules) -> list[str]:
    """What is wrong with a path, told by the plainest reading of the rules."""
    wrong = []
    parts = path.split("/") if path else []
    wrong += ["reserved first"] * (path.split("/")[0].lower() in rules.reserved_first)
    wrong += ["folder"] * any(part.lower().startswith(rules.no_folder_beginnings) for part in parts[:-1])
    for part in parts:
        wrong += [
            f"{c!r} is forbidden" for c in part if c in rules.forbidden or c == "\0" or 0xD800 <= ord(c) <= 0xDFFF
        ]
        wrong += ["empty"] * (not part and not rules.empty_parts)
        wrong += ["dots"] * (part in (".", "..") and not rules.dot_parts)
        wrong += ["leading"] * (part[:1] != "" and part[0] in rules.no_leading)
        wrong += ["trailing"] * (part[-1:] != "" and part[-1] in rules.no_trailing)
        wrong += ["reserved"] * (part.lower() in rules.reserved)
        wrong += ["beginning"] * part.lower().startswith(rules.no_beginnings)
        wrong += ["ending"] * part.lower().endswith(rules.no_endings)
        wrong += ["pattern"] * any(re.fullmatch(one, part.lower()) is not None for one in rules.refused)
        wrong += ["beyond U+FFFF"] * (rules.basic_plane and any(ord(c) > 0xFFFF for c in part))
        form = rules.unicode_form
        wrong += ["Unicode form"] * (form is not None and not unicodedata.is_normalized(form, part))
        wrong += ["inside"] * any(text in part.lower() for text in rules.no_insides)
    return wrong


@pytest.mark.parametrize(
    ("path", "fitted"),
    [
        ("a:b/c*d", "a_b/c_d"),
        ("..", "_._"),
        ("a/./b", "a/__/b"),
        ("CON/x", "_CON/x"),
        ("desktop.ini", "_desktop.ini"),
        (" a", "_a"),
        ("a.", "a_"),
        ("a..", "a._"),
        ("~$lock.docx", "_$lock.docx"),
        ("/lead", "_/lead"),
        ("a//b", "a/_/b"),
        ("a/", "a/_"),
        (".", "__"),
        ("nul\0", "nul_"),
        ("console/a b.txt", "console/a b.txt"),
        ("Forms/a", "_Forms/a"),
        ("a/forms", "a/forms"),
        ("", ""),
    ],
)
def test_the_rule(path: str, fitted: str) -> None:
    """The documented rule, case by case."""
    assert fit(path, STRICT).path == fitted


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("~plan.xlsx", "_~plan.xlsx"),
        ("~plan.txt", "~plan.txt"),
        ("ATMP1234", "_ATMP1234"),
        ("a.sas.b01", "a.sas.b01_"),
        ("sun \U0001f31e.txt", "sun _.txt"),
        ("\uffee", "\uffee"),
    ],
)
def test_patterns_and_characters_beyond_the_basic_plane(name: str, fitted: str) -> None:
    """A mark before the name, or behind it where that is not enough; told in words."""
    rules = NameRules(refused=(r"~.*\.xlsx", "atmp[0-9]{4}", r".*\.sas\.b[0-9]{2}"), basic_plane=True)
    found = fit(f"a/{name}", rules)
    assert found.path == f"a/{fitted}"
    assert bool(found.changes) == (name != fitted)


FOLDERS = NameRules(no_folder_beginnings=("~",), reserved_first=frozenset({"_~"}))


@pytest.mark.parametrize(
    ("path", "folder", "fitted"),
    [("~", False, "~"), ("~a", True, "_~a"), ("~/~a", False, "__~/~a"), ("b/~/~", True, "b/_~/_~")],
)
def test_names_that_only_folders_may_not_have(path: str, folder: bool, fitted: str) -> None:
    """A file may; what has something in it is a folder, whatever it is told as."""
    assert fit(path, FOLDERS, folder=folder).path == fitted
    assert fit(fitted, FOLDERS, folder=folder).path == fitted


def test_dots_stay_readable_where_a_dot_may_end_a_name() -> None:
    """ "." and ".." are marked in front, nothing is lost."""
    assert fit("../a/./b", LINUX).path == "_../a/_./b"


def test_changes_are_told_in_words() -> None:
    """One sentence for each kind of change, and none where nothing was changed."""
    assert fit("a:b:c/NUL", STRICT).changes == (
        "the character ':' is not allowed, replaced by '_'",
        "the name 'NUL' is reserved, written '_NUL'",
    )
    assert fit("a-b/c", STRICT) == Fitted("a-b/c", ())


def test_a_bucket_takes_nearly_everything() -> None:
    """Keys are literal: empty and dotted parts stay as they are."""
    for path in ("a//b", "/lead", "../x", "a/./b", " a ", "CON", "a:b*?", "tail/"):
        assert fit(path, BUCKET) == Fitted(path)


def test_another_mark_where_the_underscore_is_forbidden() -> None:
    """The mark itself is always allowed."""
    assert fit("a:b_c", NameRules(forbidden=":_")).path == "a-b-c"


@given(paths, st.one_of(st.sampled_from(ALL_RULES), rules_of_any_kind))
def test_fitting_keeps_every_rule(path: str, rules: NameRules) -> None:
    """T41: over all of Unicode; fitted twice is fitted once; "changed" is told just when something changed."""
    try:
        fitted = fit(path, rules)
    except NameRefused:
        assume(False)
    assert breaks(fitted.path, rules) == []
    assert fit(fitted.path, rules) == Fitted(fitted.path, ())
    assert bool(fitted.changes) == (fitted.path != path) == bool(breaks(path, rules))
    assert fitted.path.count("/") == path.count("/")


@given(paths)
def test_nothing_fitted_for_a_folder_leaves_it(path: str) -> None:
    """S22: no empty, dotted or absolute part, no NUL, and it can be written as UTF-8."""
    try:
        parts = fit(path, LINUX).path.split("/")
    except NameRefused:
        assume(False)
    assert path == "" or not {"", ".", ".."} & set(parts)
    assert "\0" not in "".join(parts)
    "".join(parts).encode()


@pytest.mark.parametrize(
    ("path", "rules", "said"),
    [
        ("é" * 128, LINUX, "the name is 256 bytes of UTF-8 long; the limit is 255 bytes of UTF-8"),
        ("d/" + "a" * 256, LINUX, "the name is 256 bytes of UTF-8 long; the limit is 255"),
        ("a/" * 2047 + "aa", LINUX, "the path is 4096 bytes of UTF-8 long; the limit is 4095"),
        ("😀" * 128, STRICT, "the name is 256 UTF-16 units long; the limit is 255 UTF-16 units"),
        ("a" * 6, NameRules(longest_part=5, unit="chars"), "the name is 6 characters long; the limit is 5 characters"),
        ("a/b/c", NameRules(most_parts=2), "the path has 3 parts; at most 2 are taken"),
    ],
)
def test_too_long_is_refused_with_figures(path: str, rules: NameRules, said: str) -> None:
    """Nothing is shortened in silence: the length, the limit and the unit are told."""
    with pytest.raises(NameRefused, match=re.escape(said)):
        fit(path, rules)


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("é" * 127 + "a", LINUX),
        ("a/" * 2047 + "a", LINUX),
        ("😀" * 127 + "a", STRICT),
        ("a/b", NameRules(most_parts=2)),
    ],
)
def test_just_long_enough_is_taken(path: str, rules: NameRules) -> None:
    """The limit itself is allowed."""
    assert fit(path, rules).path == path


def test_a_refusal_stays_short() -> None:
    """A hostile name of a megabyte does not fill the log."""
    with pytest.raises(NameRefused) as caught:
        fit("a" * 1_000_000, LINUX)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Report.TXT", "report.txt", True),
        ("Caf\u00e9", "Cafe\u0301", True),
        ("STRASSE", "straße", True),
        ("\u212bngstrom", "ångstrom", True),
        ("a", "b", False),
        ("a ", "a", False),
        ("ａ", "a", False),
    ],
)
def test_folding(one: str, other: str, same: bool) -> None:
    """Case and form are folded where the destination folds them, and nothing else is."""
    assert (fold(one, STRICT) == fold(other, STRICT)) is same
    assert fold(one, BUCKET) == one
    assert fold("Caf\u00e9", NameRules(unicode_form="NFC")) == fold("Cafe\u0301", NameRules(unicode_form="NFC"))
    assert fold("A", NameRules(unicode_form="NFC")) == "A"


@given(any_text)
def test_folding_ignores_case_and_form_and_is_stable(name: str) -> None:
    """Every spelling of a name has one key, and the key is its own key."""
    key = fold(name, STRICT)
    assert fold(key, STRICT) == key
    assert fold(unicodedata.normalize("NFD", name), STRICT) == key
    assert fold(name.casefold(), STRICT) == key


@pytest.mark.parametrize(
    ("path", "numbered"),
    [
        ("a/b.txt", "a/b (2).txt"),
        ("a.b/c", "a.b/c (2)"),
        ("backup.tar.gz", "backup (2).tar.gz"),
        (".bashrc", ".bashrc (2)"),
        ("v1.2 final", "v1.2 final (2)"),
        ("tail.", "tail. (2)"),
        ("a" * 255, "a" * 251 + " (2)"),
        ("a" * 251 + ".txt", "a" * 247 + " (2).txt"),
        ("é" * 125 + ".txt", "é" * 123 + " (2).txt"),
    ],
)
def test_numbering(path: str, numbered: str) -> None:
    """The number stands before the extension; a full name gives way at the end of its stem."""
    assert with_suffix(path, 2, LINUX) == numbered


def test_numbering_where_spaces_or_brackets_are_not_taken() -> None:
    """The plainer ways to write a number."""
    assert with_suffix("a.txt", 3, NameRules(forbidden="()")) == "a_3.txt"
    assert with_suffix("a", 3, NameRules(no_trailing=")")) == "a_3"
    assert with_suffix("a", 3, NameRules(forbidden="_ ")) == "a-3"


def test_trimming_does_not_part_a_letter_from_its_accent() -> None:
    """A stem is cut before a letter, not between it and its combining marks."""
    assert with_suffix("abcde\u0301f", 2, NameRules(longest_part=8, unit="chars")) == "abcd (2)"


def test_no_room_for_a_number() -> None:
    """Refused, and no endless search."""
    with pytest.raises(NameRefused, match="no room"):
        with_suffix("a/bcd", 1000, NameRules(longest_part=4))
    with pytest.raises(NameRefused, match="no room"):
        with_suffix("a/" * 511 + "b", 2, BUCKET)


@given(paths, st.integers(2, 10_000), st.sampled_from(ALL_RULES))
def test_a_numbered_name_is_fitted_and_another_one(path: str, number: int, rules: NameRules) -> None:
    """It keeps the rules and its folder, and differs from the name and from other numbers."""
    try:
        fitted = fit(path, rules).path
        numbered = with_suffix(fitted, number, rules)
    except NameRefused:
        assume(False)
    assert fit(numbered, rules) == Fitted(numbered)
    assert numbered.rpartition("/")[0] == fitted.rpartition("/")[0]
    assert len({fold(name, rules) for name in (fitted, numbered, with_suffix(fitted, number + 1, rules))}) == 3


def colliding_pairs(count: int) -> list[tuple[str, str]]:
    """Pairs that are one name after NFC/NFD, case fold, trailing dot or space, or a replaced character."""
    draw = random.Random(42)
    letters = "abcXYZéåñüßİıσςΩ漢語가각ﬁ"
    changes = [
        lambda name: unicodedata.normalize("NFD", name + "é"),
        str.swapcase,
        str.casefold,
        lambda name: name + ".",
        lambda name: name + " ",
        lambda name: name.replace("_", ":"),
        lambda name: name.replace("_", "?"),
        lambda name: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
    ]
    pairs = []
    while len(pairs) < count:
        name = "".join(draw.choices(letters, k=draw.randint(1, 12))) + "_"
        change = changes[len(pairs) % len(changes)]
        pair = (unicodedata.normalize("NFC", name + "é" * (change is changes[0])), change(name))
        if pair[0] != pair[1]:
            pairs.append(pair)
    return pairs


@pytest.mark.parametrize(
    "rules", [LINUX, STRICT, BUCKET, NameRules(case_sensitive=False), NameRules(unicode_form="NFC")]
)
def test_500_colliding_pairs_all_arrive(rules: NameRules) -> None:
    """T42: as the planner does it, both get names of their own, and doing it again gives the same names."""

    def planned() -> dict[str, str]:
        taken: dict[str, str] = {}
        names = {}
        for number, pair in enumerate(colliding_pairs(500)):
            for name in pair:
                fitted = fit(f"{number}/{name}", rules).path
                chosen, suffix = fitted, 2
                while fold(chosen, rules) in taken:
                    chosen, suffix = with_suffix(fitted, suffix, rules), suffix + 1
                taken[fold(chosen, rules)] = chosen
                names[f"{number}/{name}"] = chosen
        return names

    names = planned()
    assert len(names) == 1000
    assert len({fold(chosen, rules) for chosen in names.values()}) == 1000
    assert planned() == names
    assert rules in (LINUX, BUCKET) or any(" (2)" in chosen for chosen in names.values())


def test_rules_are_told_apart_when_their_memory_is_reused() -> None:
    """The compiled rules are found by the object's identity: a dead one's must not serve another."""
    for number in range(1000):
        character = chr(ord("b") + number % 20)
        assert fit("a" + character, NameRules(forbidden=character)).path == "a_"


def test_equal_rules_need_not_be_one_object() -> None:
    """Rules read from the ledger work as those of the service."""
    again = msgspec.json.decode(msgspec.json.encode(STRICT), type=NameRules)
    assert again is not STRICT
    assert fit("a:b. ", again) == fit("a:b. ", STRICT)
