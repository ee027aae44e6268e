"""What a drive holds: items, and what is carried along with their bytes."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What sort of node an item is. OTHER is anything that cannot be copied (a symlink, a socket)."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


class Item(msgspec.Struct, frozen=True, gc=False):
    """One node of a drive, as a listing or a look-up told it.

    path: relative to the drive's root, parts separated by "/", exactly as the service spells it; "" is the root.
    A bucket's key may have empty parts ("a//b", "/lead"); only a folder marker's trailing "/" is taken off.
    size: bytes; None where the service does not say: of folders, and of files that it makes while they are read (an
    exported document).
    modified_us, created_us: UTC microseconds since the epoch.
    revision: opaque; equal revisions mean equal content, as far as the service promises it (an ETag, a
    version, or for a local file its size, time and inode).
    hashes: lower-case hex by algorithm ("md5", "sha256", "crc32c"), as promised by the service; may be absent.
    note: for Kind.OTHER, what it is ("symlink to x", "socket"), and in a second line what to do; for a file that
    cannot be read, why ("archived").
    empty: for folders, True when the listing knows that it holds nothing.
    """

    path: str
    kind: Kind
    size: int | None = None
    modified_us: int | None = None
    revision: str | None = None
    hashes: Mapping[str, str] = {}
    id: str | None = None
    created_us: int | None = None
    note: str | None = None
    empty: bool = False


def what_it_is(note: str | None) -> tuple[str, str]:
    """What something is that is neither a file nor a folder, and what to do about it, by its note."""
    message, _, fix = (note or "not a file or folder").partition("\n")
    return message, fix or "Copy what it stands for by hand."


def beside_file(folder: Item) -> Item:
    """A bucket's marker of a folder that has the name of a file, as what it is elsewhere: nothing to be made."""
    note = "the marker of an empty folder, which has the name of a file\nThe file is copied; rename one of the two."
    return Item(f"{folder.path}/", Kind.OTHER, modified_us=folder.modified_us, note=note)


class Carried(msgspec.Struct, frozen=True):
    """What goes with the bytes of a file, where both sides have it.

    metadata: the user's own pairs; names are compared without regard to case.
    """

    modified_us: int | None = None
    created_us: int | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    metadata: Mapping[str, str] = {}


class Page(msgspec.Struct, frozen=True):
    """One page of a listing.

    cursor: asks for the next page; None when this was the last one.
    complete: False when the service said that its answer lacks something (`why_incomplete` in one sentence):
    then the listing as a whole is incomplete, and is never taken as proof that something is absent.
    again: folders that a listing of everything did not tell rightly: they are listed by themselves, with all below.
    """

    items: list[Item]
    cursor: str | None = None
    complete: bool = True
    why_incomplete: str | None = None
    again: tuple[str, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """What the destination confirmed of a file after a write, from its own answer.

    size: bytes that it holds, None when its answer does not say.
    hashes: hex by algorithm, computed or checked by the service over the whole content. Never what we merely sent
    to be stored unchecked.
    parts_checked: True when the service checked every part of a multi-part upload against a hash that we sent
    with it, in order: proof of the whole without a hash of the whole.
    """

    path: str
    revision: str | None = None
    size: int | None = None
    hashes: Mapping[str, str] = {}
    modified_us: int | None = None
    id: str | None = None
    parts_checked: bool = False
