"""What Dropbox takes and does, as data. Sources: QUIRKS.md."""

from haulage.model.naming import NameRules
from haulage.services.contract import Traits

MIB = 1024 * 1024
BLOCK_BYTES = 4 * MIB  # Q6: what content_hash is made of
LEAST_PART_BYTES = 2 * BLOCK_BYTES
LARGEST_PART_BYTES = 36 * BLOCK_BYTES  # below the 150 MiB of one request
LARGEST_FILE_BYTES = 2**41 - 2**22
PARTS_WANTED = 10_000
PARALLEL = 16  # Q16
WAITING = 48  # for a commit, which takes along all that wait: as many as come while one is under way, and one waits


def part_bytes(size: int) -> int:
    """8 MiB, and more only for files that would have over 10,000 parts."""
    if size <= PARTS_WANTED * LEAST_PART_BYTES:
        return LEAST_PART_BYTES
    return min(-(-size // PARTS_WANTED // BLOCK_BYTES) * BLOCK_BYTES, LARGEST_PART_BYTES)


TRAITS = Traits(
    names=NameRules(
        forbidden="/\\\x7f" + "".join(map(chr, range(32))),
        reserved=frozenset({"desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr"}),
        no_trailing=" ",
        longest_part=255,
        unit="utf16",
        case_sensitive=False,
        unicode_form="NFC",
    ),
    folders="real",
    times=1_000_000,
    metadata=False,
    largest_file=LARGEST_FILE_BYTES,
    single_put_limit=2 * BLOCK_BYTES,
    put_hashes=("dropbox",),
    finish_hashes=("dropbox",),
    part_hash="dropbox",
    part_bytes=part_bytes,
    parts_in_order=True,
    lasting_ids=True,
    parallel=PARALLEL,
    waiting=WAITING,
    put_calls=2,
)
