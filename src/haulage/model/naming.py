"""Names: what a destination takes, and how a name that it does not take is fitted."""

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from haulage.model.errors import NameRefused


class NameRules(msgspec.Struct, frozen=True):
    """The naming rules of a destination, as data. Sources stand in each service's QUIRKS.md.

    forbidden: characters that no part of a path may hold. reserved: whole parts that are refused, lower case.
    no_leading, no_trailing: characters that a part may not begin or end with.
    no_beginnings, no_endings, no_insides: texts in lower case with which no part may begin or end, or which none holds.
    refused: patterns (regular expressions) of whole parts, in lower case, that are refused. basic_plane: takes no
    character beyond U+FFFF.
    no_folder_beginnings: those with which no folder may begin. reserved_first: whole names, lower case, that are
    refused right below the root.
    longest_part, longest_path: in `unit`; None without limit. unit: what the service counts in.
    most_parts: how many parts a path may have.
    case_sensitive, unicode_form: two names that differ only so are one name to it ("NFC": it keeps that form alone).
    empty_parts: takes "a//b" and "/lead". dot_parts: takes "." and ".." as parts.
    folder_beside_file: takes a file "a" beside "a/b" (buckets do).
    """

    forbidden: str = ""
    reserved: frozenset[str] = frozenset()
    no_leading: str = ""
    no_trailing: str = ""
    no_beginnings: tuple[str, ...] = ()
    no_endings: tuple[str, ...] = ()
    no_insides: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    basic_plane: bool = False
    no_folder_beginnings: tuple[str, ...] = ()
    reserved_first: frozenset[str] = frozenset()
    longest_part: int | None = None
    longest_path: int | None = None
    unit: Literal["bytes", "chars", "utf16"] = "bytes"
    most_parts: int | None = None
    case_sensitive: bool = True
    unicode_form: Literal["NFC"] | None = None
    empty_parts: bool = False
    dot_parts: bool = False
    folder_beside_file: bool = False


STRICTEST = NameRules(case_sensitive=False, unicode_form="NFC")
"""What the strictest destinations do: names that differ by case or Unicode form only are one name there."""
LONGEST_EXTENSION = 16


def extension(path: str) -> str:
    """The extension in lower case without its dot; "" for none. What is long or has other signs in it is none."""
    stem, dot, last = path.rpartition("/")[2].rpartition(".")
    return last.lower() if dot and stem and len(last) <= LONGEST_EXTENSION and last.isalnum() else ""


class Fitted(msgspec.Struct, frozen=True, gc=False):
    """A path as the destination takes it. changes: what was changed, in plain words; empty when nothing was."""

    path: str
    changes: tuple[str, ...] = ()


def fit(path: str, rules: NameRules, *, folder: bool = False) -> Fitted:
    """The path as a destination with these rules takes it. Deterministic, and fitting twice changes nothing more.

    folder: the last part is a folder's name too.

    The rule, part by part, where "_" is the mark (the first of `_-+=x~` that the rules do not forbid):

    0. accents -> the Unicode form that the destination keeps, if it keeps one alone
    1. a forbidden character, NUL, a lone surrogate, or one beyond U+FFFF where none is taken -> "_"
    2. an empty part -> "_"; "." -> "_."; ".." -> "_.."
    3. a first or last character that may not stand there -> "_"
    4. a text that no part may hold -> its last character becomes a mark; one it may not begin with -> its first does;
       one it may not end with -> "_" behind it
    5. a reserved name, and a text with which no folder may begin -> "_" before it; a name of a refused pattern
       likewise, and "_" behind it where that is not enough

    Parts are never added or taken away, so what comes out stays below the root. "" is the root and stays as it is.
    Nothing is shortened: a part or path that is too long, or too deep, raises NameRefused.
    """
    checker = _checker(rules)
    fitted = checker.fit(path, folder) if checker.good(path) is None or checker.has_reserved(path) else Fitted(path)
    checker.refuse_too_long(fitted.path)
    return fitted


