"""From a page of a listing to items: keys to paths, markers to folders, and every doubt said aloud."""

import hashlib
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote_plus

import msgspec

from haulage.model.errors import Refused, Transient
from haulage.model.item import Item, Kind, Page
from haulage.services.s3.hashes import is_md5
from haulage.services.s3.wire import Listing, Row

PAGE_ENTRIES = 1000
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class Cursor(msgspec.Struct):
    """Where a listing stands: the service's token, and what finds a loop of tokens in fixed space (Brent's way).

    anchor: digest of an earlier token; it moves up after 1, 2, 4, 8, ... pages, so that any loop meets it.
    """

    token: str
    anchor: str
    steps: int = 0
    power: int = 1

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """Read a cursor that `text` gave. Raises Refused."""
        try:
            return msgspec.json.decode(text.encode(), type=cls)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise Refused("this is no cursor of an S3 listing") from error

    @property
    def text(self) -> str:
        """The cursor as JSON."""
        return msgspec.json.encode(self).decode()


def advance(cursor: Cursor | None, token: str) -> Cursor | None:
    """The cursor for the next page; None when the token leads in a loop."""
    digest = hashlib.blake2b(token.encode(), digest_size=12).hexdigest()
    if cursor is None:
        return Cursor(token, digest)
    if token == cursor.token or digest == cursor.anchor:
        return None
    if cursor.steps + 1 == cursor.power:
        return Cursor(token, digest, 0, cursor.power * 2)
    return Cursor(token, cursor.anchor, cursor.steps + 1, cursor.power)


def page_of(listing: Listing, prefix: str, cursor: Cursor | None, below: str, *, etag_may_be_md5: bool = True) -> Page:
    """The page as items relative to `prefix`.

    below: what every key of the answer must begin with. Foreign and repeated keys, a looping token and a page that
    says that there is more but not where make it incomplete.
    """
    items: list[Item] = []
    trouble: list[str] = []
    coded = listing.fields.get("EncodingType") == "url"
    cut = len(prefix)
    keys = set()
    for row in listing.rows:
        key = _key(row.key, coded)
        if key is None:
            trouble.append("it holds a key that is no Unicode text")
        elif not key.startswith(below):
            trouble.append("it holds a key from elsewhere")
        elif key in keys:
            trouble.append("it holds a key twice")
        else:
            keys.add(key)
            if item := _item(row, key, key[cut:], len(below) == len(key), etag_may_be_md5):
                items.append(item)
    for text in listing.prefixes:
        key = _key(text, coded)
        if key is None or not key.startswith(below) or len(key) == len(below):
            trouble.append("it holds a folder from elsewhere")
        elif key[cut:] == "/":
            trouble.append("it holds a folder without a name, which only the flat listing can show")
        else:
            items.append(Item(key[cut:-1], Kind.FOLDER))
    following = None
    if listing.fields.get("IsTruncated") == "true":
        token = listing.fields.get("NextContinuationToken")
        following = advance(cursor, token) if token else None
        if following is None:
            trouble.append("its token leads in a loop" if token else "it says that there is more, but not where")
    elif listing.fields.get("IsTruncated") != "false":
        trouble.append("it does not say whether there is more")
    why = f"a page of the listing cannot be right: {trouble[0]}" if trouble else None
    return Page(items, following.text if following else None, not trouble, why)


def _key(text: str | None, coded: bool) -> str | None:
    if text is None:
        raise Transient("an entry of the listing has no key")
    if coded and ("%" in text or "+" in text):
        try:
            return unquote_plus(text, errors="strict")
        except UnicodeDecodeError:
            return None
    return text


def _item(row: Row, key: str, path: str, root: bool, etag_may_be_md5: bool) -> Item | None:
    if row.size is None or not row.size.isdecimal():
        raise Transient("an entry of the listing has no size")
    size = int(row.size)
    modified_us = time_us(row.modified) if row.modified else None
    if size == 0 and key.endswith("/") and path != "/":
        return None if root else Item(path[:-1], Kind.FOLDER, modified_us=modified_us)
    if not path:
        return Item("", Kind.OTHER, size, modified_us, note="data under the root's own name, which has no path")
    etag = row.etag or None
    archived = row.storage_class in ARCHIVED and not row.restored_until
    return Item(
        path,
        Kind.FILE,
        size,
        modified_us,
        etag,
        {"md5": etag} if etag and etag_may_be_md5 and is_md5(etag) else {},
        note="archived" if archived else None,
    )


def time_us(text: str) -> int | None:
    """Microseconds of "2024-01-02T03:04:05.678Z"; None where it is no such time."""
    try:
        seconds = int(text[17:19])
        fraction = text[20:-1] if text[19:20] == "." else ""
        if text[-1] != "Z" or seconds > 60:
            return None
        return _minute_us(text[:17]) + seconds * 1_000_000 + int(fraction.ljust(6, "0")[:6] if fraction else 0)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _minute_us(text: str) -> int:
    return int(datetime.fromisoformat(text + "00+00:00").timestamp()) * 1_000_000
