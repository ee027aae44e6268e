"""The language of `q`, and of `orderBy`.

Sources: developers.google.com/workspace/drive/api/guides/{search-files,ref-search-terms} (2026-08).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from haulage.sandbox.google.drive.access import Viewer
from haulage.sandbox.google.drive.model import (
    ANYONE,
    ANYONE_FOUND,
    FOLDER,
    RANK,
    READER,
    WRITER,
    File,
)
from haulage.sandbox.google.errors import invalid, refuse

Test = Callable[[Viewer, File], bool]
TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|!=|=|<|>|\(|\)|\{|\})|(?P<word>[A-Za-z0-9_.]+))")
WORDS = re.compile(r"[^\W_]+")
TIMES = {"createdTime", "modifiedTime", "viewedByMeTime", "sharedWithMeTime"}
FLAGS: dict[str, Test] = {
    "trashed": lambda viewer, file: viewer.trashed(file),
    "starred": lambda viewer, file: viewer.me in file.get("starred", ()),
    "sharedWithMe": lambda viewer, file: viewer.shared_with_me(file),
}
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other, "<=": lambda one, other: one <= other, "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other, ">": lambda one, other: one > other, ">=": lambda one, other: one >= other,
}  # fmt: skip


class Query(msgspec.Struct, frozen=True):
    """What was asked for. parents: IDs or aliases of folders, one of which all answers lie in; None for no such term.

    grouped: several of them in one parenthesis. full: it has a fullText term.
    """

    test: Test
    parents: tuple[str, ...] | None = None
    grouped: bool = False
    full: bool = False
    shared: bool = False


EVERYTHING = Query(lambda viewer, file: True)


class _Term(msgspec.Struct):
    test: Test
    parents: tuple[str, ...] | None = None
    shared: bool = False


class _Parser:
    """Recursive descent: `or` of `and` of single terms."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self.full = False

    def query(self) -> Query:
        term = self._expression()
        if self._at < len(self._tokens):
            raise invalid("q")
        grouped = term.parents is not None and len(term.parents) > 1
        return Query(term.test, term.parents, grouped, self.full, term.shared)

    def _expression(self) -> _Term:
        term = self._conjunction()
        while self._word("or"):
            term = _either(term, self._conjunction())
        return term

    def _conjunction(self) -> _Term:
        term = self._factor()
        while self._word("and"):
            term = _both(term, self._factor())
        return term

    def _factor(self) -> _Term:
        if self._word("not"):
            inner = self._factor().test
            return _Term(lambda viewer, file: not inner(viewer, file))
        if self._peek() == ("sign", "("):
            self._at += 1
            term = self._expression()
            self._expect("sign", ")")
            return term
        if self._peek()[0] == "text":
            return self._membership(self._take("text"))
        return self._comparison(self._take("word"))

    def _membership(self, value: str) -> _Term:
        if not self._word("in"):
            raise invalid("q")
        where = self._take("word")
        if where == "parents":
            return _Term(lambda viewer, file: viewer.resolve(value) in file.parents, (value,))
        roles = {"owners": _owner, "writers": _writer, "readers": _reader}
        if where not in roles:
            raise invalid("q")
        member = roles[where]
        return _Term(lambda viewer, file: member(viewer, file, value))

    def _comparison(self, name: str) -> _Term:
        if name in FLAGS:
            return self._flag(name)
        if name in ("properties", "appProperties"):
            return self._property(name)
        contains = self._word("contains")
        sign = "contains" if contains else self._take("sign")
        if name in TIMES:
            return _Term(_time_test(name, sign, self._take("text")))
        value = self._take("text")
        if name == "fullText" and contains:
            self.full = True
            return _Term(_full_text(value))
        made = _text_test(name, sign, value)
        if made is None:
            raise invalid("q")
        return _Term(made)

    def _flag(self, name: str) -> _Term:
        test = FLAGS[name]
        if name == "sharedWithMe" and self._peek()[1] not in ("=", "!="):
            return _Term(test, shared=True)
        sign, value = self._take("sign"), self._take_value().lower()
        if sign not in ("=", "!=") or value not in ("true", "false"):
            raise invalid("q")
        wanted = (value == "true") == (sign == "=")
        return _Term(lambda viewer, file: test(viewer, file) == wanted, shared=wanted and name == "sharedWithMe")

    def _property(self, name: str) -> _Term:
        if not self._word("has"):
            raise invalid("q")
        self._expect("sign", "{")
        pair = {}
        for index, key in enumerate(("key", "value")):
            if index and not self._word("and"):
                raise invalid("q")
            if not self._word(key):
                raise invalid("q")
            self._expect("sign", "=")
            pair[key] = self._take("text")
        self._expect("sign", "}")

        def test(viewer: Viewer, file: File) -> bool:
            if name == "properties":
                found = file.get("properties")
            else:
                found = file.get("app_properties", {}).get(viewer.caller.project)
            return bool(found) and found.get(pair["key"]) == pair["value"]

        return _Term(test)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _word(self, word: str) -> bool:
        kind, text = self._peek()
        if kind == "word" and text.lower() == word:
            self._at += 1
            return True
        return False

    def _take(self, kind: str) -> str:
        found, text = self._peek()
        if found != kind:
            raise invalid("q")
        self._at += 1
        return text

    def _take_value(self) -> str:
        kind = self._peek()[0]
        return self._take("text" if kind == "text" else "word")

    def _expect(self, kind: str, text: str) -> None:
        if self._take(kind) != text:
            raise invalid("q")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise invalid("q")
        at = found.end()
        value = found.group(found.lastgroup)
        if found.lastgroup == "text":
            value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
        tokens.append((found.lastgroup, value))
    return tokens


