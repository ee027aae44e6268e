"""What an FTP server takes, as data; sources in QUIRKS.md."""

from haulage.model.naming import NameRules
from haulage.services.contract import Traits

MIB = 1024 * 1024
SECOND_US = 1_000_000
MOST_PARTS = 50_000
LEAST_PART_BYTES = 8 * MIB


def part_bytes(size: int) -> int:
    """8 MiB, and more only for files that would have over 50,000 parts."""
    return max(LEAST_PART_BYTES, -(-size // MOST_PARTS // MIB) * MIB)


TRAITS = Traits(
    # Q2: a line's end in a name would begin another command.
    names=NameRules(forbidden="\0\r\n", longest_part=255, longest_path=4000, unit="bytes"),
    folders="real",
    times=SECOND_US,
    time_span=(0, 253_402_300_799 * SECOND_US),  # the year 9999, the last of four digits
    revision_step=SECOND_US,
    metadata=False,
    largest_file=16 * 1024 * 1024 * MIB,
    single_put_limit=LEAST_PART_BYTES,
    put_hashes=("sha256",),
    part_hash="sha256",
    part_bytes=part_bytes,
    parts_in_order=True,
    conditional=False,
)
