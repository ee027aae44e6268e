"""What becomes of a write whose request or answer goes astray: exactly one file, or none, and it is known which."""

from typing import Any

import pytest

from haulage.model.errors import Conflict, HaulageError, Mismatch, OutcomeUnknown, SessionGone, Transient
from haulage.model.item import Written
from haulage.services.contract import ABSENT, Drive, Precondition
from testbed.rules import Answer, End, flip

from .conftest import Limit, declared, needs_server
from .kit import ANYWAY, Place, all_held, begin, body_of, everything, files, proves, put, read_path
from .voices import Faults

pytestmark = needs_server

PATH = "b/big.bin"
OUTSIDE = {"Content-Type": "text/plain"}
CONDITIONS = {"anyway": ANYWAY, "absent": ABSENT}

# The request took effect; what is lost is only the answer.
LOST: dict[str, dict[str, Any]] = {
    "500": {"answer": Answer(500), "applied": True},
    "502 of a gateway": {"answer": Answer(502, OUTSIDE, b"Bad Gateway"), "applied": True},
    "504 of a gateway": {"answer": Answer(504, OUTSIDE, b"Gateway Timeout"), "applied": True},
    "reset": {"answer_ends": End("reset")},
    "closed": {"answer_ends": End("close")},
}

# The request never took effect.
FAILED: dict[str, dict[str, Any]] = {
    "500": {"answer": Answer(500)},
    "502 of a gateway": {"answer": Answer(502, OUTSIDE, b"Bad Gateway")},
    "reset before the body": {"request_ends": End("reset", after=0)},
    "reset in the body": {"request_ends": End("reset", after=100_000)},
    "closed in the body": {"request_ends": End("close", after=100_000)},
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
async def test_a_lost_answer(
    faults: Faults, reader: Drive, lost: dict[str, Any], condition: Precondition, hurried: None
) -> None:
    """F07, T45, F45: confirmed, or unknown and then found by asking; never "somebody else's", never twice."""
    body = body_of(300_000)
    faults.on("write", **lost)
    try:
        written = await put(faults.drive, "a.bin", body, condition=condition)
    except OutcomeUnknown:
        item = await faults.drive.item("a.bin")
        assert item is not None
        assert item.size == len(body)
    else:
        assert proves(faults.drive, written, body)
    assert files(await everything(reader)) == {"a.bin"}
    assert await read_path(reader, "a.bin") == body


@pytest.mark.parametrize("failed", FAILED.values(), ids=FAILED)
@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
async def test_a_lost_request(
    faults: Faults, reader: Drive, failed: dict[str, Any], condition: Precondition, hurried: None
) -> None:
    """F06, F09, T05: sent anew from its first byte, or unknown and then not found; the second try is whole."""
    body = body_of(300_000)
    faults.on("write", **failed)
    try:
        await put(faults.drive, "a.bin", body, condition=condition)
    except (OutcomeUnknown, Transient):
        assert await faults.drive.item("a.bin") is None
        await put(faults.drive, "a.bin", body, condition=condition)
    assert files(await everything(reader)) == {"a.bin"}
    assert await read_path(reader, "a.bin") == body


@pytest.mark.parametrize("failed", FAILED.values(), ids=FAILED)
async def test_a_lost_request_leaves_the_old_file(
    faults: Faults, reader: Drive, failed: dict[str, Any], hurried: None
) -> None:
    """T08: failing for good, over an existing file: the old one stands."""
    await put(faults.drive, "a.bin", b"old")
    faults.on("write", times=None, **failed)
    with pytest.raises((OutcomeUnknown, Transient)):
        await put(faults.drive, "a.bin", body_of(300_000))
    assert await read_path(reader, "a.bin") == b"old"


async def test_a_foreign_file_stays_a_conflict_after_trouble(faults: Faults, reader: Drive, hurried: None) -> None:
    """F33, T52: the first request fails, meanwhile somebody writes there: not taken for ours, not overwritten."""
    faults.on("write", answer=Answer(500), before=lambda seen: faults.witness.plant("a.bin", b"foreign"))
    with pytest.raises((Conflict, OutcomeUnknown, Transient)):
        await put(faults.drive, "a.bin", b"ours", condition=ABSENT)
    assert await read_path(reader, "a.bin") == b"foreign"


async def test_a_throttled_write_with_a_condition(faults: Faults, reader: Drive) -> None:
    """F01: being asked to wait is no lost answer: it took no effect, and is sent again."""
    faults.on("write", times=2, answer=faults.voice.throttle)
    assert isinstance(await put(faults.drive, "a.bin", b"a", condition=ABSENT), Written)
    assert await read_path(reader, "a.bin") == b"a"


async def test_a_denied_write(faults: Faults, reader: Drive) -> None:
    """F37: told for this item, at once, without repeating."""
    denied = faults.on("write", times=None, answer=faults.voice.denied)
    with pytest.raises(HaulageError) as caught:
        await put(faults.drive, "a.bin", b"a")
    assert caught.value.code == "permission"
    assert denied.hits == 1
    assert await reader.item("a.bin") is None


PART_TROUBLE: dict[str, dict[str, Any]] = {
    **{f"lost answer: {name}": lost for name, lost in LOST.items()},
    **{f"lost request: {name}": failed for name, failed in FAILED.items()},
}


@pytest.mark.parametrize("trouble", PART_TROUBLE.values(), ids=PART_TROUBLE)
async def test_trouble_with_a_part(
    faults: Faults, place: Place, reader: Drive, trouble: dict[str, Any], limit: Limit, hurried: None
) -> None:
    """F09, F25, T09: a part is sent again; it is neither doubled nor left out."""
    declared(faults.drive.traits.resumes, "parts of their own: a stream that breaks off is begun anew")
    limit("tells what an upload holds")
    body = body_of(2 * place.least_part_bytes + 1000)
    upload = await begin(faults.drive, PATH, body, place.least_part_bytes)
    await upload.send(1)
    faults.on("part", **trouble)
    await upload.send(2)
    await upload.send(3)
    assert await all_held(upload)
    assert proves(faults.drive, await upload.finish(), body)
    assert await read_path(reader, PATH) == body


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
async def test_a_lost_answer_to_the_end_of_an_upload(
    faults: Faults, place: Place, reader: Drive, lost: dict[str, Any], condition: Precondition, hurried: None
) -> None:
    """F07, T48: finished, but nobody said so: confirmed after all, or unknown (or gone) and then found by asking."""
    body = body_of(place.least_part_bytes + 1000)
    upload = await begin(faults.drive, PATH, body, place.least_part_bytes, condition=condition)
    await upload.send_all()
    faults.on("finish", **lost)
    try:
        written = await upload.finish(condition)
    except (OutcomeUnknown, SessionGone):
        item = await faults.drive.item(PATH)
        assert item is not None
        assert item.size == len(body)
    else:
        assert proves(faults.drive, written, body)
    await faults.drive.abort(upload.state)
    assert files(await everything(reader)) == {PATH}
    assert await read_path(reader, PATH) == body


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
async def test_a_lost_request_to_end_an_upload(
    faults: Faults, place: Place, reader: Drive, condition: Precondition, hurried: None
) -> None:
    """F06: not applied: nothing is visible, and asking again makes the file."""
    body = body_of(place.least_part_bytes + 1000)
    upload = await begin(faults.drive, PATH, body, place.least_part_bytes, condition=condition)
    await upload.send_all()
    faults.on("finish", answer=Answer(500))
    try:
        await upload.finish(condition)
    except (OutcomeUnknown, Transient):
        assert await reader.item(PATH) is None
        await upload.finish(condition)
    assert await read_path(reader, PATH) == body


async def test_an_end_that_is_refused_with_200(faults: Faults, place: Place, reader: Drive, hurried: None) -> None:
    """T14: 200 with an error in its body, for good: never a success. (Azure never does so; it must not believe it.)"""
    body = body_of(place.least_part_bytes + 1000)
    upload = await begin(faults.drive, PATH, body, place.least_part_bytes)
    await upload.send_all()
    error = b"<?xml version='1.0'?>\n<Error><Code>InternalError</Code><Message>try again</Message></Error>"
    faults.on("finish", times=None, answer=Answer(200, {"Content-Type": "application/xml"}, error))
    with pytest.raises(HaulageError):
        await upload.finish()
    assert await reader.item(PATH) is None


async def test_an_end_answered_with_nothing(faults: Faults, place: Place, reader: Drive, hurried: None) -> None:
    """T14: an empty 200 says nothing either."""
    body = body_of(place.least_part_bytes + 1000)
    upload = await begin(faults.drive, PATH, body, place.least_part_bytes)
    await upload.send_all()
    faults.on("finish", times=None, answer=Answer(200))
    with pytest.raises(HaulageError):
        await upload.finish()
    assert await reader.item(PATH) is None


async def test_a_failed_question_for_parts_is_not_none(
    faults: Faults, place: Place, reader: Drive, limit: Limit, hurried: None
) -> None:
    """G12, F25: trouble while asking what is held is an error; the session is not given up for it."""
    limit("tells what an upload holds")
    declared(faults.drive.traits.resumes, "upload that another process can go on with")
    declared(faults.drive.traits.parts_told, "question for parts: their receipts are kept here")
    body = body_of(place.least_part_bytes + 1000)
    upload = await begin(faults.drive, PATH, body, place.least_part_bytes)
    await upload.send(1)
    faults.on("parts", times=None, answer=faults.voice.trouble)
    with pytest.raises(Transient):
        await faults.drive.parts(upload.state)
    faults.clear()
    assert set(await faults.drive.parts(upload.state) or {}) == {1}
    await faults.drive.abort(upload.state)


async def test_a_part_damaged_on_the_way(faults: Faults, place: Place, reader: Drive, limit: Limit) -> None:
    """F16: one bit flips in a part: refused, or sent again; the file is right."""
    limit("checks hashes")
    body = body_of(place.least_part_bytes + 1000)
    upload = await begin(faults.drive, PATH, body, place.least_part_bytes)
    faults.on("part", request_body=flip(5000))
    try:
        await upload.send(1)
    except (Mismatch, Transient):
        await upload.send(1)
    await upload.send(2)
    await upload.finish()
    assert await read_path(reader, PATH) == body


async def test_a_confirmation_that_does_not_fit(faults: Faults, reader: Drive) -> None:
    """F16, F26: the service confirms another hash than that of what was sent: an error, or nothing taken for proven."""
    body = body_of(300_000)
    wrong = {"ETag": '"00000000000000000000000000000000"', "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    confirmed = faults.on("write", times=None, headers=wrong)
    try:
        written = await put(faults.drive, "a.bin", body)
    except HaulageError:
        return
    finally:
        assert confirmed.hits
    assert proves(faults.drive, written, body) or written.size is None
    assert await read_path(reader, "a.bin") == body