def _both(one: _Term, other: _Term) -> _Term:
    first, second = one.test, other.test
    parents = one.parents if one.parents is not None else other.parents
    shared = one.shared or other.shared
    return _Term(lambda viewer, file: first(viewer, file) and second(viewer, file), parents, shared)


def _either(one: _Term, other: _Term) -> _Term:
    first, second = one.test, other.test
    parents = None
    if one.parents is not None and other.parents is not None:
        parents = (*one.parents, *other.parents)
    return _Term(lambda viewer, file: first(viewer, file) or second(viewer, file), parents, one.shared and other.shared)


def _key_of(viewer: Viewer, who: str) -> str:
    if who == "me":
        return viewer.me
    accounts = viewer.store.accounts
    if (account := accounts.find(who)) is not None:
        return account.key
    team = accounts.groups.get(who.lower())
    return team.key if team else who


def _owner(viewer: Viewer, file: File, who: str) -> bool:
    return file.owner == _key_of(viewer, who)


def _holds(viewer: Viewer, file: File, who: str, least: int) -> bool:
    key = _key_of(viewer, who)
    if key == viewer.me:
        return viewer.rank(file) >= least
    if file.owner == key:
        return True
    folders = (file, *viewer.store.ancestors(file))
    return any(one.key == key and RANK[one.role] >= least for folder in folders for one in folder.grants)


def _writer(viewer: Viewer, file: File, who: str) -> bool:
    return _holds(viewer, file, who, WRITER)


def _reader(viewer: Viewer, file: File, who: str) -> bool:
    return _holds(viewer, file, who, READER)


def _time_test(name: str, sign: str, text: str) -> Test:
    if sign not in COMPARE:
        raise invalid("q")
    compare, wanted = COMPARE[sign], parse_time(text, "q")
    if name == "createdTime":
        return lambda viewer, file: compare(file.created, wanted)
    if name == "modifiedTime":
        return lambda viewer, file: compare(file.modified, wanted)
    if name == "viewedByMeTime":
        return lambda viewer, file: file.by == viewer.me and compare(file.modified, wanted)
    return lambda viewer, file: viewer.shared_with_me(file) and compare(file.created, wanted)


