"""Box Notes: made from Markdown. There is no way to export one but its content, which is JSON."""

import msgspec

from haulage.sandbox.box.desk import API
from haulage.sandbox.box.errors import refuse, wrong
from haulage.sandbox.box.texts import check_name
from haulage.sandbox.box.uploads import UploadDesk
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer


class Notes(UploadDesk):
    """Source: developer.box.com/reference/v2026.0/post-notes-convert."""

    def routes(self) -> list[Route]:
        """The endpoint."""
        return [Route("POST", API, "/2.0/notes/convert", "post_notes_convert_v2026.0", "notes", self.convert)]

    async def convert(self, call: Call) -> Answer:
        """A note of a Markdown text: each line a paragraph."""
        if call.headers.get("box-version") != "2026.0":
            raise refuse(call, 400, "bad_request", "The header box-version must be 2026.0")
        document = await self.document(call)
        if document.get("content_format", "markdown") != "markdown":
            raise wrong(call, "content_format", "must be markdown")
        name = check_name(call, document.get("name") or "Untitled")
        if not name.lower().endswith(".boxnote"):
            name = check_name(call, f"{name}.boxnote")
        parent = self.parent(call, document)
        self.room(call, parent, name)
        lines = [line for line in str(document.get("content", "")).split("\n") if line]
        paragraphs = [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines]
        note = {"version": 1, "schema_version": 1, "doc": {"type": "doc", "content": paragraphs}}
        made = self.create(call, parent, name, self.world.contents.of(msgspec.json.encode(note)), {})
        return json_answer({"type": "file", "id": made.id}, 201)
