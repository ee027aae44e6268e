"""What an SFTP server takes, as data; sources in QUIRKS.md."""

from haulage.model.naming import NameRules
from haulage.services.contract import Traits

MIB = 1024 * 1024
SECOND_US = 1_000_000
MOST_PARTS = 50_000
LEAST_PART_BYTES = 8 * MIB
NEWEST_SECOND = 2**32 - 1
"""Version 3 of the protocol has 32 bits without a sign for a time (Q5): 1970 to 2106."""


def part_bytes(size: int) -> int:
    """8 MiB, and more only for files that would have over 50,000 parts."""
    return max(LEAST_PART_BYTES, -(-size // MOST_PARTS // MIB) * MIB)


TRAITS = Traits(
    names=NameRules(forbidden="\0", longest_part=255, longest_path=4000, unit="bytes"),
    folders="real",
    times=SECOND_US,
    time_span=(0, NEWEST_SECOND * SECOND_US),
    revision_step=SECOND_US,
    metadata=False,
    largest_file=16 * 1024 * 1024 * MIB,
    single_put_limit=LEAST_PART_BYTES,
    put_hashes=("sha256",),
    part_hash="sha256",
    part_bytes=part_bytes,
    conditional=False,
)
