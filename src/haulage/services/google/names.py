"""Names in a folder of Drive, where two files may have the same, as parts of paths, where none may (Q6).

The oldest of that name has it in its path; each other one has a part of its id behind it: "plan (8kF2xQ1b).pdf". That
depends on nothing that changes, so a second run finds every file under the path of the first.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from haulage.model.errors import Refused
from haulage.services.google.exports import Exports
from haulage.services.google.files import File, SharedDrive

SLASH = "\uff0f"  # a full-width one: "/" separates the parts of a path
NAMELESS = "Untitled"
_TAIL = 8
_LONGEST_EXTENSION = 16
_TWIN = re.compile(r"(.*) \(([\w-]{8,})\)(\.[^.]*)?", re.DOTALL)


def part_of(name: str) -> str:
    """A name as a part of a path."""
    return name.replace("/", SLASH).replace("\0", "\u2400") or NAMELESS


def file_part(file: File, exports: Exports) -> str:
    """A file's name as a part of a path; of a document, with the ending of the form in which it comes."""
    return part_of(exports.part(file.name or NAMELESS, file.mime_type))


def names_of(part: str, exports: Exports) -> list[str] | None:
    """The names that become this part; None if there are too many to ask for."""
    slashes = part.count(SLASH)
    if slashes > 1 or "\u2400" in part:
        return None
    bare = exports.bare(part)
    names = [part] if bare is None else [part, bare]
    return [*names, *(one.replace(SLASH, "/") for one in names)] if slashes else names


def twin(part: str, file_id: str, length: int = _TAIL) -> str:
    """The part of a file whose name an older one has."""
    stem, dot, extension = part.rpartition(".")
    if not stem or len(extension) > _LONGEST_EXTENSION:
        return f"{part} ({file_id[-length:]})"
    return f"{stem} ({file_id[-length:]}){dot}{extension}"


def untwinned(part: str) -> str | None:
    """What the part would be without a piece of an id; None if it has none."""
    found = _TWIN.fullmatch(part)
    return f"{found[1]}{found[3] or ''}" if found is not None else None


def chosen(part: str, files: list[File], exports: Exports) -> File | None:
    """Which of the files of one name stands at this part."""
    if not files:
        return None
    oldest, *others = sorted(files, key=lambda one: one.age)
    if (plain := file_part(oldest, exports)) == part:
        return oldest
    return next((one for one in others if part in (twin(plain, one.id), twin(plain, one.id, len(one.id)))), None)


def drive_parts(drives: Sequence[SharedDrive]) -> list[str]:
    """Shared drives' names as parts of paths. Of several with one name each has its id behind it (Q24)."""
    plain = [part_of(one.name) for one in drives]
    counts = Counter(plain)
    return [part if counts[part] == 1 else _with_id(one) for part, one in zip(plain, drives, strict=True)]


def drive_at(part: str, drives: Iterable[SharedDrive]) -> SharedDrive | None:
    """The shared drive that a part of a path means, if there is one. Raises Refused where there are several."""
    found = [one for one in drives if part in (part_of(one.name), _with_id(one))]
    if len(found) > 1:
        told = f"Write its id behind it, as in NAME:/Shared drives/{_with_id(found[0])}."
        raise Refused(f"{len(found)} shared drives are named {part!r}", told)
    return found[0] if found else None


def is_made_up(part: str) -> bool:
    """Whether what is called so may have another name in Drive: one with `/` in it, or without an id behind it."""
    return SLASH in part or "\u2400" in part or part == NAMELESS or _TWIN.fullmatch(part) is not None


def _with_id(drive: SharedDrive) -> str:
    return f"{part_of(drive.name)} ({drive.id})"


class Naming:
    """Gives the files of one folder their parts, as they are listed: the oldest first."""

    def __init__(self, exports: Exports) -> None:
        self._ids: dict[str, str] = {}
        self._exports = exports

    def has(self, part: str) -> bool:
        """Whether some file has that part."""
        return part in self._ids

    def part(self, file: File) -> str:
        """The part of a file. Asked again, the same."""
        plain = file_part(file, self._exports)
        for part in (plain, twin(plain, file.id), twin(plain, file.id, len(file.id))):
            if self._ids.setdefault(part, file.id) == file.id:
                return part
        return f"{plain} ({file.id})"
