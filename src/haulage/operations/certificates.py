"""Completeness certificates: of a run, or of everything that a migration moved; signed by this installation."""

import base64
import hashlib
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from haulage.connectors import sealing
from haulage.connectors.vault import Vault
from haulage.engine.meter import STRONG
from haulage.ledger import audit, certified, checks, work
from haulage.ledger import runs as run_rows
from haulage.ledger.audit import Actor
from haulage.ledger.installation import installation_id
from haulage.ledger.migration_rows import MigrationRow
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Connection, Ledger
from haulage.ledger.work import OutcomeRow
from haulage.model.errors import Refused
from haulage.model.outcome import SUCCESSFUL, RunKind
from haulage.operations import history, migration_table, migrations
from haulage.operations.vaults import SIGNING, vault_of
from haulage.reports import certificate, files, summary
from haulage.reports.certificate import FORMAT, Covered, Entry, Statement

EXAMPLES = 20
NOW = "Make it once that has ended."


def of_run(ledger: Ledger, which: history.Which, path: Path) -> Statement:
    """Write the certificate of a run that has ended. Raises Refused where there can be none, DiskFull."""
    run = history.find(ledger, which)
    refuse(ledger, run)
    return _written(ledger, path, None, [run.id], [])


def made_for(ledger: Ledger, actor: Actor, *, run: int | None = None, migration: MigrationRow | None = None) -> Path:
    """A certificate for somebody who downloads it: a file that is theirs to delete. Raises what the others do."""
    folder = ledger.path.parent / "reports"
    if migration is not None:
        path = folder / f"migration-{migration.id}-certificate-{secrets.token_hex(8)}.zip"
        of_migration(ledger, migration.name, path)
        ledger.do(audit.append, actor, "migration export", f"migration {migration.id}", kind="certificate")
        return path
    path = folder / f"run-{run}-certificate-{secrets.token_hex(8)}.zip"
    of_run(ledger, run or 0, path)
    ledger.do(audit.append, actor, "run export", f"run {run}", kind="certificate")
    return path


def refuse(ledger: Ledger, run: RunRow) -> None:
    """Raises Refused for a run of which no certificate can be made, with why."""
    if run.kind == RunKind.SCAN:
        raise Refused(f"run {run.id} was a scan, and moved nothing", "Choose a copy or a verification.")
    if run.ended_us is None:
        raise Refused(f"run {run.id} has not ended", NOW)
    if run.kind == RunKind.COPY and (later := ledger.read(run_rows.later, run)) is not None:
        raise Refused(
            f"run {run.id} is not the newest copy of these places: what it left alone is known of run {later} only",
            f"Choose run {later}.",
        )


def of_migration(ledger: Ledger, name: str, path: Path) -> Statement:
    """Write the certificate of a migration: of the newest copy of each of its users. Raises Refused, DiskFull."""
    row, found = migration_table.of_name(ledger, name)
    runs, uncovered = [], []
    for one in found:
        if one.run is not None and one.run.ended_us is not None and one.refused is None:
            runs.append(one.run.id)
        else:
            uncovered.append(f"{one.source or '(all)'} to {one.destination or '(top)'}: {migrations.status_of(one)[1]}")
    if not runs and not uncovered:
        raise Refused(f"the migration {row.name} has no users", "Add some.")
    return _written(ledger, path, row.name, runs, uncovered)


def _written(ledger: Ledger, path: Path, migration: str | None, runs: list[int], uncovered: list[str]) -> Statement:
    """runs: their numbers. One is read at a time."""
    key = ledger.do(_signing_key, vault_of(ledger))
    with files.drafted(path.absolute()) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        each = (ledger.read(run_rows.get, one) for one in runs)
        covered = [certificate.write_items(archive, at, _entry(ledger, run)) for at, run in enumerate(each, 1)]
        for run in (ledger.read(run_rows.get, one) for one in runs):
            if run.kind == RunKind.COPY and ledger.read(run_rows.later, run) is not None:
                raise Refused(f"a run of {run.source} to {run.destination} began meanwhile", NOW)
        statement = Statement(
            FORMAT,
            ledger.read(installation_id),
            datetime.now(UTC).isoformat(timespec="seconds"),
            migration,
            not uncovered and not any(one.reasons for one in covered),
            certificate.over(one.root for one in covered),
            covered,
            uncovered,
        )
        certificate.finish(archive, statement, key)
    return statement


def _entry(ledger: Ledger, run: RunRow) -> Entry:
    key = ledger.read(run_rows.transfer_key, run.transfer_id)
    facts = summary.facts(run, key, summary.add_up(run, ledger.read(work.totals, run.id)))
    return Entry(run, facts, _items(ledger, run), _doubt(ledger, run))


