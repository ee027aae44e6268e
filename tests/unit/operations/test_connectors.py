"""Connectors: what is kept, what is refused, and that a secret is shown nowhere."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from haulage.connectors.vault import VaultError
from haulage.ledger import connectors as rows
from haulage.ledger.audit import PROGRAM
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, Denied, Refused
from haulage.operations import browsing, connectors, departures
from haulage.operations.connectors import Standing
from haulage.operations.locations import Given, read_settings, resolve
from haulage.services.authorisation import Identity
from haulage.services.declaration import Service
from haulage.services.registry import service, services

CANARY = "canary-5up3r-53cr37"
S3 = {"access_key_id": "AKIA1", "secret_access_key": CANARY, "endpoint_url": "https://s3.example"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of its own."""
    opened = Ledger.open(tmp_path / "state" / "ledger.db")
    yield opened
    opened.close()


def alter(ledger: Ledger, statement: str) -> None:
    """As somebody who can write the ledger, but has no key."""
    with ledger.transaction() as connection:
        connection.exec_driver_sql(statement)


def test_a_connector_is_kept_with_its_secrets_sealed(ledger: Ledger) -> None:
    """Its settings come back whole; what is shown and what is on the disk holds no secret."""
    row = connectors.add(ledger, "Mine", service("s3"), {**S3, "region": ""})
    chosen, settings = connectors.settings_of(ledger, "mine")
    assert (chosen.id, settings) == ("s3", S3)
    shown = [connectors.one(ledger, "MINE"), *connectors.every(ledger), connectors.shown(row)]
    assert shown[0]["settings"] == {"access_key_id": "AKIA1", "endpoint_url": "https://s3.example"}
    assert shown[0]["secrets"] == "sealed"
    assert CANARY not in repr(shown) + repr(row) + repr(ledger) + repr(msgspec.structs.asdict(row))
    for file in ledger.path.parent.iterdir():
        assert CANARY.encode() not in file.read_bytes()


def test_a_location_finds_its_connector(ledger: Ledger) -> None:
    """And nothing of the environment is mixed in."""
    connectors.add(ledger, "mine", service("s3"), S3)
    environment = {"AWS_ACCESS_KEY_ID": "other", "HAULAGE_SOURCE_AWS_REGION": "elsewhere"}
    chosen, location, settings = resolve(ledger, Given("Mine:/bucket/prefix", "source"), environment)
    assert (chosen.id, location.root, settings) == ("s3", "bucket/prefix", S3)
    with pytest.raises(Refused, match="has its own settings"):
        resolve(ledger, Given("mine:/bucket", "source", ("region=x",)), environment)


async def test_a_local_connector_is_looked_into_from_the_top(ledger: Ledger, tmp_path: Path) -> None:
    """The folders of the machine are there to choose from; those in which the kernel shows itself are not."""
    connectors.add(ledger, "here", service("local"), {})
    found = await browsing.browse(ledger, "here:/")
    assert tmp_path.parts[1] in found.roots
    assert not {"dev", "proc", "sys"} & set(found.roots)
    assert found.kinds == {"folder": len(found.roots)}
    (tmp_path / "within").mkdir()
    below = await browsing.browse(ledger, f"here:{tmp_path}")
    assert "within" in [one.path for one in below.items]
    assert not (await connectors.check(service("local"), {})).asked


@pytest.mark.parametrize("name", ["", " a", "a ", "a:b", "a/b", "a\nb", "a\x00", "a\u202eb", "-a", "\t"])
def test_names_that_cannot_be(ledger: Ledger, name: str) -> None:
    """A location could not name them, or a person not read them."""
    with pytest.raises(Refused, match="cannot be a name"):
        connectors.add(ledger, name, service("local"), {})
    assert connectors.every(ledger) == []