def fold(path: str, rules: NameRules) -> str:
    """The key under which two fitted paths are the same name at the destination.

    Case is folded as Unicode's canonical caseless matching does: at least what any known service folds, so that two
    names may be told apart needlessly, but are never merged by surprise.
    """
    if rules.case_sensitive:
        return path if rules.unicode_form is None or path.isascii() else unicodedata.normalize("NFC", path)
    if path.isascii():
        return path.lower()
    folded = unicodedata.normalize("NFD", path).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).casefold())


def folding(rules: NameRules) -> Callable[[str], str] | None:
    """`fold` for these rules; None where every other spelling is another name."""
    return None if rules.case_sensitive and rules.unicode_form is None else partial(fold, rules=rules)


def with_suffix(path: str, number: int, rules: NameRules) -> str:
    """The fitted path with a number in its name: "a/b.tar.gz" -> "a/b (2).tar.gz". Still fitted.

    Where the destination does not take " (2)", "_2" or the like is used. A name that gets too long loses characters
    at the end of its stem, never of its extension. Raises NameRefused when no room is left.
    """
    parent, slash, name = path.rpartition("/")
    for suffix in (f" ({number})", f"_{number}", f"-{number}", f"x{number}"):
        for stem, extension in (split_extension(name), (name, "")):
            end = suffix + extension
            kept = trimmed(stem, _room(parent + slash, end, rules), rules)
            candidate = parent + slash + kept + end
            if (kept or not stem) and _takes(candidate, rules):
                return candidate
    raise NameRefused(f"{_shown(path)} leaves no room for the number that tells it from its namesake")


def length(text: str, unit: Literal["bytes", "chars", "utf16"]) -> int:
    """How long the text is in that unit; a lone surrogate counts as it would be encoded."""
    if unit == "chars" or text.isascii():
        return len(text)
    if unit == "bytes":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


_SURROGATES = "\ud800-\udfff"
_ASTRAL = "\U00010000-\U0010ffff"
_MARKS = "_-+=x~"
_UNITS = {"bytes": "bytes of UTF-8", "chars": "characters", "utf16": "UTF-16 units"}
_MOST_CHECKERS = 256
_LONGEST_EXTENSION = 16
_MOST_SHOWN = 200
_COMPOUND = re.compile(r"\.(?:tar|cpio|user|min|d|spec|test)\Z", re.IGNORECASE)


