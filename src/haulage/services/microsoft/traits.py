"""What OneDrive and SharePoint take and do, as data. Sources: QUIRKS.md."""

from urllib.parse import unquote, urlsplit

import msgspec

from haulage.model.naming import NameRules, length
from haulage.services.contract import Quota, Traits

MIB = 1024 * 1024
FRAGMENT_UNIT_BYTES = 320 * 1024  # Q6: all fragments but the last are multiples of it
LEAST_PART_BYTES = 32 * FRAGMENT_UNIT_BYTES
LARGEST_PART_BYTES = 186 * FRAGMENT_UNIT_BYTES  # below the 60 MiB that a request may have
LARGEST_FILE_BYTES = 250 * 1024 * MIB
PARTS_WANTED = 10_000
SECOND = 1_000_000
PARALLEL = 16  # an application's 1,250 units a minute are used up by far fewer
DEVICES = ("con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in range(10)))
THICKETS = (  # Q12: folders that Office saves beside a web page, in the languages that it knows
    ".files", "_files", "-dateien", "_fichiers", "_bestanden", "_file", "_archivos", "-filer", "_tiedostot", "_pliki",
    "_soubory", "_elemei", "_ficheiros", "_arquivos", "_dosyalar", "_datoteke", "_fitxers", "_failid", "_fails",
    "_bylos", "_fajlovi", "_fitxategiak",
)  # fmt: skip
REWRITTEN = (".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".pptx", ".pptm", ".doc", ".xls", ".ppt", ".html", ".htm")


def part_bytes(size: int) -> int:
    """10 MiB, and more only for files that would have over 10,000 parts; always a multiple of 320 KiB."""
    wanted = -(-size // PARTS_WANTED // FRAGMENT_UNIT_BYTES) * FRAGMENT_UNIT_BYTES
    return min(max(LEAST_PART_BYTES, wanted), LARGEST_PART_BYTES)


PERSONAL_NAMES = NameRules(
    forbidden='"*:<>?/\\|' + "".join(map(chr, range(32))) + "\x7f",
    reserved=frozenset({*DEVICES, ".lock", "desktop.ini"}),
    no_leading=" ",
    no_trailing=" .",
    no_beginnings=("~$",),
    no_folder_beginnings=("~",),
    no_insides=("_vti_",),
    longest_part=255,
    longest_path=400,
    unit="utf16",
    case_sensitive=False,
)
BUSINESS_NAMES = NameRules(
    forbidden=PERSONAL_NAMES.forbidden,
    reserved=PERSONAL_NAMES.reserved,
    no_leading=" ",
    no_trailing=" .",
    no_beginnings=("~$",),
    no_folder_beginnings=("~",),
    no_endings=THICKETS,
    reserved_first=frozenset({"forms"}),  # in the root of a library
    no_insides=("_vti_",),
    longest_part=255,
    longest_path=400,
    unit="utf16",
    case_sensitive=False,
)
PERSONAL = Traits(
    names=PERSONAL_NAMES,
    folders="real",
    times=SECOND // 1000,
    metadata=False,
    largest_file=LARGEST_FILE_BYTES,
    single_put_limit=LEAST_PART_BYTES,
    put_hashes=("quickxor", "sha1"),
    finish_hashes=("quickxor", "sha1"),
    part_hash=None,
    part_bytes=part_bytes,
    parts_in_order=True,
    lasting_ids=True,
    parallel=PARALLEL,
    read_calls=2,
    put_calls=2,
    large_calls=2,
)
QUOTAS = (  # Q22
    Quota(
        "Microsoft takes 1,200 resource units a minute of one application in a tenant of up to 1,000 licences",
        *(1_200, 60, "account"),
        read=2,
        write=4,
    ),
)
BUSINESS = Traits(
    names=BUSINESS_NAMES,
    folders="real",
    times=SECOND,
    metadata=False,
    largest_file=LARGEST_FILE_BYTES,
    single_put_limit=LEAST_PART_BYTES,
    put_hashes=("quickxor",),
    finish_hashes=("quickxor",),
    part_hash=None,
    part_bytes=part_bytes,
    parts_in_order=True,
    lasting_ids=True,
    parallel=PARALLEL,
    read_calls=2,
    put_calls=2,
    large_calls=2,
    rewrites=REWRITTEN,
    quotas=QUOTAS,
)


def within_path(traits: Traits, web_url: str, folder: str) -> Traits:
    """The traits of a location (Q12): what its library and folder take of a path's length is no more to be had.

    web_url: the library's address. folder: the location's, in the library.
    """
    library = unquote(urlsplit(web_url).path)
    before = "/".join(part for part in (library.strip("/"), folder) if part)
    names = traits.names
    if folder:
        names = msgspec.structs.replace(names, reserved_first=frozenset())
    if before and names.longest_path is not None:
        left = names.longest_path - length(f"{before}/", names.unit)
        names = msgspec.structs.replace(names, longest_path=max(left, 0))
    return msgspec.structs.replace(traits, names=names)