@pytest.mark.parametrize(
    ("name", "other"), [("mine", "MINE"), ("Straße", "STRASSE"), ("caf\u00e9", "cafe\u0301"), ("É", "e\u0301")]
)
def test_a_name_is_taken_in_any_spelling(ledger: Ledger, name: str, other: str) -> None:
    """Case and Unicode form do not make another name; the first one stays what it was."""
    connectors.add(ledger, name, service("s3"), S3)
    with pytest.raises(Refused, match="already"):
        connectors.add(ledger, other, service("local"), {})
    assert connectors.one(ledger, other)["name"] == name
    assert connectors.one(ledger, other)["service"] == "s3"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE connectors SET settings = replace(settings, 'https://s3.example', 'https://evil.example')",
        "UPDATE connectors SET settings = '{}'",
        "UPDATE connectors SET service = 'azure-blob'",
        "UPDATE connectors SET sealed = (SELECT sealed FROM connectors WHERE name = 'other') WHERE name = 'mine'",
        "UPDATE connectors SET sealed = x'01'",
    ],
    ids=["endpoint", "settings", "service", "another's secrets", "rubbish"],
)
def test_an_altered_row_does_not_open(ledger: Ledger, statement: str) -> None:
    """Nobody gets a secret sent to another place by editing the ledger."""
    connectors.add(ledger, "mine", service("s3"), S3)
    connectors.add(ledger, "other", service("s3"), S3)
    alter(ledger, statement)
    with pytest.raises(VaultError):
        connectors.settings_of(ledger, "mine")


@pytest.mark.parametrize(
    ("service_id", "had", "moves"),
    [
        ("s3", S3, {"endpoint_url": "https://evil.example"}),
        ("s3", S3, {"endpoint_url": ""}),
        ("azure-blob", {"account_name": "a", "account_key": CANARY}, {"account_name": "b"}),
        ("azure-blob", {"account_name": "a", "account_key": CANARY}, {"endpoint_url": "https://evil.example"}),
        ("gcs", {"client_id": "c", "refresh_token": CANARY}, {"endpoint_url": "https://evil.example"}),
        ("sftp", {"server": "a", "user": "u", "password": CANARY}, {"server": "b"}),
        ("webdav", {"url": "https://a/dav", "username": "u", "password": CANARY}, {"url": "https://b/dav"}),
    ],
)
def test_another_endpoint_gets_no_old_key(
    ledger: Ledger, service_id: str, had: dict[str, str], moves: dict[str, str]
) -> None:
    """S18: it is cleared, and has to be given again; whoever only renews a key keeps the rest."""
    chosen = service(service_id)
    row = connectors.add(ledger, "mine", chosen, had)
    settings = connectors.changed(ledger, row, chosen, moves)
    assert CANARY not in settings.values()
    with pytest.raises(Refused, match="were given for the endpoint") as told:
        connectors.renew(ledger, row, chosen, settings, PROGRAM, connectors.KEYS)
    assert "again" in told.value.fix
    assert connectors.settings_of(ledger, "mine")[1] == had
    assert connectors.changed(ledger, row, chosen, {}) == had


def test_every_field_that_says_where_to_call_is_an_endpoint() -> None:
    """S18 rests on the declaration; no service may forget it."""
    where = {"endpoint_url", "url", "server", "port", "domain", "account_name"}
    for one in services().values():
        forgotten = [field.name for field in one.fields if field.name in where and not field.endpoint]
        assert forgotten == ([] if one.id != "webdav" else ["server"]), one.id  # there it is the kind of server


def test_nothing_half_made_is_kept(ledger: Ledger) -> None:
    """Where the vault cannot seal, there is no connector either."""
    key_file = ledger.path.parent / "vault.key"
    key_file.write_bytes(b"no key")
    key_file.chmod(0o600)
    with pytest.raises(VaultError):
        connectors.add(ledger, "mine", service("s3"), S3)
    assert ledger.read(rows.every, deleted=True) == []


@pytest.mark.parametrize("endpoint", ["https://user:pass@host", "https://key@host/x", "http://[@"])
def test_a_secret_in_an_address_is_refused(ledger: Ledger, endpoint: str) -> None:
    """It would stand unsealed in the ledger and in every listing of connectors."""
    with pytest.raises(Refused, match="holds a user or password") as caught:
        connectors.add(ledger, "mine", service("s3"), {**S3, "endpoint_url": endpoint})
    assert "pass" not in str(caught.value).replace("password", "")


def test_what_a_service_requires_is_asked_for(ledger: Ledger) -> None:
    """By the titles of its fields."""
    field = msgspec.structs.replace(service("s3").fields[0], required=True)
    strict = msgspec.structs.replace(service("s3"), fields=(field, *service("s3").fields[1:]))
    with pytest.raises(Refused, match="missing: Access key ID"):
        connectors.add(ledger, "mine", strict, {})


