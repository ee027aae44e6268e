"""What Google Drive takes and does, as data. Sources: QUIRKS.md."""

from haulage.model.naming import NameRules
from haulage.services.contract import Quota, Traits

MIB = 1024 * 1024
CHUNK_STEP_BYTES = 256 * 1024  # Q9: all chunks but the last are multiples of it
LEAST_PART_BYTES = 8 * MIB
LARGEST_FILE_BYTES = 5 * 1024 * 1024 * MIB
LARGEST_AT_ONCE_BYTES = 5_000_000
PARTS_WANTED = 10_000
PARALLEL = 16  # Q22: more than that Google does not take from one user for long


def part_bytes(size: int) -> int:
    """8 MiB, and more only for files that would have over 10,000 parts; always a multiple of 256 KiB."""
    wanted = -(-size // PARTS_WANTED // CHUNK_STEP_BYTES) * CHUNK_STEP_BYTES
    return max(LEAST_PART_BYTES, wanted)


TRAITS = Traits(
    names=NameRules(forbidden="/", dot_parts=True),
    folders="real",
    times=1000,
    time_span=(-30_610_224_000_000_000, 253_402_300_799_999_000),  # years of four digits
    metadata=False,
    largest_file=LARGEST_FILE_BYTES,
    single_put_limit=LARGEST_AT_ONCE_BYTES,
    put_hashes=("md5",),
    finish_hashes=("md5",),
    part_hash=None,
    part_bytes=part_bytes,
    conditional=False,
    parts_in_order=True,
    lasting_ids=True,
    shared_ids=True,
    folder_times_stay=True,  # Q23
    parallel=PARALLEL,
    read_calls=2,  # which revision a download is of has to be asked
    put_calls=2,  # files of one folder are looked up together, at worst each by itself
    large_calls=3,  # the session's beginning, its end, and the same look-up
    quotas=(  # Q12, Q13
        Quota("Google takes 750 GB of uploads a day from one user", 750 * 10**9, 86_400, "user", write=1, of="bytes"),
        Quota("Google takes 325,000 units a minute from one user", 325_000, 60, "user", read=200, write=50),
        Quota("Google takes 1,000,000 units a minute from one project", 1_000_000, 60, "account", read=200, write=50),
    ),
)
