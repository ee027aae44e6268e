"""E-mail to whoever started a run or a pass over a migration, when it has ended or waits for somebody.

As each wants: on completion, only on errors, or never.

The server that takes it is named by whoever runs Haulage, with HAULAGE_SMTP_URL; without it nothing is sent.
"""

import asyncio
import os
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import msgspec

from haulage.ledger import migration_rows, people
from haulage.ledger import passes as pass_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.store import Ledger
from haulage.logs import keep_secret
from haulage.model.errors import Refused
from haulage.model.outcome import PassKind, Status, status_words
from haulage.model.person import Notices
from haulage.model.words import size_text
from haulage.operations import passes
from haulage.operations.passes import PAUSES, Shown
from haulage.operations.runlog import log_of
from haulage.operations.running import PAUSED_BY, STOPPED

TIMEOUT_SECONDS = 30
WAITS_SECONDS = (30.0, 300.0)
"""How long to wait after each attempt that failed."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Post(msgspec.Struct, frozen=True):
    """Where e-mail is handed in. tls: from the first byte on; else STARTTLS, which only loopback may lack."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    sender: str

    def __repr__(self) -> str:
        """Without the password."""
        return f"Post({self.host!r}, {self.port})"


def post(environment: Mapping[str, str] | None = None) -> Post | None:
    """HAULAGE_SMTP_URL, smtps://USER:PASSWORD@HOST or smtp://..., and HAULAGE_SMTP_FROM. Raises Refused."""
    found = os.environ if environment is None else environment
    url = found.get("HAULAGE_SMTP_URL")
    if not url:
        return None
    sender = found.get("HAULAGE_SMTP_FROM", "")
    parts = urlsplit(url)
    keep_secret([unquote(parts.password or "")])
    try:
        port = parts.port or (465 if parts.scheme == "smtps" else 587)
    except ValueError:
        port = 0
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not port:
        raise Refused("HAULAGE_SMTP_URL is no address of a mail server", "Write smtps://USER:PASSWORD@HOST.")
    if "@" not in sender or not sender.isprintable():
        raise Refused("HAULAGE_SMTP_FROM is no e-mail address", "Set it to the address that notices come from.")
    named = unquote(parts.username or ""), unquote(parts.password or "")
    return Post(parts.hostname, port, parts.scheme == "smtps", *named, sender)


def wanted(notices: Notices, status: int, message: str | None = None) -> bool:
    """Whether somebody with that wish is told of a run that ended so.

    Nobody is told of what people did themselves, nor that Haulage was stopped: such a run goes on, or was wanted so.
    """
    paused = status == Status.PAUSED and (message == STOPPED or (message or "").startswith(PAUSED_BY))
    if paused or status == Status.CANCELED:
        return False
    good = status < Status.SOME_UPLOAD_ERRORS
    return notices == Notices.COMPLETION or (notices == Notices.ERRORS and not good)


def wanted_of_pass(notices: Notices, shown: Shown, stuck: int = 0) -> bool:
    """Whether somebody with that wish is told of a pass as it stands. stuck: users that paused by themselves.

    Nobody is told of what people did themselves, nor of one that goes on. One that has nothing left but users that
    people paused is through, as one that has ended.
    """
    row, waits = shown.row, shown.row.ended_us is None
    by_people = row.status == Status.CANCELED or (row.message or "").startswith(PAUSED_BY)
    nobody_left = not waits and shown.done == shown.canceled
    if by_people or nobody_left or (waits and row.status not in PAUSES):
        return False
    through = not waits or (shown.paused > 0 and not (shown.waiting or shown.running))
    good = through and not (shown.issues or shown.failed or stuck)
    return notices == Notices.COMPLETION or (notices == Notices.ERRORS and not good)


def message(run: run_rows.RunRow, sender: str, to: str, public_url: str) -> EmailMessage:
    """The notice of a run's end. Names from elsewhere stand in its body only, without what cannot be printed."""
    told, counts = EmailMessage(), run.counts
    words = status_words(run.status, run.kind)
    told["Subject"] = f"Haulage: run {run.id}: {words} ({run.status})"
    told["From"], told["To"] = sender, to
    lines = [
        f"Run {run.id}: {words} ({run.status})",
        *([_plain(run.message)] if run.message else []),
        "",
        f"From: {_plain(run.source)}",
        f"To: {_plain(run.destination)}",
        f"Successful: {counts.get('successful', 0):,} items, {size_text(counts.get('successful_bytes', 0))}",
        f"Failed: {counts.get('failed', 0) + counts.get('changed_at_source', 0):,}",
        f"Skipped: {counts.get('skipped', 0):,}",
        "",
        f"{public_url}/runs/{run.id}",
        "",
        f"When you are told is set at {public_url}/account",
    ]
    told.set_content("\n".join(lines))
    return told