async def test_deleting_destroys_the_secrets(ledger: Ledger) -> None:
    """And says that the key itself lives on; one without secrets has none to speak of. The row stays, for its runs."""
    connectors.add(ledger, "mine", service("s3"), S3)
    connectors.add(ledger, "plain", service("local"), {})
    sealed = ledger.read(rows.get, "mine").sealed
    assert sealed is not None
    left = await departures.delete(ledger, "mine", PROGRAM)
    assert (left.gone, left.revoked, "Keys stay valid" in left.note) == (True, False, True)
    assert (await departures.delete(ledger, "plain", PROGRAM)).note == "It had no keys."
    for act in (connectors.one, connectors.settings_of):
        with pytest.raises(Refused, match="no connector"):
            act(ledger, "mine")
    assert ledger.read(rows.every) == []
    kept = [(one.name, one.state, one.sealed) for one in ledger.read(rows.every, deleted=True)]
    assert kept == [("mine", "deleted", None), ("plain", "deleted", None)]


def test_the_environment_of_a_service() -> None:
    """The first variable that is set counts."""
    environment = {
        "AWS_ACCESS_KEY_ID": "1",
        "AWS_ENDPOINT_URL": "https://b",
        "AWS_REGION": "",
        "AWS_DEFAULT_REGION": "r",
    }
    found = connectors.from_environment(service("s3"), environment)
    assert found == {"access_key_id": "1", "endpoint_url": "https://b", "region": "r"}


def test_settings_never_quote_a_secret(tmp_path: Path) -> None:
    """Neither one that was typed in the wrong place, nor one whose file is not there."""
    chosen = service("s3")
    for texts in (
        (f"secret_access_key={CANARY}",),
        (CANARY,),
        (f"secret_access_key:{CANARY}",),
        ("secret_access_key=env:NOT_SET",),
        (f"secret_access_key=file:{tmp_path}/none",),
    ):
        with pytest.raises(Refused) as caught:
            read_settings(chosen, texts, {})
        assert CANARY not in repr(caught.value) + caught.value.fix
    (tmp_path / "key").write_text(f"{CANARY}\n")
    assert read_settings(chosen, (f"secret_access_key=file:{tmp_path}/key",), {}) == {"secret_access_key": CANARY}
    assert read_settings(chosen, ("secret_access_key=env:K",), {"K": CANARY}) == {"secret_access_key": CANARY}