def parse_time(text: str, name: str) -> float:
    """A time in RFC 3339, with any number of digits and any offset; without one it is UTC. Raises Refusal."""
    cut = re.sub(r"(\.\d{6})\d+", r"\1", text.strip())
    try:
        made = datetime.fromisoformat(cut)
        return round((made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp(), 3)
    except (ValueError, OverflowError):
        raise invalid(name) from None


def _text_test(name: str, sign: str, value: str) -> Test | None:
    if name == "name" and sign == "contains":
        return _name_contains(value)
    if name == "name" and sign in ("=", "!="):
        lower, equal = value.lower(), sign == "="  # names are compared without case (rclone, drive.go)
        return lambda viewer, file: (file.name.lower() == lower) == equal
    if name == "mimeType" and sign == "contains":
        return lambda viewer, file: value in file.mime
    if name == "mimeType" and sign in ("=", "!="):
        return lambda viewer, file: (file.mime == value) == (sign == "=")
    if name == "shortcutDetails.targetId" and sign in ("=", "!="):
        return lambda viewer, file: (file.get("target", "") == value) == (sign == "=")
    if name == "visibility" and sign in ("=", "!="):
        return lambda viewer, file: (_visibility(file) == value) == (sign == "=")
    return None


def _name_contains(value: str) -> Test:
    """Every word that is asked for begins a word of the name."""
    wanted = WORDS.findall(value.lower())

    def test(viewer: Viewer, file: File) -> bool:
        words = WORDS.findall(file.name.lower())
        return all(any(word.startswith(one) for word in words) for one in wanted)

    return test


def _full_text(value: str) -> Test:
    """Name, description, and the text of native documents have all the words, or "the exact phrase"."""
    phrase = value[1:-1].lower() if len(value) > 2 and value[0] == value[-1] == '"' else ""
    wanted = WORDS.findall(value.lower())

    def test(viewer: Viewer, file: File) -> bool:
        text = f"{file.name} {file.get('description', '')} {viewer.store.text(file)}".lower()
        if phrase:
            return phrase in text
        words = set(WORDS.findall(text))
        return all(one in words for one in wanted)

    return test


def _visibility(file: File) -> str:
    keys = {one.key: one for one in file.grants}
    if ANYONE_FOUND in keys:
        return "anyoneCanFind"
    if ANYONE in keys:
        return "anyoneWithLink"
    domain = next((one for one in file.grants if one.kind == "domain"), None)
    if domain is not None:
        return "domainCanFind" if domain.found else "domainWithLink"
    return "limited"


@lru_cache(maxsize=4096)
def parse_query(text: str) -> Query:
    """What a text asks for. Raises Refusal (400)."""
    return _Parser(text).query() if text.strip() else EVERYTHING


def _natural(name: str) -> tuple[object, ...]:
    parts = re.split(r"(\d+)", name.lower())
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts)


ORDERS: dict[str, Callable[[Viewer, File], object]] = {
    "createdTime": lambda viewer, file: file.created,
    "folder": lambda viewer, file: file.mime != FOLDER,
    "modifiedByMeTime": lambda viewer, file: file.modified if file.by == viewer.me else 0.0,
    "modifiedTime": lambda viewer, file: file.modified,
    "name": lambda viewer, file: file.name.lower(),
    "name_natural": lambda viewer, file: _natural(file.name),
    "quotaBytesUsed": lambda viewer, file: file.size,
    "recency": lambda viewer, file: file.modified,
    "sharedWithMeTime": lambda viewer, file: file.created if viewer.shared_with_me(file) else 0.0,
    "starred": lambda viewer, file: viewer.me not in file.get("starred", ()),
    "viewedByMeTime": lambda viewer, file: file.modified if file.by == viewer.me else 0.0,
}


def parse_order(text: str) -> list[tuple[str, bool]]:
    """Keys with whether they run downwards. Raises Refusal."""
    keys = []
    for part in text.split(","):
        words = part.split()
        if not words or len(words) > 2 or words[0] not in ORDERS or (len(words) == 2 and words[1] != "desc"):
            raise invalid("orderBy")
        keys.append((words[0], len(words) == 2))
    if len({name for name, _ in keys}) < len(keys):
        raise refuse(403, "orderByContainsDuplicateSortKeys", "Duplicate sort keys.", location="orderBy")
    return keys


def sort(viewer: Viewer, files: list[File], keys: list[tuple[str, bool]]) -> None:
    """Put files in that order."""
    for name, downwards in reversed(keys):
        order = ORDERS[name]
        files.sort(key=lambda file: order(viewer, file), reverse=downwards)  # type: ignore[arg-type,return-value]  # each key compares with itself only