def message_of_pass(shown: Shown, migration: str, sender: str, to: str, public_url: str) -> EmailMessage:
    """The notice of a pass that ended or waits for somebody; with what is to be looked at, where something is."""
    told, row = EmailMessage(), shown.row
    called = "scan" if row.kind == PassKind.SCAN else "cutover" if row.kind == PassKind.CUTOVER else "copy"
    wrong = shown.issues + shown.failed
    ended = f"ended, {wrong:,} of {shown.total:,} users to be looked at" if wrong else "ended"
    words = ended if row.ended_us is not None else status_words(row.status, row.kind).lower()
    told["Subject"] = f"Haulage: migration {row.migration_id}: {called} {words}"
    told["From"], told["To"] = sender, to
    counts = {"Succeeded": shown.succeeded, "With issues": shown.issues, "Failed": shown.failed}
    more = {"Paused": shown.paused, "Waiting": shown.waiting + shown.running, "Canceled": shown.canceled}
    here = f"{public_url}/migrations/{row.migration_id}"
    lines = [
        f"{_plain(migration)}: {called} {words}",
        *([_plain(row.message)] if row.message else []),
        "",
        f"Users: {shown.total:,}",
        *[f"{name}: {count:,}" for name, count in counts.items()],
        *[f"{name}: {count:,}" for name, count in more.items() if count],
        "",
        here,
        *([f"What to do: {here}/issues"] if wrong and row.kind != PassKind.SCAN else []),
        "",
        f"When you are told is set at {public_url}/account",
    ]
    told.set_content("\n".join(lines))
    return told


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def send(at: Post, told: EmailMessage) -> None:
    """Hand it in. Raises OSError and smtplib.SMTPException."""
    context = ssl.create_default_context()
    if at.tls:
        server: smtplib.SMTP = smtplib.SMTP_SSL(at.host, at.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(at.host, at.port, timeout=TIMEOUT_SECONDS)
    with server:
        if not at.tls and (at.host not in LOOPBACK or server.has_extn("starttls")):
            server.starttls(context=context)
        if at.user:
            server.login(at.user, at.password)
        server.send_message(told)


async def tell(ledger: Ledger, run_id: int, who: str, public_url: str) -> bool:
    """Tell whoever started a run that it ended, if they want to know. What cannot be sent stands in the log."""
    at = post()
    if at is None:
        return False
    person = await asyncio.to_thread(ledger.read, people.by_name, who)
    run = await asyncio.to_thread(ledger.read, run_rows.get, run_id)
    if person is None or not person.email or not wanted(person.notices, run.status, run.message):
        return False
    return await _deliver(ledger, at, message(run, at.sender, person.email, public_url), run=run_id)


async def tell_of_pass(ledger: Ledger, pass_id: int, public_url: str) -> bool:
    """Tell whoever began a pass that it has ended or waits for somebody, likewise: once, however many its users."""
    at = post()
    if at is None:
        return False
    shown = await asyncio.to_thread(lambda: passes.show(ledger, ledger.read(pass_rows.get, pass_id)))
    person = await asyncio.to_thread(ledger.read, people.by_name, shown.row.who)
    stuck = await asyncio.to_thread(ledger.read, pass_rows.stuck, pass_id)
    if person is None or not person.email or not wanted_of_pass(person.notices, shown, stuck):
        return False
    migration = await asyncio.to_thread(ledger.read, migration_rows.by_id, shown.row.migration_id)
    told = message_of_pass(shown, migration.name, at.sender, person.email, public_url)
    return await _deliver(ledger, at, told, number=pass_id)


async def _deliver(ledger: Ledger, at: Post, told: EmailMessage, **about: int) -> bool:
    for wait in (*WAITS_SECONDS, None):
        try:
            await asyncio.to_thread(send, at, told)
            return True
        except (OSError, smtplib.SMTPException) as error:
            log_of(ledger).warn("notice not sent", **about, host=at.host, error=type(error).__name__)
            if wait is not None:
                await asyncio.sleep(wait)
    return False
