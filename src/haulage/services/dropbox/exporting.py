"""Documents of Dropbox's own, Paper and what is edited in the cloud only: they come as files in another form (Q14)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from haulage.model.errors import Changed, Mismatch, Refused
from haulage.model.item import Item
from haulage.services.counted import CountedContent
from haulage.services.dropbox.calls import Calls
from haulage.services.dropbox.items import Metadata, time_us

FORMS = {"md": "markdown", "html": "html"}
"""Endings, and Dropbox's words for those forms."""

DEFAULT = "md"


class _Export(msgspec.Struct):
    name: str
    size: int


class _Exported(msgspec.Struct):
    """What comes with the content of files/export."""

    export_metadata: _Export
    file_metadata: Metadata


def settle_exports(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as they are kept. Raises Refused for a form that there is not."""
    wanted = settings.get("export_format", "").strip().lower().lstrip(".") or DEFAULT
    if wanted not in FORMS:
        raise Refused(f"Dropbox exports no Paper document as {wanted!r}", f"Choose one of {', '.join(FORMS)}.")
    return {**settings, "export_format": wanted}


@asynccontextmanager
async def exported(calls: Calls, item: Item, where: str, wanted: str) -> AsyncIterator[CountedContent]:
    """The document as a file: a Paper document in the form that is wanted, any other in the one that Dropbox tells.

    where: its path or id at the service. The content's item has the size and the name's ending of what comes.
    Raises Changed where it is another revision than the item's.
    """
    listed = await calls.ask("files/get_metadata", {"path": where}, Metadata)
    form = FORMS.get(wanted, "")
    chosen = {"export_format": form} if listed.export_info and form in listed.export_info.options else {}
    async with calls.transport.stream(calls.reading({"path": where, **chosen}, 0, "export")) as streamed:
        told = streamed.answer.headers.get("Dropbox-API-Result")
        if told is None:
            raise Mismatch(f"{item.path}: the answer does not say what it is")
        found = calls.decoded(told.encode("latin-1"), "export", _Exported)
        yield CountedContent(streamed, _told(item, found), 0)


def _told(item: Item, found: _Exported) -> Item:
    facts, export = found.file_metadata, found.export_metadata
    if item.revision is not None and facts.rev != item.revision:
        raise Changed(f"{item.path}: another revision is there than the one that was listed")
    ending = _ending(export.name)
    stem = item.path.removesuffix(_ending(item.path.rpartition("/")[2]))
    note = f"a document of Dropbox's own, exported as {ending.lstrip('.') or export.name}"
    when = time_us(facts.client_modified)
    return msgspec.structs.replace(item, path=stem + ending, size=export.size, modified_us=when, note=note)


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem else ""