def asked(answer: Any) -> Service:
    """S3, whose account answers so."""

    async def roots(settings: Mapping[str, str], pacer: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return msgspec.structs.replace(service("s3"), roots=roots, ask_account=None)


async def test_asking_the_account() -> None:
    """What it holds; keys that may not list are good; those that are refused are not."""
    told = await connectors.check(asked(["a", "b"]), S3)
    assert (told.asked, told.roots) == (True, 2)
    assert told.told == "The account is access key AKIA1. It lists 2 buckets."
    nameless = msgspec.structs.replace(asked(["a"]), account=None)
    assert (await connectors.check(nameless, S3)).told == "The account lists 1 bucket."
    limited = await connectors.check(asked(Denied("ListBuckets: AccessDenied")), S3)
    assert (limited.asked, limited.roots) == (True, None)
    assert "name one in the location" in limited.told
    with pytest.raises(AuthLost):
        await connectors.check(asked(AuthLost("wrong")), S3)
    assert (await connectors.check(service("local"), {})).asked is False


KEY_FILE = '{"client_email": "Mover@p.iam.gserviceaccount.com", "private_key": "k"}'
WHOSE = [
    ("s3", S3, "", "access key AKIA1"),
    ("s3", {}, None, None),
    ("azure-blob", {"account_name": "acme"}, "acme", "acme"),
    ("azure-blob", {"connection_string": "AccountName=acme;AccountKey=YQ=="}, "acme", "acme"),
    ("azure-blob", {"endpoint_url": "http://127.0.0.1:10000/dev"}, "dev@127.0.0.1", "dev at 127.0.0.1"),
    ("gcs", {"service_account_key": KEY_FILE}, "mover@p.iam.gserviceaccount.com", "Mover@p.iam.gserviceaccount.com"),
    ("gcs", {"client_id": "c", "refresh_token": "r"}, "", "a person, through the client c"),
    ("gcs", {}, None, None),
    ("sftp", {"server": "Files.example", "user": "ada", "port": "2222"}, "ada@files.example", "ada@files.example"),
    ("ftp", {"server": "files.example", "user": "Ada"}, "Ada@files.example", "Ada@files.example"),
    ("webdav", {"url": "https://Files.example:8443/dav", "username": "ada"}, "ada@files.example", "ada@files.example"),
    ("webdav", {"url": "https://files.example/dav"}, "@files.example", "files.example"),
    ("webdav", {"url": "https://c.example/remote.php/dav/files/ada"}, "ada@c.example", "ada@c.example"),
]


@pytest.mark.parametrize(("service_id", "settings", "account", "name"), WHOSE)
def test_whose_keys_they_are(service_id: str, settings: dict[str, str], account: str | None, name: str | None) -> None:
    """As far as the settings tell; an access key alone names nobody that could be told from others."""
    found = connectors.unasked(service(service_id), settings).identity
    assert (found and found.id, found and found.name) == (account, name)


@pytest.mark.parametrize(
    ("had", "given", "words"),
    [
        ("acme", "acme", None),
        ("acme", "other", "these keys are of other, but the connector mine is of acme"),
        ("", "other", None),
        ("acme", "", None),
        (None, "acme", None),
        ("acme", None, None),
    ],
)
def test_keys_of_another_account(ledger: Ledger, had: str | None, given: str | None, words: str | None) -> None:
    """S07: refused where the two are known and differ; what is not known does not unpin what was."""

    def standing(account: str | None) -> Standing:
        return Standing(identity=None if account is None else Identity(account, account or "a key"))

    row = connectors.add(ledger, "mine", service("s3"), S3, standing=standing(had))
    again = {**S3, "secret_access_key": "another one"}
    if words is not None:
        with pytest.raises(Refused, match=words):
            connectors.renew(ledger, row, service("s3"), again, PROGRAM, standing(given))
        assert connectors.settings_of(ledger, "mine")[1] == S3
        return
    renewed = connectors.renew(ledger, row, service("s3"), again, PROGRAM, standing(given))
    assert renewed.account == (had or given or None)
    assert connectors.settings_of(ledger, "mine")[1] == again


@pytest.mark.parametrize(
    "service_id", [one.id for one in services().values() if one.open_drive is not None and one.id != "local"]
)
async def test_no_object_that_holds_a_secret_shows_it(service_id: str) -> None:
    """repr of the drive and of everything in it, however deep: tracebacks show such things."""
    settings = {
        "s3": {**S3, "session_token": CANARY},
        "azure-blob": {"account_name": "a", "account_key": "Y2FuYXJ5LTV1cDNyLTUzY3IzNw=="},
        "sftp": {"server": "h", "user": "u", "password": CANARY, "private_key": CANARY, "passphrase": CANARY},
        "gcs": {"client_id": "c", "client_secret": CANARY, "refresh_token": CANARY},
        "webdav": {"url": "https://h/dav", "username": "u", "password": CANARY},
        "ftp": {"server": "h", "user": "u", "password": CANARY},
    }[service_id]

    class Pacer:
        async def ready(self) -> None: ...

        def throttled(self, wait_seconds: float | None) -> None: ...

        def answered(self) -> None: ...

        def at_most(self, calls_a_second: float) -> None: ...

    open_drive = service(service_id).open_drive
    assert open_drive is not None
    drive = open_drive(settings, "bucket/prefix", Pacer())
    seen: dict[int, Any] = {}

    def walk(one: Any, depth: int) -> None:
        if depth == 0 or id(one) in seen or isinstance(one, str | bytes | int | float | type(None)):
            return
        seen[id(one)] = one
        fields = getattr(one, "__dict__", None) or {
            name: getattr(one, name, None) for name in getattr(type(one), "__struct_fields__", ())
        }
        for value in fields.values():
            walk(value, depth - 1)

    walk(drive, 6)
    assert len(seen) > 3
    for one in seen.values():
        shown = repr(one) if not isinstance(one, dict) else ""
        assert CANARY not in shown
        assert "Y2FuYXJ5" not in shown
    await drive.close()
