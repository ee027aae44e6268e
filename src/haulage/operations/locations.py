"""From a location to an opened drive: which service, with which settings."""

import asyncio
import os
import shlex
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from haulage.connectors.patience import Patience
from haulage.connectors.tokens import unusable
from haulage.engine.counts import Watch
from haulage.engine.governor import Permit, PermittedPacer, ScopePacer
from haulage.ledger import connectors as connector_rows
from haulage.ledger import work
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Ledger, now_us
from haulage.logs import keep_secret
from haulage.model.connector import USABLE, Usage
from haulage.model.errors import AuthLost, Refused
from haulage.model.location import Location, parse
from haulage.operations import accounts, connectors
from haulage.services.authorisation import OpensDrives
from haulage.services.contract import Drive, Pacer
from haulage.services.declaration import Service
from haulage.services.registry import by_scheme, services
from haulage.services.transport import limits

HEAR_SECONDS = 1.0


class Given(msgspec.Struct, frozen=True):
    """What a person gave for one side. settings: FIELD=VALUE texts; side: "source" or "destination"."""

    location: str
    side: str
    settings: tuple[str, ...] = ()


def resolve(
    ledger: Ledger, given: Given, environment: Mapping[str, str] | None = None
) -> tuple[Service, Location, dict[str, str]]:
    """The service, the parsed location and all settings of one side. Raises Refused.

    Settings come, first found, from FIELD=VALUE options, HAULAGE_SOURCE_<VARIABLE> or HAULAGE_DESTINATION_<VARIABLE>,
    and the variable itself. What holds instead of others (`Field.instead_of`) does so only for those further away. A
    connector's settings are its own, and nothing else is mixed in.
    """
    environment = os.environ if environment is None else environment
    location = parse(given.location)
    if location.connector is not None:
        chosen, settings = connectors.settings_of(ledger, location.connector)
        if given.settings:
            raise Refused(
                f"the connector {location.connector} has its own settings", "Leave out the settings of that side."
            )
        return chosen, location, settings
    chosen = _by_scheme(location)
    if chosen.authorisation is not None:
        raise Refused(
            f"{chosen.title} is reached through a connector",
            f"Add one with `haulage connectors add {chosen.id}`, then write NAME:/path.",
        )
    options = read_settings(chosen, given.settings, environment)
    of_side = f"HAULAGE_{given.side.upper()}_"
    settings = _nearest(chosen, *(_from_environment(chosen, start, environment) for start in ("", of_side)), options)
    keep_secret(settings.get(field.name, "") for field in chosen.fields if field.secret)
    if chosen.at_url is not None and location.scheme is not None:
        told, root = chosen.at_url(location.scheme, location.root)
        return chosen, msgspec.structs.replace(location, root=root), {**settings, **told}
    return chosen, location, settings


def _by_scheme(location: Location) -> Service:
    if (found := by_scheme(location.scheme)) is not None:
        return found
    schemes = ", ".join(f"{one.scheme}://" for one in services().values())
    raise Refused(f"there is no service for {location.scheme}://", f"Known are {schemes} and connector-name:/path.")


