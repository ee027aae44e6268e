"""Uploads in parts. Every part is checked by the service against a CRC32C; nothing is visible before the end."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

import google_crc32c

from haulage.model.errors import Changed, Denied, Gone, Mismatch, OutcomeUnknown, SessionGone, ShortRead, Transient
from haulage.model.item import Carried, Written
from haulage.services.contract import Json, Precondition
from haulage.services.digests import base64_of, hex_of
from haulage.services.s3.carry import headers_of
from haulage.services.s3.hashes import (
    bare,
    checksums,
    is_md5,
    joined_crc32c,
    multipart_etag,
    quoted,
)
from haulage.services.s3.judge import COMPLETE
from haulage.services.s3.place import Place
from haulage.services.s3.sign import UNSIGNED, query
from haulage.services.s3.wire import complete_body, parse_fields, parse_records
from haulage.services.transport import Answer, Request, Transport

MIB = 1024 * 1024
SMALLEST_PART_BYTES = 8 * MIB
MOST_PARTS = 10_000


def part_bytes(size: int) -> int:
    """8 MiB, and more where there would be over 10,000 parts: whole mebibytes."""
    return max(SMALLEST_PART_BYTES, -(-size // (MOST_PARTS * MIB)) * MIB)


def condition_headers(condition: Precondition) -> dict[str, str]:
    """The headers that make a write conditional."""
    if condition.absent:
        return {"if-none-match": "*"}
    return {"if-match": quoted(condition.revision)} if condition.revision is not None else {}


def _whole_crc32c(receipts: Sequence[Json]) -> str | None:
    """The CRC32C of the whole content, joined from the parts'; None where one of them is not known."""
    if not all(receipt["crc32c"] for receipt in receipts):
        return None
    return joined_crc32c((receipt["crc32c"], receipt["size"]) for receipt in receipts)


