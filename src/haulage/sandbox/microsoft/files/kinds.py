"""The three kinds of drive, and all in which they differ."""

import base64
from functools import lru_cache

import msgspec

from haulage.sandbox.frame.ids import Ids

PERSONAL_ROOT = "sea8cc6beffdb43d7976fbc7da445c639"  # of every consumer drive's root, behind its "!"
BUSINESS_ROOT = "6Y2GOVW7725BZO354PWSELRRZ"  # the last 25 characters of every business root's id
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Kind(msgspec.Struct, frozen=True):
    """What a kind of drive can do.

    hashes: shown beside quickXorHash. dates_make_versions: a PATCH of dates is a new version (rclone's documentation).
    whole_seconds: times lose their fractions. folder_delta: delta of a folder that is not the root. sites: it belongs
    to a site, so /sites, permanentDelete and the deletion of versions work. old_grants: `grantedTo`, not
    `grantedToV2`. path_prefix: of parentReference.path. taken: the code of a name that is taken.
    """

    name: str
    hashes: tuple[str, ...] = ()
    dates_make_versions: bool = True
    whole_seconds: bool = True
    folder_delta: bool = False
    sites: bool = True
    old_grants: bool = False
    taken: str = "nameAlreadyExists"


PERSONAL = Kind(
    "personal",
    hashes=("sha1", "sha256"),
    dates_make_versions=False,
    whole_seconds=False,
    folder_delta=True,
    sites=False,
    old_grants=True,
)
BUSINESS = Kind("business")
LIBRARY = Kind("documentLibrary")
KINDS = {one.name: one for one in (PERSONAL, BUSINESS, LIBRARY)}


def drive_id(kind: Kind, ids: Ids, owner: str) -> str:
    """An id in the kind's form: 16 hexadecimal digits, or "b!" and 64 characters."""
    if kind is PERSONAL:
        return ids.hex("microsoft drive", owner, count=16)
    return "b!" + ids.base64url("microsoft drive", owner, count=64)


def item_id(kind: Kind, ids: Ids, drive: str, number: int) -> str:
    """The id of the item of that number; 0 is the root.

    Consumer drives: `{CID}!{n}` in drives whose CID is even, the newer `{CID}!s{32 hex}` in the others.
    """
    if kind is PERSONAL:
        cid = drive.upper()
        if int(drive[-1], 16) % 2 == 0:
            return f"{cid}!{101 + number}"
        return f"{cid}!{PERSONAL_ROOT}" if not number else f"{cid}!s{ids.hex('item', drive, number, count=32)}"
    head = "01" + ids.base32("drive of item", drive, count=7)
    return head + (BUSINESS_ROOT if not number else _base32(ids.raw("item", drive, number, size=16)))


def _base32(raw: bytes) -> str:
    value = int.from_bytes(raw, "big")
    return "".join(ALPHABET[value >> (5 * place) & 31] for place in range(25))


@lru_cache(maxsize=1 << 16)
def guid(ids: Ids, item: str) -> str:
    """The GUID behind a business item, as its eTag and its download URL name it."""
    return ids.guid("guid", item)


def e_tag(kind: Kind, ids: Ids, item: str, tag: int) -> str:
    """Changes with every change of the item."""
    if kind is PERSONAL:
        return "a" + base64.b64encode(f"{item}.{tag}".encode()).decode()
    return f'"{{{guid(ids, item).upper()}}},{tag}"'


def c_tag(kind: Kind, ids: Ids, item: str, tag: int) -> str:
    """Changes with every change of the content."""
    if kind is PERSONAL:
        return "a" + base64.b64encode(f"c:{item}.{tag}".encode()).decode()
    return f'"c:{{{guid(ids, item).upper()}}},{tag}"'


def version_id(kind: Kind, ids: Ids, item: str, number: int) -> str:
    """`1.0`, `2.0` in libraries; something opaque in consumer drives."""
    if kind is PERSONAL:
        return ids.hex("version", item, number, count=18).upper()
    return f"{number}.0"


def same_drive(one: str) -> str:
    """A drive id as it is looked up: consumer ids come in either case, and with a leading 0 dropped."""
    return one if one.startswith("b!") else one.lower().rjust(16, "0")
