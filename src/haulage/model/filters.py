"""Filters: which items a transfer takes, by name, size and age. Part of what makes a transfer the same one."""

import fnmatch
import re
from functools import lru_cache

import msgspec

from haulage.model.errors import Refused
from haulage.model.item import Item, Kind

UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
MOST = 2**63 - 1
"""What the ledger can keep of a number."""
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_size(text: str) -> int:
    """Bytes from "100", "10k", "1.5M", "2GiB" (powers of 1024). Raises Refused."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip(), re.IGNORECASE)
    if not match:
        raise Refused(f"{text!r} is not a size", 'Write a size such as "500k", "10M" or "2G".')
    return _count(float(match[1]) * UNITS[match[2].lower()], text)


def parse_rate(text: str | None) -> int | None:
    """Bytes a second, as `parse_size` reads them; None where nothing was given. Raises Refused."""
    if text is None:
        return None
    if not (rate := parse_size(text)):
        raise Refused(f"with {text!r} a second nothing would ever arrive", "Give more, or leave the limit out.")
    return rate


def parse_age(text: str) -> int:
    """Seconds from "90s", "15m", "12h", "30d", "8w". Raises Refused."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip(), re.IGNORECASE)
    if not match:
        raise Refused(f"{text!r} is not an age", 'Write an age such as "12h", "30d" or "8w".')
    return _count(float(match[1]) * SECONDS[match[2].lower()], text)


def _count(number: float, text: str) -> int:
    if number > MOST:
        raise Refused(f"{text[:100]!r} is more than there can be", "Give less, or leave the limit out.")
    return int(number)


class Filters(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a transfer takes. Without any, everything.

    include, exclude: globs; one without "/" is held against the name, one with "/" against the whole path ("*" stays
    within a part, "**" crosses parts). An item is taken if it matches an include (or there is none) and no exclude.
    smallest, largest: bytes, inclusive. newer_than, older_than: seconds of age by modification time.
    Folders are held against exclude alone, and what is in an excluded folder is excluded.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    smallest: int | None = None
    largest: int | None = None
    newer_than: int | None = None
    older_than: int | None = None

    def checked(self) -> "Filters":
        """Itself, if it makes sense. Raises Refused: an empty pattern or range would take too much or too little."""
        for glob in (*self.include, *self.exclude):
            _matcher(glob)
        for least, most, what in ((self.smallest, self.largest, "size"), (self.older_than, self.newer_than, "age")):
            if least is not None and most is not None and least > most:
                raise Refused(
                    f"no file can have a {what} of at least {least} and at most {most}", "Correct the limits."
                )
        return self

    def refuses(self, item: Item, now_us: int) -> str | None:
        """The rule by which the item is left out, in a few words; None if it is taken."""
        if (glob := self._excluded(item.path)) is not None:
            return f"excluded by {glob!r}"
        if item.kind == Kind.FOLDER:
            return "only files are included by pattern" if self.include else None
        if self.include and not any(_matcher(glob)(item.path) for glob in self.include):
            return "not included by any pattern"
        return self._by_size(item) or self._by_age(item, now_us)

    def _excluded(self, path: str) -> str | None:
        if not self.exclude:
            return None
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        return next((glob for glob in self.exclude if any(_matcher(glob)(one) for one in above)), None)

    def _by_size(self, item: Item) -> str | None:
        if item.size is None:
            return None
        if self.smallest is not None and item.size < self.smallest:
            return f"smaller than {self.smallest} bytes"
        if self.largest is not None and item.size > self.largest:
            return f"larger than {self.largest} bytes"
        return None

    def _by_age(self, item: Item, now_us: int) -> str | None:
        if item.modified_us is None:
            return None
        age = (now_us - item.modified_us) / 1_000_000
        if self.newer_than is not None and age > self.newer_than:
            return f"not modified in the last {self.newer_than} seconds"
        if self.older_than is not None and age < self.older_than:
            return f"modified in the last {self.older_than} seconds"
        return None


@lru_cache(maxsize=1024)
def _matcher(glob: str):  # type: ignore[no-untyped-def] # a bound method of a compiled pattern
    if not glob or glob.isspace():
        raise Refused("an empty pattern would match nothing or everything", "Give a pattern such as '*.txt'.")
    if "/" not in glob:
        compiled = re.compile(fnmatch.translate(glob), re.DOTALL)
        return lambda path: compiled.match(path.rsplit("/", 1)[-1])
    if not (path := glob.removeprefix("./").strip("/")):
        raise Refused(f"the pattern {glob!r} names the whole source", "Give a pattern such as 'folder/**'.")
    try:
        return re.compile(_whole(path), re.DOTALL).fullmatch
    except re.error as error:
        fix = "Correct what stands in [], or write [[] for a [ that stands for itself."
        raise Refused(f"the pattern {glob!r} cannot be understood: {error}", fix) from None


def _whole(glob: str) -> str:
    """A regular expression for a glob over whole paths."""
    pieces = []
    for piece in re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", glob):
        match piece:
            case "**/":
                pieces.append("(?:.*/)?")
            case "**":
                pieces.append(".*")
            case "*":
                pieces.append("[^/]*")
            case "?":
                pieces.append("[^/]")
            case _ if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
                negated = piece[1] == "!" and len(piece) > 3
                some = re.sub(r"([][^&~|\\])", r"\\\1", piece[2 if negated else 1 : -1])
                pieces.append(f"[^/{some}]" if negated else f"[{some}]")
            case _:
                pieces.append(re.escape(piece))
    return "".join(pieces)
