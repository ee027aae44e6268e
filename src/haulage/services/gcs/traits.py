"""What Google Cloud Storage takes, as data; sources in QUIRKS.md."""

from haulage.model.naming import NameRules
from haulage.services.contract import Traits

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
LONGEST_NAME_BYTES = 1024
CHUNK_STEP_BYTES = 256 * KIB
"""Every request of a resumable upload but the last ends at a multiple of this."""
LEAST_PART_BYTES = 8 * MIB
MOST_PARTS = 50_000


def part_bytes(size: int) -> int:
    """8 MiB, and more only for files that would have over 50,000 parts: whole mebibytes."""
    if size <= MOST_PARTS * LEAST_PART_BYTES:
        return LEAST_PART_BYTES
    return -(-size // (MOST_PARTS * MIB)) * MIB


TRAITS = Traits(
    names=NameRules(
        forbidden="\r\n",
        longest_path=LONGEST_NAME_BYTES,
        unit="bytes",
        empty_parts=True,
        dot_parts=True,
        folder_beside_file=True,
    ),
    folders="markers",
    times=1,
    metadata=True,
    largest_file=5 * 1024 * GIB,
    single_put_limit=8 * MIB,
    put_hashes=("crc32c",),
    part_hash=None,
    part_bytes=part_bytes,
    finish_hashes=("crc32c",),
    parts_in_order=True,
)
