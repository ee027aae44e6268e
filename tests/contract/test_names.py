"""Names: what the rules of a drive leave unchanged is written, listed and read back under exactly that name (T41)."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haulage.model.errors import NameRefused
from haulage.model.naming import NameRules, fit, fold
from haulage.services.contract import Drive

from .conftest import Limit, NewRoot, Opens, declared, unkept
from .kit import Place, all_held, begin, body_of, everything, files, listed, put, put_all, read, read_path

LONG = "n" * 255

NAMES = {
    "a space": "a b.txt",
    "a leading space": " lead.txt",
    "a trailing space": "trail.txt ",
    "only a space": " ",
    "spaces": "a  b   c",
    "a leading dot": ".hidden",
    "a trailing dot": "trail.",
    "three dots": "...",
    "dots within": "a..b",
    "single quotes": "it's",
    "double quotes": 'say "a"',
    "backticks": "`a`",
    "a star": "*.txt",
    "a question mark": "what?.txt",
    "brackets": "[a-z]",
    "braces": "{a,b}",
    "a hash": "a#b",
    "a percent sign": "100%",
    "an encoded slash": "a%2Fb",
    "an encoded letter": "%41",
    "a plus": "a+b",
    "an ampersand": "a&b=c",
    "an entity": "a&amp;b",
    "markup": "<img onerror=x>",
    "a semicolon": "a;b",
    "a colon": "a:b",
    "a pipe": "a|b",
    "a tilde": "~a",
    "a dollar": "$HOME",
    "an exclamation mark": "!a",
    "a formula": "=cmd|' /C calc'!A0",
    "an at sign": "@a",
    "a comma": "a,b",
    "a caret": "a^b",
    "a minus first": "-rf",
    "a backslash": "bs\\a",
    "a newline": "new\nline",
    "a carriage return": "car\rriage",
    "a tab": "tab\there",
    "control characters": "bell\x07esc\x1bone\x01",
    "delete": "del\x7f",
    "C1 control": "c1\x85x",
    "line separator": "ls\u2028ps\u2029",
    "no-break space": "a\u00a0b",
    "zero width": "zero\u200bwidth\ufeff",
    "emoji": "🙂👩‍👩‍👧.txt",
    "beyond the BMP beside U+FB01": "\ufb01\U0001f600",
    "right to left": "\u05e9\u05dc\u05d5\u05dd.txt",
    "right-to-left override": "a\u202etxt.exe",
    "Arabic": "مرحبا",
    "Chinese": "文件.txt",
    "Thai": "ไทย",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "sharp s": "straße",
    "dotted I": "İi",
    "private use": "\ue000",
    "noncharacter": "\ufdd0",
    "255 bytes": LONG,
    "255 bytes of two-byte letters": "ö" * 127,
    "a Windows device": "CON",
    "a Windows device with extension": "aux.txt",
    "a folder with a trailing dot": "dir./a",
    "a folder with a trailing space": "dir /a",
    "a folder with a newline": "new\nline/a",
    "an awkward folder": "a b/%41/#?&+/[x]",
    "a deep path": "/".join(["d"] * 60),
    "an empty part": "a//b",
    "an empty first part": "/lead",
    "two empty first parts": "//lead",
    "a dot first": "./x",
    "two dots first": "../x",
    "dots in the middle": "a/../b",
    "a dot in the middle": "a/./b",
    "a trailing slash, with bytes": "dir/",
    "the suffix of a marker": "a_$folder$",
    "like a temporary file": ".haulage-a",
    "like a query": "a?uploads&x=1",
    "like a version": "a?versionId=1",
}

GROUPS = {
    "NFC beside NFD": ["caf\u00e9", "cafe\u0301"],
    "upper beside lower": ["Readme.txt", "README.TXT", "readme.txt"],
    "a beside a/b": ["a", "a/b"],
    "a beside a/b beside a.b": ["a", "a/b", "a.b", "a-b", "a b", "a0", "a!b"],
    "empty parts beside whole": ["a/b", "a//b", "/a/b", "//a/b"],
    "with and without a trailing dot": ["x", "x.", "x .", "x "],
    "encoded beside plain": ["a b", "a%20b", "a+b", "a%2520b"],
    "numbers": ["1", "10", "2", "01", "1.0"],
    "like its own escapes": ["a_b", "a?b", "a*b", "a:b"],
}


def kept(path: str, rules: NameRules) -> bool:
    """Whether the rules take the name as it is."""
    try:
        return fit(path, rules).path == path
    except NameRefused:
        return False


def fits_together(paths: list[str], rules: NameRules) -> bool:
    """Whether the rules take all of them beside each other."""
    folded = [fold(path, rules) for path in paths]
    if len(set(folded)) < len(folded) or not all(kept(path, rules) for path in paths):
        return False
    return rules.folder_beside_file or not any(
        other.startswith(path + "/") for path, other in itertools.permutations(folded, 2)
    )


def reach(place: Place, paths: list[str]) -> None:
    """Skip where the server (not the service) cannot keep one of the names."""
    for path in paths:
        reason = unkept(place.server, path)
        if reason is not None:
            pytest.skip(f"{place.server}: {reason}")


@pytest.mark.parametrize("path", NAMES.values(), ids=NAMES)
async def test_a_name_is_kept(place: Place, drive: Drive, reader: Drive, path: str) -> None:
    """T41: written, listed, looked up and read under exactly this name; nothing else appears."""
    declared(kept(path, drive.traits.names), "such name (the rules change it)")
    reach(place, [path])
    body = path.encode() + b" is my name"
    written = await put(drive, path, body)
    assert written.path == path
    found = await everything(reader)
    assert files(found) == {path}
    assert await read(reader, found[path]) == body
    assert await read_path(reader, path) == body


@pytest.mark.parametrize("paths", GROUPS.values(), ids=GROUPS)
async def test_names_stand_side_by_side(place: Place, drive: Drive, reader: Drive, paths: list[str]) -> None:
    """T42: names that some systems fold into one are two files here, each with its own bytes.

    Or the drive finds out that they are one, before anything is written.
    """
    await drive.check(write=True, create=False)
    declared(fits_together(paths, drive.traits.names), "such names beside each other (the rules change one)")
    reach(place, paths)
    for path in paths:  # one after the other: SeaweedFS loses "a" when "a/b" is made at the same moment
        await put(drive, path, path.encode())
    found = await everything(reader)
    assert files(found) == set(paths)
    assert {path: await read(reader, found[path]) for path in paths} == {path: path.encode() for path in paths}


async def test_a_name_that_a_move_would_lose(drive: Drive, reader: Drive) -> None:
    """T41: what the drive finds out about the server before it writes makes such a name another one, or keeps it."""
    await drive.check(write=True, create=False)
    for path in ("what?.txt", "a;b", "a#b", "tab\there"):
        try:
            fitted = fit(path, drive.traits.names).path
        except NameRefused:
            continue
        await put(drive, fitted, path.encode())
        assert await read_path(reader, fitted) == path.encode()


@pytest.mark.parametrize("folder", [" a b ", "%41", "a+b", "a&b", "#", "?", "new\nline", "ö/文件", "cafe\u0301", "a."])
async def test_awkward_folders(place: Place, drive: Drive, reader: Drive, folder: str) -> None:
    """T41: a folder's name goes into questions too (prefix, path): its children are found by it."""
    declared(kept(folder, drive.traits.names), "such name (the rules change it)")
    reach(place, [folder])
    await put(drive, f"{folder}/a.bin", b"a")
    await drive.create_folder(f"{folder}/empty")
    assert set(await listed(reader, folder)) == {f"{folder}/a.bin", f"{folder}/empty"}
    assert await listed(reader, f"{folder}/empty") == {}


