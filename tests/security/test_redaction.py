"""No secret leaves the program: canaries in every place where a person may put one, and a look at all it leaves."""

import base64
import json
import logging
import re
import sqlite3
import string
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage import logs
from haulage.cli import main as program
from haulage.logs import FromLibraries, Log, RunLog, keep_secret, redact, redacted
from haulage.model.errors import Refused
from testbed.servers import Azurite, Moto, SeaweedFS, blob_client, s3_client
from tests.e2e.program import Program, Ran

CANARY = "cAnArY+secret/0123456789=abcdefXYZ"
TOKEN = "cAnArYtoken//ZXhhbXBsZQ+==0987654321"
AZURE_KEY = base64.b64encode(b"canary of an azure account key, 64 bytes, as every one of them..").decode()
SIGNATURE = "cAnArYsig/abc+def=="
QUICK = {"HAULAGE_ATTEMPTS": "2", "HAULAGE_BACKOFF_SECONDS": "0.01"}


@pytest.fixture
def haulage(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", QUICK)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets that one test makes known are not known to the next."""
    monkeypatch.setattr(logs, "_secrets", {})


def spellings(secret: str) -> set[str]:
    plain = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    return plain | {base64.b64encode(secret.encode()).decode().rstrip("=")[:-1], secret.encode().hex()}


def hits(home: Path, secrets: list[str], *ran: Ran) -> list[str]:
    """Where a secret is found: in any file of the state folder, in what the ledger holds, in what was printed."""
    places = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    with sqlite3.connect(f"file:{home / 'ledger.db'}?mode=ro", uri=True) as ledger:
        places["dump"] = "\n".join(ledger.iterdump()).encode()
    for number, one in enumerate(ran):
        places[f"output of {number}"] = (one.out + one.err).encode()
    return [
        f"{spelling} in {name}"
        for name, content in places.items()
        for secret in secrets
        for spelling in spellings(secret)
        if spelling.encode() in content
    ]


def files(root: Path) -> Path:
    root.mkdir()
    for number in range(3):
        (root / f"file {number}").write_text(f"{number}")
    return root


def everything(haulage: Program, *words: str) -> list[Ran]:
    """The copy, for people and for machines, and all that is told of it afterwards."""
    ran = [haulage(*words), haulage(*words, "--json"), haulage("runs", "--json")]
    return [*ran, haulage("log", "last", "--csv"), haulage("report", "last")]


def test_wrong_keys_for_s3(haulage: Program, seaweed: SeaweedFS, bucket: str, tmp_path: Path) -> None:  # S15, G14
    s3_client(seaweed).create_bucket(Bucket=bucket)
    keys = {"AWS_SECRET_ACCESS_KEY": CANARY, "AWS_SESSION_TOKEN": TOKEN, "AWS_ENDPOINT_URL": seaweed.endpoint_url}
    haulage.environment |= {**seaweed.env, **keys}
    ran = everything(haulage, "copy", str(files(tmp_path / "source")), f"s3://{bucket}")
    assert ran[0].code == 4, ran[0].err
    assert (haulage.home / "logs" / "haulage.log").exists()
    assert not hits(haulage.home, [CANARY, TOKEN], *ran)


def test_a_whole_copy_to_s3(haulage: Program, moto: Moto, bucket: str, tmp_path: Path) -> None:
    s3_client(moto).create_bucket(Bucket=bucket)
    keys = {"AWS_SECRET_ACCESS_KEY": CANARY, "AWS_SESSION_TOKEN": TOKEN, "AWS_ENDPOINT_URL": moto.endpoint_url}
    haulage.environment |= {**moto.env, **keys}
    ran = everything(haulage, "copy", str(files(tmp_path / "source")), f"s3://{bucket}")
    assert ran[0].code == 0, ran[0].err
    assert hits(haulage.home, [bucket], *ran), "the search finds nothing at all"
    assert not hits(haulage.home, [CANARY, TOKEN], *ran)


@pytest.mark.parametrize(
    "keys",
    [
        {"AZURE_STORAGE_KEY": AZURE_KEY},
        {"AZURE_STORAGE_SAS_TOKEN": f"sv=2024-11-04&sp=rwl&sig={quote(SIGNATURE, safe='')}"},
        {
            "AZURE_STORAGE_CONNECTION_STRING": (
                f"BlobEndpoint=ENDPOINT;AccountName=devstoreaccount1;AccountKey={AZURE_KEY}"
            )
        },
    ],
    ids=["key", "sas", "connection string"],
)
def test_wrong_keys_for_azure(
    haulage: Program, azurite: Azurite, container: str, tmp_path: Path, keys: dict[str, str]
) -> None:
    blob_client(azurite).create_container(container)
    account = {"AZURE_STORAGE_ACCOUNT": azurite.account_name, "AZURE_STORAGE_BLOB_ENDPOINT": azurite.endpoint_url}
    keys = {name: value.replace("ENDPOINT", azurite.endpoint_url) for name, value in keys.items()}
    haulage.environment |= {**account, **keys}
    ran = everything(haulage, "copy", str(files(tmp_path / "source")), f"az://{container}")
    assert ran[0].code == 4, ran[0].err
    assert not hits(haulage.home, [AZURE_KEY, SIGNATURE], *ran)


def test_a_service_that_cannot_be_reached(haulage: Program, tmp_path: Path) -> None:
    haulage.environment |= {
        "AZURE_STORAGE_ACCOUNT": "devstoreaccount1",
        "AZURE_STORAGE_BLOB_ENDPOINT": "http://127.0.0.1:9/devstoreaccount1",
        "AZURE_STORAGE_SAS_TOKEN": f"sv=2024-11-04&sig={quote(SIGNATURE, safe='')}",
    }
    ran = everything(haulage, "copy", str(files(tmp_path / "source")), "az://box")
    assert ran[0].code == 5, ran[0].err
    assert not hits(haulage.home, [SIGNATURE], *ran)


def test_a_connector_and_its_sealed_secret(
    haulage: Program, seaweed: SeaweedFS, moto: Moto, bucket: str, tmp_path: Path
) -> None:
    s3_client(moto).create_bucket(Bucket=bucket)
    haulage.environment |= {"CANARY": CANARY}
    settings = ("--set", "secret_access_key=env:CANARY", "--set", "access_key_id=KEY", "--set")
    refused = haulage("connectors", "add", "s3", "wrong", *settings, f"endpoint_url={seaweed.endpoint_url}")
    assert refused.code == 4, refused.err
    added = haulage("connectors", "add", "s3", "box", *settings, f"endpoint_url={moto.endpoint_url}")
    assert added.code == 0, added.err
    shown = haulage("connectors", "list", "--json")
    ran = everything(haulage, "copy", str(files(tmp_path / "source")), f"box:/{bucket}")
    assert ran[0].code == 0, ran[0].err
    assert not hits(haulage.home, [CANARY], refused, added, shown, *ran)


def test_an_unexpected_error_is_a_sentence_and_a_traceback_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAULAGE_HOME", str(tmp_path))
    keep_secret([CANARY])

    def breaks(*_: object, **__: object) -> None:
        try:
            raise ValueError(f"Authorization: Bearer {TOKEN}")
        except ValueError as error:
            raise ExceptionGroup("several", [RuntimeError(f"{CANARY} in\na name\x1b[31m")]) from error

    monkeypatch.setattr(program, "app", breaks)
    with pytest.raises(SystemExit) as ended:
        program.main(["copy"])
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    log = tmp_path / "logs" / "haulage.log"
    assert str(log) in err and "RuntimeError" in err and "Traceback" not in err and "\x1b" not in err
    written = log.read_text()
    assert "Traceback" in written and "breaks" in written
    assert len(written.splitlines()) == 1
    for secret in (CANARY, TOKEN):
        assert secret not in written + out + err
    with pytest.raises(SystemExit):
        program.main(["copy", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["code"], told["log"]) == ("bug", str(log))
    assert CANARY not in json.dumps(told)


LEAKS = [
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/2026/us/s3/aws4_request, SignedHeaders=host, Signature=SECRET",
    "{'Authorization': 'SharedKey devstoreaccount1:SECRETSECRET='}",
    '{"authorization": "Bearer SECRETSECRET"}',
    "x-amz-security-token: SECRET",
    "'X-Amz-Security-Token': 'SECRET'",
    "GET https://host/b/k?X-Amz-Algorithm=AWS4&X-Amz-Signature=SECRET&x=1",
    "https://a.blob.core.windows.net/c?sv=2024&sig=SECRET&se=2026",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=SECRET;EndpointSuffix=b",
    "SharedAccessSignature=sv=2024&sig=SECRET",
    "https://host/callback?code=SECRET&state=SECRET",
    "secret_access_key=SECRET",
    "{'client_secret': 'SECRET'}",
    "aws_session_token = SECRET",
    "password: SECRET",
    "refresh_token=SECRET&grant_type=x",
    "Cookie: session=SECRET; other=SECRET",
    "Proxy-Authorization: Basic SECRETSECRET",
    "got bearer SECRETSECRET from the cache",
]


@pytest.mark.parametrize("text", LEAKS)
def test_what_looks_like_a_secret_is_one(text: str) -> None:
    cleaned = redact(text)
    assert "SECRET" not in cleaned, cleaned
    assert "[redacted]" in cleaned


@pytest.mark.parametrize(
    "text", ["the code is 7", "file.txt", "signature.pdf", "tokens/a.txt", "status 403: AccessDenied", "a=b&c=d"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(string.ascii_letters + string.digits + "+/=%' \"\\", min_size=8, max_size=60))
def test_known_secrets_are_found_in_any_spelling(secret: str) -> None:
    logs._secrets.clear()
    keep_secret([secret])
    shown = redact(f"a {secret} b {quote(secret, safe='')} c {quote_plus(secret)} d")
    assert secret not in shown.replace("[redacted]", "")
    assert quote(secret, safe="") not in shown.replace("[redacted]", "")


def test_redaction_goes_all_the_way_down() -> None:
    event = {
        "a": [{"secret_access_key": "x", "path": "p?sig=abc"}],
        "token": "",
        "n": 1,
        "none": None,
        "b": Refused("y"),
    }
    assert redacted(event) == {
        "a": [{"secret_access_key": "[redacted]", "path": "p?sig=[redacted]"}],
        **{"token": "", "n": 1, "none": None, "b": "y"},
    }


def lines(log: Log) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_names_cannot_forge_lines_of_the_log(tmp_path: Path) -> None:  # S38
    log = Log(tmp_path)
    name = 'a\n{"event": "ended", "status": 100}\x1b[2J\u202e\u2028\x00"'
    RunLog(log).event("problem", {"path": name, "outcome": "failed", "code": "hash", "message": name})
    raw = log.path.read_bytes()
    assert raw.count(b"\n") == 1 and raw.endswith(b"\n")
    assert re.fullmatch(rb"[\x20-\x7e]+\n", raw)
    assert lines(log)[0]["path"] == name


def test_the_log_is_for_its_owner_only_and_holds_no_progress(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs")
    run = RunLog(log)
    for name in ("progress", "plan"):
        run.event(name, {"path": "x"})
    assert not (tmp_path / "logs").exists()
    run.event("started", {"run": 7})
    run.event("waiting", {"scope": "s", "seconds": 3})
    assert [(line["event"], line["run"], line["level"]) for line in lines(log)] == [
        ("started", 7, "info"),
        ("waiting", 7, "info"),
    ]
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_flood_of_problems_is_cut_and_says_where_the_rest_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PROBLEMS_A_RUN", 5)
    log = Log(tmp_path)
    run = RunLog(log)
    run.event("started", {"run": 7})
    for number in range(100):
        run.event("problem", {"path": f"{number}"})
    assert len(lines(log)) == 7
    assert lines(log)[-1]["see"] == "haulage log 7 --failures"


def test_a_full_log_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST_BYTES", 1000)
    log = Log(tmp_path)
    for number in range(100):
        log.note("line", number=number)
    written = {path.name: path.stat().st_size for path in tmp_path.glob("haulage.log*")}
    assert written.keys() == {"haulage.log", *(f"haulage.log.{number}" for number in range(1, logs.KEPT_FILES + 1))}
    assert max(written.values()) <= 1000
    assert lines(log)[-1]["number"] == 99


def test_a_log_that_cannot_be_written_is_said_once_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    log = Log(tmp_path / "logs")
    log.note("one")
    log.note("two")
    assert capsys.readouterr().err.count("cannot be written") == 1


def test_warnings_of_libraries_are_redacted_too(tmp_path: Path) -> None:
    log = Log(tmp_path)
    logger = logging.getLogger("haulage.test.library")
    handler = FromLibraries(log)
    logger.addHandler(handler)
    try:
        logger.warning("request to %s", "https://host/?sig=SECRET")
        logger.info("not this one")
        try:
            raise ValueError("token=SECRET")
        except ValueError:
            logger.exception("never retrieved")
    finally:
        logger.removeHandler(handler)
    assert [line["event"] for line in lines(log)] == ["library", "unexpected error"]
    assert "SECRET" not in log.path.read_text()