class _Checker:
    """One NameRules, compiled."""

    def __init__(self, rules: NameRules) -> None:
        self.rules = rules
        refused = rules.forbidden + rules.no_leading + rules.no_trailing
        marks = [mark for mark in _MARKS if mark not in refused]
        self.mark = next(iter(marks), "_")
        self._begin = next((mark for mark in marks if not _makes_beginning(mark, rules)), "x")
        self._end = next((mark for mark in marks if not _makes_ending(mark, rules)), "x")
        inside = next((mark for mark in marks if mark not in "".join(rules.no_insides)), "x")
        forbidden = re.escape(rules.forbidden.replace("/", "")) + r"\x00" + _SURROGATES
        forbidden += _ASTRAL if rules.basic_plane else ""
        self._forbidden = re.compile(f"[{forbidden}]")
        self._refused = re.compile("|".join(f"(?:{one})" for one in rules.refused)) if rules.refused else None
        self.good = re.compile(_good_path(rules, forbidden)).fullmatch
        self._insides = [
            (text, re.compile(re.escape(text), re.IGNORECASE), text[:-1] + inside) for text in rules.no_insides
        ]

    def has_reserved(self, path: str) -> bool:
        """Whether a part is reserved, or has a text where it may not stand."""
        rules, folded = self.rules, path.lower()
        if rules.unicode_form is not None and not unicodedata.is_normalized(rules.unicode_form, path):
            return True
        texts = (*rules.no_insides, *rules.no_beginnings, *rules.no_endings, *rules.no_folder_beginnings)
        if any(text in folded for text in texts):
            return True
        if rules.reserved_first and folded.partition("/")[0] in rules.reserved_first:
            return True
        parts = folded.split("/")
        if self._refused is not None and any(map(self._refused.fullmatch, parts)):
            return True
        return bool(rules.reserved) and not rules.reserved.isdisjoint(parts)

    def fit(self, path: str, folder: bool) -> Fitted:
        changes: dict[str, None] = {}
        parts = path.split("/") if path else []
        fitted = [self._fit_part(part, changes) for part in parts]
        for number, part in enumerate(fitted[:] if folder else fitted[:-1]):
            fitted[number] = self._fit_folder(part, changes)
        if fitted:
            fitted[0] = self._fit_reserved(fitted[0], self.rules.reserved_first, changes)
        return Fitted("/".join(fitted), tuple(changes))

    def _fit_folder(self, part: str, changes: dict[str, None]) -> str:
        for text in self.rules.no_folder_beginnings:
            if part.lower().startswith(text):
                changes[f"a folder's name may not begin with {text!r}, written {self.mark + part!r}"] = None
                part = self.mark + part
        return part

    def _fit_reserved(self, part: str, reserved: frozenset[str], changes: dict[str, None]) -> str:
        while part.lower() in reserved:
            changes[f"the name {part!r} is reserved, written {self.mark + part!r}"] = None
            part = self.mark + part
        return part

    def _fit_part(self, part: str, changes: dict[str, None]) -> str:
        rules, mark = self.rules, self.mark
        if rules.unicode_form is not None and (composed := unicodedata.normalize(rules.unicode_form, part)) != part:
            changes["accents are written in the composed form, as the destination keeps them"] = None
            part = composed
        for character in dict.fromkeys(self._forbidden.findall(part)):
            changes[f"the character {character!r} is not allowed, replaced by {mark!r}"] = None
        part = self._forbidden.sub(mark, part)
        if not part and not rules.empty_parts:
            changes[f"an empty name, written {mark!r}"] = None
            part = mark
        if part in (".", "..") and not rules.dot_parts:
            changes[f"the name {part!r} means a folder itself or the one above, written {mark + part!r}"] = None
            part = mark + part
        if part and part[0] in rules.no_leading:
            changes[f"a name may not begin with {part[0]!r}, replaced by {mark!r}"] = None
            part = mark + part[1:]
        if part and part[-1] in rules.no_trailing:
            changes[f"a name may not end with {part[-1]!r}, replaced by {mark!r}"] = None
            part = part[:-1] + mark
        part = self._fit_texts(part, changes)
        return self._fit_refused(self._fit_reserved(part, rules.reserved, changes), changes)

    def _fit_refused(self, part: str, changes: dict[str, None]) -> str:
        if self._refused is None or not self._refused.fullmatch(part.lower()):
            return part
        instead = self._begin + part
        if self._refused.fullmatch(instead.lower()):
            instead = part + self._end
        changes[f"names like {part!r} are not taken, written {instead!r}"] = None
        return instead

    def _fit_texts(self, part: str, changes: dict[str, None]) -> str:
        for text, pattern, instead in self._insides:
            while pattern.search(part):
                changes[f"a name may not hold {text!r}, written {instead!r}"] = None
                part = pattern.sub(instead, part)
        for text in self.rules.no_beginnings:
            if part.lower().startswith(text):
                changes[f"a name may not begin with {text!r}, {self._begin!r} put in the place of {text[0]!r}"] = None
                part = self._begin + part[1:]
        for text in self.rules.no_endings:
            if part.lower().endswith(text):
                changes[f"a name may not end with {text!r}, {self._end!r} put behind it"] = None
                part += self._end
        return part

    def refuse_too_long(self, path: str) -> None:
        """Raise NameRefused with the length, the limit and the unit."""
        rules = self.rules
        if rules.most_parts is not None and path.count("/") >= rules.most_parts:
            parts = path.count("/") + 1
            raise NameRefused(f"the path has {parts} parts; at most {rules.most_parts} are taken: {_shown(path)}")
        if rules.longest_part is not None and len(path) * 4 > rules.longest_part:
            for part in path.split("/"):
                self._refuse_longer(part, rules.longest_part, "name")
        if rules.longest_path is not None and len(path) * 4 > rules.longest_path:
            self._refuse_longer(path, rules.longest_path, "path")

    def _refuse_longer(self, text: str, limit: int, what: str) -> None:
        size = length(text, self.rules.unit)
        if size > limit:
            unit = _UNITS[self.rules.unit]
            raise NameRefused(f"the {what} is {size} {unit} long; the limit is {limit} {unit}: {_shown(text)}")


