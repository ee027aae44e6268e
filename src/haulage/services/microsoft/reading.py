"""Whether a download is of the version that was asked for."""

import re

from haulage.model.errors import Changed
from haulage.services.transport import Answer

_VERSION = re.compile(r"\{([0-9A-Fa-f-]{36})\},(\d+)")


def same_tag(answer: Answer, e_tag: str | None) -> bool:
    """Whether the answer tells the very tag that the item had."""
    told = answer.headers.get("ETag", "")
    return bool(told and e_tag) and told.strip('"') == (e_tag or "").strip('"')


def refuse_other(answer: Answer, e_tag: str | None, path: str) -> None:
    """Raises Changed where the answer says that it is about another version: libraries tell it in one form (Q9)."""
    told, wanted = _VERSION.search(answer.headers.get("ETag", "")), _VERSION.search(e_tag or "")
    if told and wanted and told.groups() != wanted.groups():
        raise Changed(f"{path}: another version came than the one that was asked for")
