"""What a person may be offered where a destination takes no name that the fixed rule makes: see model/naming.py.

Nothing here is done by itself: an offered name is shown, and taken when somebody says so.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from haulage.model import naming
from haulage.model.errors import NameRefused
from haulage.model.naming import NameRules

CUTS = (100, 60, 40, 24, 16)
"""To how many units folders above a name are cut, the first that makes room: few steps, so that what lies together
mostly stays together."""
LEAST_NAME = 24
"""Units that a name keeps at least before the folders above it are cut."""
_TAG_SIGNS = 6
_CAUTIOUS_UNITS = 60
_LONG_UNITS = 200

_PORTABLE = NameRules(
    forbidden='"*:<>?\\|' + "".join(map(chr, range(32))) + "\x7f",
    no_leading=" ",
    no_trailing=" .",
    basic_plane=True,
    unicode_form="NFC",
)
"""What no service that we know refuses for its characters."""


def offered(path: str, rules: NameRules, *, folder: bool = False, refused: str | None = None) -> str | None:
    """Another path that the destination may take, None if there is none to offer.

    Without `refused`, the rules take no fitted form of it (it is too long): what is too long is cut, and told apart by
    a tag of the whole name. refused: the path that the rules took and the service did not; each offer is more cautious
    than what was refused, first in its characters, then in its length, then in ASCII alone.
    """
    for candidate in _after(list(_candidates(path, rules, folder, refused)), refused):
        try:
            if naming.fit(candidate, rules, folder=folder).path == candidate:
                return candidate
        except NameRefused:
            continue
    return None


def _after(candidates: list[str], refused: str | None) -> list[str]:
    """Those that were not offered before what was refused."""
    begin = candidates.index(refused) + 1 if refused in candidates else 0
    return [one for one in candidates[begin:] if one != refused]


def _candidates(path: str, rules: NameRules, folder: bool, refused: str | None) -> Iterator[str]:
    loose = naming.fit(path, _loose(rules), folder=folder).path
    limits = rules
    if refused is not None:
        loose = naming.fit(naming.fit(loose, _PORTABLE, folder=folder).path, _loose(rules), folder=folder).path
    if (cut := _cut(loose, limits, folder)) is not None:
        yield cut
    if refused is None:
        return
    limits = _shorter(rules, loose)
    for cautious in (loose, _ascii(loose)):
        if (cut := _cut(cautious, limits, folder)) is not None:
            yield cut


@lru_cache(maxsize=64)
def _loose(rules: NameRules) -> NameRules:
    """Without lengths. Kept, so that it is compiled once."""
    return msgspec.structs.replace(rules, longest_part=None, longest_path=None, most_parts=None)


def _shorter(rules: NameRules, path: str) -> NameRules:
    """For a path that may be too long for the service all the same: it counts what lies above, too."""
    longest = rules.longest_path
    if (size := naming.length(path, rules.unit)) > _LONG_UNITS:
        longest = min(size * 3 // 4, longest or size)
    part = min(_CAUTIOUS_UNITS, rules.longest_part or _CAUTIOUS_UNITS)
    return msgspec.structs.replace(rules, longest_part=part, longest_path=longest)


def _cut(path: str, rules: NameRules, folder: bool) -> str | None:
    """The path with what is too long cut; None if that makes no room."""
    parts = path.split("/")
    above, name = (parts, "") if folder else (parts[:-1], parts[-1])
    needed = LEAST_NAME if folder else min(LEAST_NAME, naming.length(name, rules.unit))
    for most in (None, *CUTS):
        cut = [_short(one, _least(most, rules.longest_part), rules) for one in above]
        before = "/".join(cut)
        room = None
        if rules.longest_path is not None:
            room = rules.longest_path - (naming.length(before, rules.unit) + 1 if cut else 0)
        if room is None or room >= needed:
            return before if folder else "/".join([*cut, _short(name, _least(room, rules.longest_part), rules)])
    return None


def _least(*limits: int | None) -> int | None:
    return min((one for one in limits if one is not None), default=None)


def _short(part: str, most: int | None, rules: NameRules) -> str:
    """A name of at most so many units: the end of its stem goes, its extension stays where it is short."""
    if most is None or naming.length(part, rules.unit) <= most:
        return part
    stem, extension = naming.split_extension(part)
    if naming.length(extension, rules.unit) >= most // 2:
        stem, extension = part, ""
    end = _tag(part) + extension
    return naming.trimmed(stem, most - naming.length(end, rules.unit), rules).rstrip(" .") + end


def _tag(part: str) -> str:
    """Tells a cut name from others that begin alike, the same each time."""
    return "-" + hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:_TAG_SIGNS]


def _ascii(path: str) -> str:
    """In ASCII alone: letters without their accents, "_" for the rest."""
    return "/".join(map(_ascii_part, path.split("/")))


def _ascii_part(part: str) -> str:
    if part.isascii():
        return part
    plain = "".join(one for one in unicodedata.normalize("NFKD", part) if not unicodedata.combining(one))
    stem, extension = naming.split_extension("".join(one if one.isascii() and one != "/" else "_" for one in plain))
    return stem + _tag(part) + extension