def _makes_beginning(mark: str, rules: NameRules) -> bool:
    """Whether that mark in the place of a text's first character could make another text that may not stand there."""
    texts = (*rules.no_beginnings, *rules.no_insides)
    return any(other.startswith(mark + text[1:2]) for text in rules.no_beginnings for other in texts)


def _makes_ending(mark: str, rules: NameRules) -> bool:
    """Whether that mark behind a text could make another text that may not stand there."""
    texts = (*rules.no_endings, *rules.no_insides)
    return any(
        (text + mark).endswith(other) or other.endswith(text[-1] + mark) for text in rules.no_endings for other in texts
    )


def _good_path(rules: NameRules, forbidden: str) -> str:
    """A pattern of paths that need no change, but for reserved names. Possessive, so that it never backtracks."""
    part = f"[^/{forbidden}]{'*' if rules.empty_parts else '+'}+"
    if rules.no_leading:
        part = f"(?![{re.escape(rules.no_leading)}])" + part
    if not rules.dot_parts:
        part = r"(?!\.\.?(?:/|\Z))" + part
    if rules.no_trailing:
        part += f"(?<![{re.escape(rules.no_trailing)}])"
    return f"(?:{part}(?:/{part})*+)?+"


_checkers: dict[int, _Checker] = {}


def _checker(rules: NameRules) -> _Checker:
    """The compiled rules, kept by identity: hashing a rules object costs more than fitting a name.

    The entry holds the rules, so that their id cannot become another's.
    """
    found = _checkers.get(id(rules))
    if found is None or found.rules is not rules:
        if len(_checkers) >= _MOST_CHECKERS:
            _checkers.clear()
        found = _checkers[id(rules)] = _Checker(rules)
    return found


def split_extension(name: str) -> tuple[str, str]:
    """The stem and the extension ("a", ".tar.gz"); what has a space, is long or is all of the name is no extension."""
    stem, dot, extension = name.rpartition(".")
    if not stem.strip(".") or not extension or len(extension) >= _LONGEST_EXTENSION or not extension.isalnum():
        return name, ""
    compound = _COMPOUND.search(stem)
    if compound and compound.start() > 0:
        return stem[: compound.start()], compound.group() + dot + extension
    return stem, dot + extension


def _room(before: str, after: str, rules: NameRules) -> int | None:
    """How much of a stem fits between the two, in the rules' unit; None without limit."""
    tail = length(after, rules.unit)
    rooms = [] if rules.longest_part is None else [rules.longest_part - tail]
    if rules.longest_path is not None:
        rooms.append(rules.longest_path - length(before, rules.unit) - tail)
    return min(rooms, default=None)


def trimmed(stem: str, room: int | None, rules: NameRules) -> str:
    """As much of the beginning as fits; a letter is not parted from its combining marks."""
    if room is None or length(stem, rules.unit) <= room:
        return stem
    end = min(len(stem), max(room, 0))
    while end > 0 and (length(stem[:end], rules.unit) > room or unicodedata.combining(stem[end])):
        end -= 1
    return stem[:end]


def _shown(path: str) -> str:
    """For a message: the beginning of what may be very long."""
    return repr(path) if len(path) <= _MOST_SHOWN else repr(path[:_MOST_SHOWN]) + "..."


def _takes(path: str, rules: NameRules) -> bool:
    """Whether the path is taken as it is."""
    try:
        return fit(path, rules).path == path
    except NameRefused:
        return False
