"""What WebDAV servers take, as data; sources in QUIRKS.md."""

import msgspec

from haulage.model.naming import NameRules
from haulage.services.contract import Traits

MIB = 1024 * 1024
GIB = 1024 * MIB
PIECE_BYTES = 8 * MIB
LEAST_CHUNK_BYTES = 10 * MIB
MOST_CHUNKS = 10_000
LARGEST_CHUNK_BYTES = 5 * GIB


def piece_bytes(size: int) -> int:
    """Of one stream: 8 MiB, whatever the size."""
    return PIECE_BYTES


def chunk_bytes(size: int) -> int:
    """Of an upload in chunks: 10 MiB, and more where there would be over 10,000 (Q12): whole mebibytes."""
    return max(LEAST_CHUNK_BYTES, -(-size // (MOST_CHUNKS * MIB)) * MIB)


NAMES = NameRules(forbidden="\0", longest_part=255, longest_path=4000, unit="bytes")

PLAIN = Traits(
    names=NAMES,
    folders="real",
    times=None,
    metadata=False,
    largest_file=16 * 1024 * GIB,
    single_put_limit=PIECE_BYTES,
    put_hashes=(),
    part_hash=None,
    part_bytes=piece_bytes,
    conditional=False,
    confirms="size",
    parts_in_order=True,
    resumes=False,
)
"""A server of which nothing else is known: a file goes up in one stream, under another name until it is whole."""

NEXTCLOUD = msgspec.structs.replace(
    PLAIN,
    names=msgspec.structs.replace(NAMES, forbidden="\0\\", longest_part=250, reserved=frozenset({".htaccess"})),
    times=1_000_000,
    largest_file=MOST_CHUNKS * LARGEST_CHUNK_BYTES,
    single_put_limit=LEAST_CHUNK_BYTES,
    part_bytes=chunk_bytes,
    conditional=True,
    parts_in_order=False,
    resumes=True,
)
"""Nextcloud keeps a checksum that it is told, and checks none."""

OWNCLOUD = msgspec.structs.replace(NEXTCLOUD, put_hashes=("sha1",), finish_hashes=("sha1",), confirms="hash")
"""ownCloud checks the SHA-1 that comes with a file, and refuses what does not fit."""

FLAVOURS = {"plain": PLAIN, "nextcloud": NEXTCLOUD, "owncloud": OWNCLOUD}
