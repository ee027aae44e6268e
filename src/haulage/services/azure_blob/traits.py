"""What Azure Blob Storage takes, as data; sources in QUIRKS.md."""

from haulage.model.naming import NameRules
from haulage.services.contract import Traits

MIB = 1024 * 1024
MOST_BLOCKS = 50_000
LEAST_BLOCK_BYTES = 8 * MIB
LARGEST_BLOCK_BYTES = 4000 * MIB


def part_bytes(size: int) -> int:
    """8 MiB, or as many whole MiB as it takes for 50,000 blocks to be enough."""
    return max(LEAST_BLOCK_BYTES, -(-size // (MOST_BLOCKS * MIB)) * MIB)


def _range(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


# Q1: controls; private use (U+E000..); what is no character, and the replacement character. "\" would become "/".
FORBIDDEN = (
    _range(0x00, 0x1F)
    + "\\"
    + _range(0x7F, 0x9F)
    + _range(0xE000, 0xF8FF)
    + _range(0xFDD0, 0xFDEF)
    + "\ufffd\ufffe\uffff"
)

TRAITS = Traits(
    names=NameRules(
        forbidden=FORBIDDEN,
        no_trailing=".",
        longest_path=1024,
        unit="utf16",
        most_parts=254,
        case_sensitive=True,
        empty_parts=True,
        dot_parts=False,
        folder_beside_file=True,
    ),
    folders="markers",
    times=1,
    metadata=True,
    largest_file=MOST_BLOCKS * LARGEST_BLOCK_BYTES,
    single_put_limit=8 * MIB,
    put_hashes=("md5",),
    part_hash="md5",
    part_bytes=part_bytes,
)
