"""What `haulage connectors check` tries on a real account holds on every test server, and writes nothing."""

from haulage.engine.promises import promises
from haulage.services.contract import Drive

from .conftest import Sees
from .kit import body_of, everything, put


async def test_every_promise_is_kept(drive: Drive, reader: Drive, sees: Sees) -> None:
    for path, size in (("a.bin", 1000), ("b/c.bin", 300_000), ("b/empty.bin", 0)):
        await put(drive, path, body_of(size))
    await sees.plant("somebody's.bin", body_of(10))
    before = await everything(drive)
    tried = await promises(reader)
    assert {one.promise: one.state for one in tried} == {one.promise: "kept" for one in tried}, tried
    assert len(tried) == 7
    assert await everything(drive) == before


async def test_a_root_without_a_file(drive: Drive, reader: Drive) -> None:
    """What cannot be tried is said so, and is no failure."""
    states = [one.state for one in await promises(reader)]
    assert set(states) == {"kept", "not tried"}
