"""Time, identifiers, bytes, hashes, people: what the frame is made of."""

import base64
import statistics
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.sandbox import up
from haulage.sandbox.frame.clock import Clock, http_date, rfc3339
from haulage.sandbox.frame.contents import EMPTY, Contents
from haulage.sandbox.frame.hashing import DropboxHash, QuickXor
from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.organisation.people import Organisation
from haulage.sandbox.organisation.trees import Trees
from tests.sandbox.frame.toy import Client

# The vendor's algorithm on inputs whose hashes were computed elsewhere (rclone's published vectors, and by hand).
QUICK_XOR = {
    b"": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    base64.b64decode("Sg=="): "SgAAAAAAAAAAAAAAAQAAAAAAAAA=",
    base64.b64decode("tbQ="): "taAFAAAAAAAAAAAAAgAAAAAAAAA=",
    base64.b64decode("T6LYJIfDh81JrAK309H2JMJTXis="): "zBTHrspn3mEcohlJdIUAbjGNaNg=",
    base64.b64decode("DWAAX5/CIfrmErgZa8ot6ZraeSbu"): "LR2Z0PjuRYGKQB/mhQAuMrAGZbQ=",
    b"hello": "aCgDG9jwBgAAAAAABQAAAAAAAAA=",
    bytes(range(256)): "QkGEfSisZcA7k+FCh71r2dbCayY=",
    bytes(index % 251 for index in range(100_000)): "w5L+yXEbQ4GhItZONbG3zV6jdSU=",
    bytes(index % 251 for index in range(327_680)): "dVxjLVlWbbPTEZb19aiSkx+BLpI=",
}


def in_steps(made: QuickXor | DropboxHash, body: bytes, step: int) -> bytes:
    for at in range(0, len(body), step):
        made.update(body[at : at + step])
    return made.digest()


@pytest.mark.parametrize("step", [1, 7, 160, 10_240, 1 << 20])
def test_quick_xor_is_the_vendors(step: int) -> None:
    for body, expected in QUICK_XOR.items():
        if len(body) < 1_000 or step > 1:
            assert base64.b64encode(in_steps(QuickXor(), body, step)).decode() == expected


@given(st.binary(max_size=3_000), st.integers(min_value=1, max_value=500))
def test_hashes_do_not_depend_on_how_the_bytes_come(body: bytes, step: int) -> None:
    for kind in (QuickXor, DropboxHash):
        whole = kind()
        whole.update(body)
        assert in_steps(kind(), body, step) == whole.digest()


def test_a_clock_runs_steps_and_stands_still() -> None:
    clock = Clock(1_000.25)
    assert (clock.now(), clock.stopped) == (1_000.25, True)
    clock.step(60)
    assert rfc3339(clock.now(), 3) == "1970-01-01T00:17:40.250Z"
    assert http_date(int(clock.now())) == "Thu, 01 Jan 1970 00:17:40 GMT"
    clock.go()
    first = clock.now()
    assert 1_060 <= first < 1_070 and clock.now() >= first


def test_identifiers_follow_from_seed_and_words_alone() -> None:
    one, same, other = Ids(7), Ids(7), Ids(8)
    assert one.guid("file", 3) == same.guid("file", 3) != other.guid("file", 3)
    assert one.guid("file", 3) != one.guid("file3", "")
    assert len(one.digits("x", count=12)) == 12 and one.digits("x", count=12).isdigit()


def test_contents_are_cut_and_joined_without_a_copy(tmp_path: Path) -> None:
    contents = Contents(tmp_path, 7)
    drawn = contents.drawn(1_000_003, 5)
    body = contents.whole(drawn)
    assert len(body) == drawn.size and b"".join(contents.read(drawn, 70_000, 400_001)) == body[70_000:400_001]
    draft = contents.draft()
    draft.write(body[:300_000])
    other = contents.of(b"in between")
    draft.write(body[300_000:])
    written = draft.content()
    assert contents.whole(written) == body and len(written.extents) == 2
    assert contents.digest(written, "md5") == contents.digest(drawn, "md5")
    cut = contents.cut(written, 299_990, 300_010)
    assert contents.whole(contents.join([cut, other])) == body[299_990:300_010] + b"in between"
    assert contents.whole(contents.of_key(written.key)) == body
    assert contents.of_key(drawn.key) == drawn and contents.of(b"") == EMPTY == contents.of_key(EMPTY.key)
    contents.close()


def test_the_pool_has_sizes_as_in_real_tenants(tmp_path: Path) -> None:
    contents = Contents(tmp_path, 7)
    sizes = [contents.pooled("file", number).size for number in range(20_000)]
    assert 30_000 < statistics.median(sizes) < 50_000
    assert 1_500_000 < statistics.mean(sizes) < 3_500_000
    assert len(set(sizes)) <= 256 and 0 in sizes and max(sizes) > 50_000_000
    contents.close()


def test_the_same_seed_makes_the_same_organisation() -> None:
    first, second, other = Organisation(7, 50), Organisation(7, 50), Organisation(8, 50)
    assert first.people == second.people != other.people
    owner = first.people[5]
    trees = [list(Trees(one).of("person/6", 6, owner.weight)) for one in (first, second, other)]
    assert trees[0] == trees[1] != trees[2]
    kinds = {one.kind for one in Trees(first).of("space/1", 1, 2.0)}
    assert {"folder", "file", "shortcut", "document"} <= kinds
    numbers = [one.number for one in trees[0]]
    assert numbers == list(range(len(numbers))) and all(one.parent < one.number for one in trees[0])


async def test_state_survives_a_restart(tmp_path: Path) -> None:
    settings = up.Settings(only=("toy",), state=tmp_path / "state")
    async with up.sandbox(settings) as box, aiohttp.ClientSession() as session:
        await Client(box, session)("POST", "/v1/files/kept", data=b"these bytes")
        authority = (tmp_path / "state" / "ca.pem").read_bytes()
    async with up.sandbox(settings) as box, aiohttp.ClientSession() as session:
        again = Client(box, session)
        assert (await again("GET", "/v1/files/kept"))[1] == b"these bytes"
        assert len(await again.control("GET", "history/changes")) == 1
        assert (tmp_path / "state" / "ca.pem").read_bytes() == authority
