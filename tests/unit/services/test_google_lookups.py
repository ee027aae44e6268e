"""Look-ups by name: asked together, but in no address that Google would not take."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import pytest

from haulage.services.google.calls import Calls
from haulage.services.google.exports import exports_of
from haulage.services.google.files import File, Files
from haulage.services.google.lookups import MOST_NAMES, Lookups

LONGEST_ADDRESS = 8000  # developers.google.com/workspace/drive/api/guides/performance: of a call in a batch


class _Asked:
    """Stands for the calls: notes the questions, and finds a file of every name that is asked for."""

    def __init__(self, names: list[str]) -> None:
        self.names, self.questions = names, list[str]()

    async def get(self, operation: str, path: str, query: Mapping[str, str], kind: type, **more: Any) -> Files:
        assert (operation, path, kind) == ("ListFiles", "files", Files)
        self.questions.append(query["q"])
        await asyncio.sleep(0)
        return Files([File(name, name) for name in self.names if f"name = '{name}'" in query["q"]])


@pytest.mark.parametrize("letter", ["a", "漢", "😀", "％"])
async def test_no_question_is_longer_than_an_address_may_be(letter: str) -> None:
    names = [f"{number:02} {letter * 100}.docx" for number in range(60)]
    asked = _Asked(names)
    lookups = Lookups(cast(Calls, asked), exports_of(""))
    found = await asyncio.gather(*(lookups.named("folder", name) for name in names))
    assert [[one.name for one in some] for some in found] == [[name] for name in names]
    assert max(len(quote(one, safe="")) for one in asked.questions) < LONGEST_ADDRESS


async def test_short_names_are_asked_for_together() -> None:
    names = [f"{number}.txt" for number in range(MOST_NAMES)]
    asked = _Asked(names)
    lookups = Lookups(cast(Calls, asked), exports_of(""))
    await asyncio.gather(*(lookups.named("folder", name) for name in names))
    assert len(asked.questions) == 1
