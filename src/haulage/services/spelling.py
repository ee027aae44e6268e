"""Whether two names that differ in case, or in Unicode's form, are one name to a server: found out, not assumed.

Whoever asks makes a folder SPELT in an empty folder of its own, lists it, and looks for the other two.
"""

import unicodedata
from collections.abc import Collection

import msgspec

from haulage.model.naming import NameRules

TRIED: dict[str, dict[str, str]] = {
    "q\\s": {"forbidden": "\\"},
    "a*s": {"forbidden": "*"},
    'w:?"<>|s': {"forbidden": ':?"<>|'},
    "c\x01\t\x7fs": {"forbidden": "".join(map(chr, (*range(1, 32), 127)))},
    "space ": {"no_trailing": " "},
    "dot.": {"no_trailing": "."},
    " space": {"no_leading": " "},
}
"""Names that folders are made with, and what follows for all names where one is refused, or listed otherwise."""
SPELT = "a\u0308"
OTHER_FORM = "\u00e4"
OTHER_CASE = "A\u0308"


def observed(rules: NameRules, listed: Collection[str], *, other_form: bool, other_case: bool) -> NameRules:
    """The rules with what was seen. other_form, other_case: it is found under that name too.

    Where it is listed in another form than it was made in, or not recognised at all, one form alone is kept.
    """
    kept = any(unicodedata.normalize("NFC", name) == OTHER_FORM for name in listed)
    one_form = other_form or not kept or SPELT not in listed
    return msgspec.structs.replace(rules, case_sensitive=not other_case, unicode_form="NFC" if one_form else None)


def with_losses(rules: NameRules, listed: Collection[str]) -> NameRules:
    """The rules with what must not be in a name, since one of those that were TRIED is not listed as it was made."""
    for name, lost in TRIED.items():
        if name not in listed:
            more = {field: "".join(dict.fromkeys(getattr(rules, field) + signs)) for field, signs in lost.items()}
            rules = msgspec.structs.replace(rules, **more)
    return rules