class Uploads:
    """The part of a drive that uploads in parts. State: {"path", "upload_id", "size", "attempt", "whole"}.

    whole: the service said that it will keep a checksum of the whole content, so `finish` may give it one to check.

    A receipt: {"number", "size", "etag", "crc32c" (hex or None), "checked"}: whether the service checked the part's
    bytes against the hash that we sent, or stored bytes whose MD5 it told and we compared.
    """

    _place: Place
    _transport: Transport

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """See `Drive.begin`. The condition is for `finish` alone: S3 takes none here."""
        headers = headers_of(carried)
        headers["x-amz-checksum-algorithm"] = "CRC32C"
        headers["x-amz-checksum-type"] = "FULL_OBJECT"
        url = self._place.url(self._place.key_of(path), "uploads=")
        answer = await self._transport.call(Request("CreateMultipartUpload", "POST", url, headers, b""))
        upload_id = parse_fields(answer.body, "InitiateMultipartUploadResult").get("UploadId")
        if not upload_id:
            raise Transient("CreateMultipartUpload: the answer names no upload")
        whole = answer.headers.get("x-amz-checksum-type") == "FULL_OBJECT"
        return {"path": path, "upload_id": upload_id, "size": size, "attempt": attempt, "whole": whole}

    def _session(self, operation: str, method: str, state: Json, **fields: str) -> Request:
        url = self._place.url(self._place.key_of(state["path"]), query(uploadId=state["upload_id"], **fields))
        return Request(operation, method, url, {})

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """See `Drive.put_part`. Raises Mismatch when the service's checksum is not ours."""
        crc32c = digest or f"{await asyncio.to_thread(google_crc32c.value, bytes(body)):08x}"
        request = self._session("UploadPart", "PUT", state, partNumber=str(number))
        request.body = body
        request.headers = {"x-amz-content-sha256": UNSIGNED, "x-amz-checksum-crc32c": base64_of(crc32c)}
        answer = await self._transport.call(request)
        etag = bare(answer.headers.get("ETag", ""))
        if not etag:
            raise Transient("UploadPart: the answer has no ETag")
        checked = await self._part_is_checked(answer, etag, body, crc32c)
        return {"number": number, "size": len(body), "etag": etag, "crc32c": crc32c, "checked": checked}

    async def _part_is_checked(self, answer: Answer, etag: str, body: memoryview, crc32c: str) -> bool:
        """By the checksum that the service repeats; by the part's MD5 where it repeats none (Q11)."""
        said = answer.headers.get("x-amz-checksum-crc32c")
        if said is not None:
            if hex_of(said) != crc32c:
                raise Mismatch(f"UploadPart: the service holds other bytes (CRC32C {said})")
            return True
        if not is_md5(etag):
            return False
        md5 = await asyncio.to_thread(lambda: hashlib.md5(body, usedforsecurity=False).hexdigest())
        return md5 == etag

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """See `Drive.parts`. A part counts as checked where the service tells its CRC32C (Q12)."""
        found: dict[int, Json] = {}
        marker = 0
        while True:
            more = {"part-number-marker": str(marker)} if marker else {}
            try:
                answer = await self._transport.call(self._session("ListParts", "GET", state, **more))
            except (SessionGone, Gone):
                return None
            fields: dict[str, str] = {}
            for part in parse_records(answer.body, "ListParts", fields, "Part"):
                number, crc32c = int(part["PartNumber"]), hex_of(part.get("ChecksumCRC32C", ""))
                found[number] = {
                    "number": number,
                    "size": int(part["Size"]),
                    "etag": bare(part["ETag"]),
                    "crc32c": crc32c,
                    "checked": crc32c is not None,
                }
            if fields.get("IsTruncated") != "true":
                return found
            following = int(fields.get("NextPartNumberMarker") or 0)
            if following <= marker:
                raise Transient("ListParts: the listing of parts leads in a loop")
            marker = following

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See `Drive.finish`. Parts that do not add up to the announced size raise ShortRead and make nothing."""
        total = sum(receipt["size"] for receipt in receipts)
        numbers = [receipt["number"] for receipt in receipts]
        if total != state["size"] or numbers != list(range(1, len(numbers) + 1)):
            raise ShortRead(f"the parts hold {total} bytes of {state['size']} in {len(numbers)} parts")
        request = self._session(COMPLETE, "POST", state)
        request.repeatable = False
        request.body = complete_body(
            (part["number"], quoted(part["etag"]), part["crc32c"] and base64_of(part["crc32c"])) for part in receipts
        )
        request.headers = {"x-amz-mp-object-size": str(total), **condition_headers(condition)}
        crc32c = _whole_crc32c(receipts) or digests.get("crc32c")
        if crc32c and state["whole"]:
            request.headers["x-amz-checksum-type"] = "FULL_OBJECT"
            request.headers["x-amz-checksum-crc32c"] = base64_of(crc32c)
        answer = await self._transport.call(request)
        return await self._finished(state, receipts, answer)

    async def _finished(self, state: Json, receipts: Sequence[Json], answer: Answer) -> Written:
        """What the answer proves. Where it proves nothing, the object is asked for its checksum.

        The object is what was planned if its ETag is that of our parts in our order, or its CRC32C is theirs joined.
        """
        fields = parse_fields(answer.body.lstrip(), f"{COMPLETE}Result")
        etag = bare(fields["ETag"])
        said = {f"x-amz-checksum-{name[8:].lower()}": value for name, value in fields.items() if name[:8] == "Checksum"}
        hashes = checksums(said, of_parts=True)
        expected = _whole_crc32c(receipts)
        if expected and hashes.get("crc32c", expected) != expected:
            raise Mismatch(f"{COMPLETE}: the object's CRC32C is {hashes['crc32c']}, its parts make {expected}")
        etags = [part["etag"] for part in receipts]
        by_etag = all(is_md5(one) for one in etags) and multipart_etag(etags) == etag
        as_planned = by_etag or (expected is not None and hashes.get("crc32c") == expected)
        # A service that tells the CRC32C of the whole has it from the parts', and has refused parts that were not ours.
        checked = as_planned and all(part["checked"] or "crc32c" in hashes for part in receipts)
        size = state["size"] if as_planned else None
        if not checked and not hashes:
            hashes, size = await self._ask(state["path"], etag)
        version = answer.headers.get("x-amz-version-id")
        return Written(state["path"], etag, size, hashes, id=version, parts_checked=checked)

    async def _ask(self, path: str, etag: str) -> tuple[dict[str, str], int | None]:
        """Checksum and size of the object that was just made. Raises OutcomeUnknown when another one is there now."""
        url = self._place.url(self._place.key_of(path))
        request = Request("HeadObject", "HEAD", url, {"x-amz-checksum-mode": "ENABLED", "if-match": quoted(etag)})
        try:
            answer = await self._transport.call(request)
        except (Gone, Changed) as error:
            raise OutcomeUnknown("the object that was just made is no longer there") from error
        except Denied:
            return {}, None
        length = answer.headers.get("Content-Length", "")
        return checksums(answer.headers, of_parts=True), int(length) if length.isdecimal() else None

    async def abort(self, state: Json) -> None:
        """See `Drive.abort`. It is bound to the upload's id; an object of the same key is never touched.

        An upload whose id nobody heard holds no part, and cannot be told from those of others (Q15).
        """
        if "upload_id" not in state:
            return
        try:
            await self._transport.call(self._session("AbortMultipartUpload", "DELETE", state))
        except (SessionGone, Gone):
            return