def _from_environment(chosen: Service, start: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What the variables say whose names begin so; of a field's several the first."""
    found = {}
    for field in chosen.fields:
        if value := next(filter(None, (environment.get(start + variable) for variable in field.env)), None):
            found[field.name] = value
    return found


def _nearest(chosen: Service, *levels: Mapping[str, str]) -> dict[str, str]:
    """The settings of all levels, the last of which is the nearest: it holds where several give the same field."""
    settings: dict[str, str] = {}
    for level in levels:
        displaced = {other for field in chosen.fields if level.get(field.name) for other in field.instead_of}
        settings = {name: value for name, value in settings.items() if name not in displaced} | dict(level)
    return settings


def read_settings(chosen: Service, texts: tuple[str, ...], environment: Mapping[str, str]) -> dict[str, str]:
    """FIELD=VALUE texts as settings. A secret is never in the command line: `env:VARIABLE` or `file:PATH` names it.

    Raises Refused.
    """
    fields = {field.name: field for field in chosen.fields}
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:  # not quoted: it may be a secret
            raise Refused(f"a setting of {chosen.id} lacks its '='", f"Write FIELD=VALUE; {', '.join(fields)}.")
        if name not in fields:
            raise Refused(
                f"{name!r} is not a setting of {chosen.id}", f"Choose from {', '.join(fields)}, as FIELD=VALUE."
            )
        if value.startswith("env:"):
            if not (found := environment.get(value[4:])):
                raise Refused(
                    f"the environment variable {value[4:]} is not set", f"Set it to the {fields[name].title}."
                )
            value = found
        elif value.startswith("file:"):
            try:
                value = Path(value[5:]).read_text().strip()
            except OSError as error:
                raise Refused(
                    f"cannot read {value[5:]}: {error.strerror}", "Check the file's name and rights."
                ) from None
        elif fields[name].secret:
            raise Refused(
                f"{name} is a secret, and a command line can be seen by others",
                f"Write {name}=env:VARIABLE or {name}=file:PATH.",
            )
        settings[name] = value
    return settings


async def open_drive(ledger: Ledger, given: Given, watch: Watch | None) -> Drive:
    """The drive at a location, paced by what its service has asked for, in this run or an earlier one.

    watch: the run's; None where a person waits for a few answers: then the service is not waited for without end.
    """
    chosen, location, settings = resolve(ledger, given)
    if not location.root and not chosen.whole_root:
        raise Refused(
            f"{location.shown!r} names no {chosen.root_title}", f"Add one: {location.shown.rstrip('/')}/NAME."
        )
    if chosen.open_drive is None and {".", ".."} & set(location.root.split("/")):
        raise Refused(f"{location.shown!r} goes by '.' or '..', which are no folders there", "Write the path itself.")
    row = connector_of(ledger, given)
    pacer = await _pacer_for(ledger, chosen, settings, row, watch)
    if chosen.open_drive is not None:
        return chosen.open_drive(settings, location.root, pacer)
    account = accounts.open_account(ledger, row, settings, pacer) if row is not None else None
    if isinstance(account, OpensDrives):
        return account.open(location.root)
    if account is not None:
        await account.close()
    raise Refused(f"the files of {chosen.title} cannot be reached yet", "Its accounts can be connected and checked.")


async def _pacer_for(
    ledger: Ledger, chosen: Service, settings: Mapping[str, str], row: ConnectorRow | None, watch: Watch | None
) -> Pacer:
    scope = _scope(chosen, settings)
    if watch is None:
        patience = Patience(chosen.title)
        left = (await ledger.run(work.pause_until, scope) - now_us()) / 1_000_000
        if left > 0:
            patience.throttled(left)
        return patience
    paced = await _pacer(ledger, scope, chosen.called, watch)
    return paced if row is None else PermittedPacer(watch.permits.setdefault(row.id, Permit()), paced)


def connector_of(ledger: Ledger, given: Given) -> ConnectorRow | None:
    """The connector that a location names; None for a URL. Raises Refused."""
    name = parse(given.location).connector if given.location else None
    return None if name is None else ledger.read(connector_rows.get, name)


class ReadOnly(Refused):
    """A connector that may only read is wanted as the destination (S06)."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the connector {name} was authorised for reading only",
            f"Run `haulage connectors reauthorize {shlex.quote(name)} --access write`.",
        )


def refuse_read_only(ledger: Ledger, destination: Given) -> None:
    """Raises Refused for a destination whose connector was authorised for reading only (S06)."""
    row = connector_of(ledger, destination)
    if row is not None and row.usage == Usage.READ:
        raise ReadOnly(row.name)


def lost_at(ledger: Ledger, sides: Sequence[Given], error: AuthLost) -> AuthLost:
    """An account was refused: its connector, where it has one, is marked, and the error says how to go on."""
    suspects = [one for one in sides if error.side in (None, one.side)]
    found = [row for row in (connector_of(ledger, one) for one in suspects) if row is not None]
    return accounts.lost(ledger, found[0], error) if len(found) == 1 else error


async def _watch_connectors(ledger: Ledger, watch: Watch) -> None:
    """What a person does to a connector in another process holds for this run too, at its next call (F62)."""
    for connector_id, permit in watch.permits.items():
        row = await asyncio.to_thread(ledger.read, connector_rows.by_id, connector_id)
        refused = None if row.state in USABLE else unusable(row)
        permit.refusal = None if refused is None else (refused.message, refused.fix)


@asynccontextmanager
async def hearing_others(ledger: Ledger, watch: Watch) -> AsyncIterator[None]:
    """While the body runs, what other processes are asked to wait holds for its scopes too, within a second (F02)."""

    async def listen() -> None:
        while True:
            await asyncio.sleep(HEAR_SECONDS)
            for scope, pacer in watch.pacers.items():
                until = await ledger.run(work.pause_until, scope)
                pacer.heard((until - now_us()) / 1_000_000)
            await _watch_connectors(ledger, watch)

    listening = asyncio.create_task(listen())
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)  # if it failed, so does the run's next commit


async def _pacer(ledger: Ledger, scope: str, called: str, watch: Watch) -> ScopePacer:
    """The one pacer of that scope in this run, whichever sides it serves."""
    if scope not in watch.pacers:
        until = await ledger.run(work.pause_until, scope)

        def on_pause(name: str, seconds: float, slower: bool) -> None:
            watch.paused(name, seconds, called, slower=slower)
            if seconds >= 1:
                ledger.later(work.pause_until, name, now_us() + int(seconds * 1_000_000))

        left = max(0.0, (until - now_us()) / 1_000_000)
        if left:
            watch.paused(scope, left, called)
        watch.pacers[scope] = ScopePacer(scope, on_pause, left, limits().longest_backoff_seconds)
    return watch.pacers[scope]


def is_prefix(given: Given, drive: Drive) -> bool:
    """Whether it is a prefix of keys: there is no such thing by itself, so nothing below it means a misspelt one."""
    return "/" in parse(given.location).root and drive.traits.folders == "markers"


def _scope(chosen: Service, settings: Mapping[str, str]) -> str:
    """The budget scope: the account at its endpoint, without secrets."""
    public = [settings.get(field.name, "") for field in chosen.fields if not field.secret]
    return " ".join([chosen.title, *dict.fromkeys(value for value in public if value and len(value) < 100)])
