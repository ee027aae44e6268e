"""G14: what the tests plant as secrets is nowhere to be found in what they leave behind, over the whole suite.

What counts as planted: whatever this process has been told to keep out of its logs, and what the program, run as a
process of its own, is given in the fields and variables of secrets. What is looked through afterwards: everything in
the state folders below the test's own folder, all that the program printed, and what the test itself printed or logged.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from haulage import logs
from haulage.services.registry import services

SHORTEST = 12
LARGEST_BYTES = 64 * 1024 * 1024
DEPTH = 4
KEYS_THEMSELVES = {"vault.key", "sandbox.json"}
"""The vault's key, and what the sandbox wrote for whoever makes it known."""

public: set[str] = set()
"""Values that are kept out of logs, and are no secrets: ids of a sandbox's applications and tenants."""
_planted: set[str] = set()
_printed: list[str] = []
_FIELDS = {field.name for one in services().values() for field in one.fields if field.secret}
_VARIABLES = {name for one in services().values() for field in one.fields if field.secret for name in field.env}
_GIVEN = re.compile(r"(\w+)=(env|file):(.+)", re.DOTALL)


def begin() -> None:
    """Another test begins."""
    public.clear()
    _planted.clear()
    _printed.clear()


def plant(words: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """The program is given these words and this environment."""
    for word in words:
        if (found := _GIVEN.fullmatch(word)) and found[1] in _FIELDS:
            _planted.add(environment.get(found[3], "") if found[2] == "env" else _text(Path(found[3])))
    _planted.update(environment[name] for name in _VARIABLES & set(environment))


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def printed(text: str) -> None:
    """The program, or the test, has printed this."""
    if text:
        _printed.append(text)


def leaks(*folders: Path) -> list[str]:
    """Where a secret is: its first letters and the place. folders: the test's own."""
    known = {one for one in (*_planted, *logs._secrets) if len(one) >= SHORTEST} - public
    if not known:
        return []
    found = [f"{one[:4]}... in what was printed" for one in known if any(one in text for text in _printed)]
    for file in _left_behind(folders):
        body = file.read_bytes()
        found += [f"{one[:4]}... in {file.name}" for one in known if one.encode("utf-8", "replace") in body]
    return found


def _left_behind(folders: tuple[Path, ...]) -> Iterator[Path]:
    """All files of the state folders below these."""
    for folder in folders:
        for home in _homes(folder, DEPTH):
            for path in home.rglob("*"):
                if path.is_file() and path.name not in KEYS_THEMSELVES and path.stat().st_size <= LARGEST_BYTES:
                    yield path


def _homes(folder: Path, depth: int) -> Iterator[Path]:
    """Folders that hold a ledger, not too deep below."""
    if not depth or not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        inner = list(entries)
    if any(one.name == "ledger.db" for one in inner):
        yield folder
        return
    for one in inner:
        if one.is_dir(follow_symlinks=False):
            yield from _homes(Path(one.path), depth - 1)
