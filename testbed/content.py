"""Trees of files to move: the running Python's own library, and made ones that are the same for the same seed.

A tree is plain data; `fill_folder` and those in testbed.stores put it somewhere, `read_folder` and the like say what is
there: path -> SHA-256. So `read_folder(there) == tree.digests()` is the proof of a migration.
"""

import hashlib
import os
import random
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Holder = Literal["local", "seaweed", "moto", "azurite"]

EVERYWHERE = (
    *("plain.txt", "no extension", ".hidden", "-dash", "~tilde~", "UPPER.TXT", "upper.txt", "dots..in...it"),
    *("per%cent", "per%2Fcent", "%", "plus+plus", "and&and", "que?stion", "ha#sh", "semi;colon", "co:lon", "comma,"),
    *("quote'single", 'quote"double', "st*r", "[brackets]", "{braces}", "pi|pe", "<angle>", "equals=", "@at"),
    *("=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>", "CON", "nul.txt", "a b  c", "back`tick", "!bang", "^caret"),
    *("Übergröße.txt", "caf\u00e9-nfc", "cafe\u0301-nfd", "Ελληνικά", "Русский", "עברית", "العربية", "हिन्दी", "ไทย"),
    *("日本語.txt", "中文", "한국어", "\U0001f980\U0001f468\u200d\U0001f469.png", "\ufb01gure", "\u202egnp.exe", "İi"),
    "l" * 200 + ".txt",
)
"""Last parts of paths that every holder keeps."""

AT_THE_EDGE = ("trailing ", "trailing.", " leading", "tab\t", "carriage\rreturn", "\x7fdelete", "é" * 127)
BESIDES: dict[Holder, tuple[str, ...]] = {
    "local": (*AT_THE_EDGE, "back\\slash", "new\nline", "\x01control"),
    "seaweed": (*AT_THE_EDGE, "new\nline", "\x01control"),
    "moto": (*AT_THE_EDGE, "back\\slash", "\x01control", "/leads", "double//slash", "dots/./dot", "dots/../dot"),
    "azurite": (*AT_THE_EDGE, "new\nline", "/leads", "double//slash", "dots/./dot", "dots/../dot"),
}
"""Those that each holder keeps besides, found by trying."""


@dataclass(frozen=True)
class Entry:
    """A file: its path, how many bytes, when it was modified (microseconds, UTC), and its bytes when asked."""

    path: str
    size: int
    modified_us: int
    body: Callable[[], bytes] = field(repr=False, compare=False)


@dataclass
class Tree:
    """Files, and folders that are empty."""

    files: list[Entry]
    empty_folders: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    def digests(self) -> dict[str, str]:
        """Path -> SHA-256."""
        return {entry.path: hashlib.sha256(entry.body()).hexdigest() for entry in self.files}

    def __add__(self, other: "Tree") -> "Tree":
        return Tree(self.files + other.files, self.empty_folders + other.empty_folders)


def python_files(limit: int | None = None, *, below: str = "python", largest: int = 1024 * 1024) -> Tree:
    """Real files: the running Python's library, then the packages installed in it; several thousand, in some folders.

    The order is always the same, so a smaller limit gives the beginning of the same tree. Files over `largest` are
    left out.
    """
    files: list[Entry] = []
    for part in ("stdlib", "purelib"):
        root = Path(sysconfig.get_path(part))
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(set(folders) - {"site-packages", "dist-packages", "__pycache__"})
            paths = (Path(folder, name) for name in sorted(names))
            for path in (path for path in paths if path.is_file() and not path.is_symlink()):
                facts = path.stat()
                if len(files) == limit:
                    return Tree(files)
                if facts.st_size <= largest:
                    where = f"{below}/{part}/{path.relative_to(root).as_posix()}"
                    files.append(Entry(where, facts.st_size, facts.st_mtime_ns // 1000, path.read_bytes))
    return Tree(files)


def made(
    seed: int,
    files: int = 200,
    *,
    below: str = "made",
    holder: Holder = "local",
    largest: int = 64 * 1024,
    awkward: bool = True,
) -> Tree:
    """Files of many sizes (some empty, one of `largest` bytes) in nested folders, and two folders that are empty.

    awkward: in addition, every name that `holder` keeps, in the folder "names", and one as a folder's name.
    """
    dice = random.Random(f"{seed}/{below}")
    sizes = [0, 1, largest, *(min(largest, int(dice.lognormvariate(7, 2))) for _ in range(files))][:files]
    folders = ["", "a/", "a/b/", "a/b/c/d/e/", "Grüße/", "\u65e5\u672c/", "with space/", *(f"f{n}/" for n in range(9))]
    names = [(f"{dice.choice(folders)}file-{at:05}.bin", size) for at, size in enumerate(sizes)]
    if awkward:
        names += [(f"names/{name}", at) for at, name in enumerate(EVERYWHERE + BESIDES[holder])]
        names += [(f"{name}/inside", 3) for name in ("que?stion", "per%2Fcent", "a b  c", "[brackets]")]
    entries = [_entry(seed, f"{below}/{name}", size) for name, size in names]
    return Tree(entries, [f"{below}/empty", f"{below}/a/also empty"])


def _entry(seed: int, path: str, size: int) -> Entry:
    dice = random.Random(f"{seed}/{path}/time")
    modified_us = dice.randrange(1_000_000_000, 1_700_000_000) * 1_000_000 + dice.randrange(1_000_000)
    return Entry(path, size, modified_us, lambda: random.Random(f"{seed}/{path}").randbytes(size))


def fill_folder(tree: Tree, folder: Path) -> None:
    """Write the tree below a folder, times included."""
    for name in tree.empty_folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for parent in {(folder / entry.path).parent for entry in tree.files}:
        parent.mkdir(parents=True, exist_ok=True)
    for entry in tree.files:
        path = folder / entry.path
        path.write_bytes(entry.body())
        os.utime(path, ns=(entry.modified_us * 1000, entry.modified_us * 1000))


def read_folder(folder: Path) -> dict[str, str]:
    """Path -> SHA-256 of all files below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
