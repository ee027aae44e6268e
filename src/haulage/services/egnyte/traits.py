"""What Egnyte takes and does, as data. Sources: QUIRKS.md."""

from haulage.model.naming import NameRules
from haulage.services.contract import Quota, Traits

MIB = 1024 * 1024
LARGEST_AT_ONCE_BYTES = 16 * MIB  # Q8: one request takes up to 100 MB
LEAST_PART_BYTES = 16 * MIB  # Q8: 10 MiB is the least
LARGE_FILE_BYTES = 512 * MIB
LARGE_FILE_FACTOR = 4
PARTS_WANTED = 5_000
LARGEST_PART_BYTES = 1024 * MIB
LARGEST_FILE_BYTES = PARTS_WANTED * LARGEST_PART_BYTES  # no limit is documented: as many as our parts hold
PARALLEL = 8
CALLS_A_SECOND, CALLS_A_DAY = 2, 1_000  # Q14: of each token, where Egnyte has not agreed on more
MORE_CALLS = (
    "Egnyte raises both for a key when it is asked: write to partners@egnyte.com, with the key and the number of files."
)


def part_bytes(size: int) -> int:
    """16 MiB; of files from 512 MiB on 64 MiB, since each part is a call of a small budget; at most 1 GiB."""
    if size < LARGE_FILE_BYTES:
        return LEAST_PART_BYTES
    step = LARGE_FILE_FACTOR * LEAST_PART_BYTES
    return min(max(step, -(-size // PARTS_WANTED // step) * step), LARGEST_PART_BYTES)


RESERVED = frozenset(
    (".ds_store", ".metadata_never_index", ".thumbs.db", "thumbs.db", "desktop.ini", "powerpoint temp", ".data")
)
ENDINGS = ("~", ".tmp", "._attribs_", "._rights_", "._egn_", "_egnmeta", "-spotlight", ".ac$", ".sv$", ".~vsdx")
REFUSED = (
    r"~.*\.(idlk|xlsx|pptx)",
    r"~\$.*\.(doc|docx|xls|xlsx|ppt|pptx|sldprt|sldasm|slddrw)",
    r"atmp[0-9]{4}",
    r".*\.sas\.b[0-9]{2}",
    r"aa[a-z][0-9]{5}",
)
TRAITS = Traits(
    names=NameRules(
        forbidden='/\\:"<>|*?\x7f' + "".join(map(chr, range(32))),
        basic_plane=True,
        reserved=RESERVED,
        no_leading=" ",
        no_trailing=" .",
        no_beginnings=("._", ".~", "_egn_.", ".smbdelete", "word work file", ".spotlight-"),
        no_endings=ENDINGS,
        refused=REFUSED,
        longest_part=245,
        longest_path=5_000,
        unit="bytes",
        case_sensitive=False,
    ),
    folders="real",
    times=1_000_000,
    time_span=(0, 253_402_300_799_000_000),
    metadata=False,
    largest_file=LARGEST_FILE_BYTES,
    single_put_limit=LARGEST_AT_ONCE_BYTES,
    put_hashes=("sha512",),
    part_hash="sha512",
    part_bytes=part_bytes,
    conditional=False,
    parts_in_order=True,
    parts_told=False,
    lasting_ids=True,
    parallel=PARALLEL,
    put_calls=2,
    large_calls=2,
    quotas=(  # Q14
        Quota("Egnyte takes 2 calls a second for one token", CALLS_A_SECOND, 1, "account", read=1, write=2),
        Quota("Egnyte takes 1,000 calls a day for one token", CALLS_A_DAY, 86_400, "account", read=1, write=2),
    ),
)