def _doubt(ledger: Ledger, run: RunRow) -> str | None:
    """What a verification found of the items of that copy, and no later one mended."""
    if run.kind != RunKind.COPY:
        return None
    found = ledger.read(certified.doubt, run, ledger.read(checks.copies, run.transfer_id))
    if found is None:
        return None
    when, more = "since then", ""
    if found.run_id < run.id:
        when, more = "before it", ", and nothing has mended them"
    return (
        f"Run {found.run_id}, a verification {when}, found {found.items:,} items not as they are at the source{more}."
    )


def _items(ledger: Ledger, run: RunRow) -> Iterator[OutcomeRow]:
    """What was listed: what something happened to, then what was left alone, as an earlier run has proven it."""
    listed = (row for row in history.outcomes(ledger, run.id) if row.listed)
    if run.kind != RunKind.COPY:
        yield from listed
        return
    copies = ledger.read(checks.copies, run.transfer_id)
    while told := list(islice(listed, certified.PAGE)):
        yield from ledger.read(certified.judged, run.transfer_id, copies, told)
    page, after = ledger.read(certified.unchanged, run.transfer_id, run.id, copies, None)
    yield from page
    while after is not None:
        page, after = ledger.read(certified.unchanged, run.transfer_id, run.id, copies, after)
        yield from page


class Since(msgspec.Struct):
    """How what both sides have now differs from a certificate: how many items, and the first of their paths.

    gone: it has them with that content, and they are not at both sides so any more; new: they came since, or are others
    now. by_size: of how many equal ones the certificate and the verification tell no hash in common.
    """

    gone: int = 0
    new: int = 0
    by_size: int = 0
    gone_paths: list[str] = []
    new_paths: list[str] = []


def since(ledger: Ledger, path: Path, covered: Covered, run: RunRow) -> Since:
    """Compare a certificate with a verification of the same two places, which has ended.

    Raises Refused where the connectors lead to other places by now. Takes some 200 bytes an item.
    """
    key = ledger.read(run_rows.transfer_key, run.transfer_id)
    if (key.source, key.destination) != (covered.source_identity, covered.destination_identity):
        raise Refused(
            f"{covered.source} and {covered.destination} are other places here than those of the certificate",
            "Check it where it was issued, or connect the same accounts under the same names.",
        )
    left = {_mark(one.path, one.size): _content(one.evidence) for one in certificate.items(path, covered)}
    found = Since()
    for row in history.outcomes(ledger, run.id, SUCCESSFUL):
        document = _mark(row.path, None)
        mark = next((one for one in (_mark(row.path, row.size), document) if one in left), None)
        same = _same(left[mark], _content(row.evidence, made=mark == document)) if mark is not None else False
        if mark is not None and same is not False:
            found.by_size += same is None and row.size > 0
            del left[mark]
        elif row.listed:
            found.new += 1
            found.new_paths += [row.path] * (len(found.new_paths) < EXAMPLES)
    found.gone = len(left)
    if left:
        lacking = (one.path for one in certificate.items(path, covered) if _mark(one.path, one.size) in left)
        found.gone_paths = list(islice(lacking, EXAMPLES))
    return found


def _mark(path: str, size: int | None) -> bytes:
    return hashlib.blake2b(f"{size}/{path}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _content(evidence: Mapping[str, Any], *, made: bool = False) -> bytes:
    """What is told of an item's bytes, short: eight bytes for each hash, the first of which says which hash it is.

    made: by the source, of a document, which it may do in other bytes each time that it is read.
    """
    read, copied = evidence.get("sha256"), evidence.get("sha256_when_copied")
    told = {**evidence, "sha256": (copied or read) if made else (read or copied)}
    hashes = [(at, value) for at, name in enumerate(STRONG) if isinstance(value := told.get(name), str)]
    return b"".join(bytes([at]) + hashlib.blake2b(value.encode(), digest_size=7).digest() for at, value in hashes)


def _same(before: bytes, now: bytes) -> bool | None:
    """Whether two of them tell of the same bytes; None where they have no hash in common."""
    cells = [{one[start]: one[start + 1 : start + 8] for start in range(0, len(one), 8)} for one in (before, now)]
    common = cells[0].keys() & cells[1].keys()
    return all(cells[0][at] == cells[1][at] for at in common) if common else None


def public_key(ledger: Ledger) -> str:
    """By which certificates of this installation can be told from others; made where there is none yet."""
    return certificate.public_text(ledger.do(_signing_key, vault_of(ledger)).public_key())


def _signing_key(connection: Connection, vault: Vault) -> Ed25519PrivateKey:
    bound = sealing.other(connection, *SIGNING)
    if (kept := certified.signing_key(connection)) is not None:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(vault.open(kept.sealed, bound)["private"]))
    made = Ed25519PrivateKey.generate()
    private = base64.b64encode(made.private_bytes_raw()).decode()
    certified.keep_signing_key(connection, vault.seal({"private": private}, bound))
    return made
