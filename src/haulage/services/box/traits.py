"""What Box takes and does, as data. Sources: QUIRKS.md."""

from haulage.model.naming import NameRules
from haulage.services.contract import Quota, Traits

MIB = 1024 * 1024
LARGEST_FILE_BYTES = 500 * 1024 * MIB
LARGEST_AT_ONCE_BYTES = 20 * MIB  # Q7: sessions take files from 20 MB on, one request takes up to 50 MB
LEAST_PART_BYTES = 32 * MIB
LARGE_FILE_BYTES = 1024 * MIB
LARGE_FILE_FACTOR = 2
PARTS_WANTED = 10_000
PARALLEL = 16  # Q16
CALLS_A_MINUTE, UPLOADS_A_MINUTE = 1_000, 240  # Q15


def part_bytes(size: int) -> int:
    """32 MiB, of files from 1 GiB on 64 MiB: whole multiples of any part that Box was seen to ask for (Q8)."""
    if size < LARGE_FILE_BYTES:
        return LEAST_PART_BYTES
    step = LARGE_FILE_FACTOR * LEAST_PART_BYTES
    return max(step, -(-size // PARTS_WANTED // step) * step)


TRAITS = Traits(
    names=NameRules(
        forbidden="/\\\x7f" + "".join(map(chr, range(32))),
        no_trailing=" ",
        longest_part=255,
        unit="utf16",
        case_sensitive=False,
    ),
    folders="real",
    times=1_000_000,
    time_span=(1_000_000, 253_402_300_799_000_000),
    metadata=False,
    largest_file=LARGEST_FILE_BYTES,
    single_put_limit=LARGEST_AT_ONCE_BYTES,
    put_hashes=("sha1",),
    finish_hashes=("sha1",),
    finish_needs_hashes=True,  # Q8
    part_hash="sha1",
    part_bytes=part_bytes,
    lasting_ids=True,
    parallel=PARALLEL,
    read_calls=3,  # Q9: to where the bytes are, the bytes, and whether that version still is the current one
    quotas=(  # Q15
        Quota("Box takes about 1,000 calls a minute from one user", CALLS_A_MINUTE, 60, "user", read=3, write=1),
        Quota("Box takes 240 uploads a minute from one user", UPLOADS_A_MINUTE, 60, "user", write=1),
    ),
)