IN_PARTS = ["a b+c%.bin", "ü/文.bin", "new\nline.bin", " lead", "q?x#y&z.bin", "a//b.bin", "/lead"]


@pytest.mark.parametrize("path", IN_PARTS)
async def test_awkward_names_in_parts(place: Place, drive: Drive, reader: Drive, path: str, limit: Limit) -> None:
    """T41: every call of an upload in parts carries the name."""
    limit("tells what an upload holds")
    declared(kept(path, drive.traits.names), "such name (the rules change it)")
    reach(place, [path])
    body = body_of(place.least_part_bytes + 10)
    upload = await begin(drive, path, body, place.least_part_bytes)
    await upload.send_all()
    assert await all_held(upload)
    written = await upload.finish()
    assert written.path == path
    assert files(await everything(reader)) == {path}
    assert await read_path(reader, path) == body


async def test_awkward_names_at_the_top_of_the_root(new_root: NewRoot, make_drive: Opens, place: Place) -> None:
    """T41: without a prefix before them, keys begin with a space, a slash or a dot themselves."""
    where = new_root()
    await make_drive(where).check(write=True, create=True)
    drive, reader = make_drive(where), make_drive(where)
    wanted = [" lead", "/lead", "//lead", ".hidden", "%41", "?", "#", "+", "&", "-", "~", "ö", "🙂", "a//b"]
    paths = [path for path in wanted if kept(path, drive.traits.names) and not unkept(place.server, path)]
    for path in paths:  # one after the other: SeaweedFS loses "a" when "a/b" is made at the same moment
        await put(drive, path, path.encode())
    found = await everything(reader)
    assert files(found) == set(paths)
    for path in paths:
        assert await read(reader, found[path]) == path.encode()


@pytest.mark.parametrize("path", ["../out", "a/../../out", "..", "/etc/out", "a/../../../out"])
async def test_the_root_is_never_left(place: Place, drive: Drive, make_drive: Opens, path: str) -> None:
    """F61: such a name is stored below the root under exactly that name, or refused; nothing appears outside."""
    outside = make_drive(place.at(place.root.rpartition("/")[0]))
    case = place.root.rpartition("/")[2]
    await put(drive, "inside.bin", b"i")
    before = set(await listed(outside))
    if kept(path, drive.traits.names):
        reach(place, [path])
        await put(drive, path, b"x")
        expected = {"inside.bin", path}
    else:
        with pytest.raises(NameRefused):
            await put(drive, path, b"x")
        expected = {"inside.bin"}
    assert files(await everything(drive)) == expected
    assert set(await listed(outside)) == before
    assert case in before


PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=30)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(paths=st.lists(PATHS, min_size=1, max_size=12, unique=True))
async def test_any_name_is_kept(bench: Place, make_drive: Opens, paths: list[str]) -> None:
    """T41: any text, several at a time; those that the rules leave unchanged come back as they are."""
    where = bench.at(f"{bench.root}/{next(_examples):05d}")
    drive = make_drive(where)
    await drive.check(write=True, create=True)
    chosen: list[str] = []
    for path in paths:
        if unkept(bench.server, path) is None and fits_together([*chosen, path], drive.traits.names):
            chosen.append(path)
    await put_all(drive, {path: path.encode() for path in chosen})
    reader = make_drive(where)
    found = await everything(reader)
    assert files(found) == set(chosen)
    for path in chosen:
        assert await read(reader, found[path]) == path.encode()


_examples = itertools.count()
