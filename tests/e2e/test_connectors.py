"""`haulage connectors` as a person uses it, and what they see of the keys: nothing."""

import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

from haulage.services.registry import PLACES
from testbed.servers import Azurite, SeaweedFS, s3_client
from tests.e2e.program import PROGRAM, Program
from tests.unit.engine.sides import write

CANARY = "canary-5up3r-53cr37"


def nowhere_in(folder: Path, *secrets: str) -> None:
    """No file below it holds any of the secrets."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    assert files
    for file in files:
        body = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in body], file


def typed(haulage: Program, words: list[str], answers: list[tuple[str, str]], timeout: float = 60) -> tuple[int, str]:
    """Run the program on a terminal; at each prompt type the answer. Returns its exit code and what was on screen."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *words], env=haulage.environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    screen, left, deadline = "", list(answers), time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    screen += os.read(master, 65536).decode(errors="replace")
                except OSError:  # how Linux tells that the program has closed the terminal
                    break
            if left and left[0][0] in screen:
                os.write(master, f"{left.pop(0)[1]}\n".encode())
        return process.wait(timeout=30), screen
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        os.close(master)


def test_the_life_of_a_connector(haulage: Program, seaweed: SeaweedFS, bucket: str, tmp_path: Path) -> None:
    """Added with a key from a file, used for a copy, shown, and removed; the key is nowhere to be seen."""
    secret = seaweed.secret_access_key
    client = s3_client(seaweed)
    client.create_bucket(Bucket=bucket)
    key_file = tmp_path / "key"
    key_file.write_text(secret)
    words = ("connectors", "add", "s3", "Archive 1", "--set", f"endpoint_url={seaweed.endpoint_url}")
    words += ("--set", f"access_key_id={seaweed.access_key_id}", "--set", f"secret_access_key=file:{key_file}")
    added = haulage(*words, "--json")
    assert added.code == 0
    (told,) = added.events
    assert (told["event"], told["name"], told["secrets"]) == ("added", "Archive 1", "sealed")
    assert told["check"]["asked"] is True
    assert told["check"]["roots"] >= 1
    twice = haulage(*words)
    assert (twice.code, "already" in twice.err) == (2, True)

    write(tmp_path / "data", {"a.txt": b"first"})
    copied = haulage("copy", str(tmp_path / "data"), f"archive 1:/{bucket}/in")
    assert copied.code == 0
    assert haulage("verify", str(tmp_path / "data"), f"Archive 1:/{bucket}/in").code == 0
    assert client.get_object(Bucket=bucket, Key="in/a.txt")["Body"].read() == b"first"

    listed, shown = haulage("connectors", "list"), haulage("connectors", "show", "ARCHIVE 1")
    assert listed.out.startswith("Archive 1  Amazon S3  authorised  haulage  read and write  last transfer 20")
    assert "90 days to idle" in listed.out
    assert "  secrets: sealed\n" in shown.out
    assert "  account: haulage\n" in shown.out
    assert "  access_key_id: HAULAGEKEY\n" in shown.out
    assert "connector authorise  by " in shown.out
    assert haulage("connectors", "list", "--json").events[0]["connectors"][0]["name"] == "Archive 1"
    assert haulage("connectors", "show", "archive 1", "--json").events[0]["connector"]["secrets"] == "sealed"
    for ran in (added, twice, copied, listed, shown):
        assert secret not in ran.out + ran.err
    nowhere_in(haulage.home, secret)

    refused = haulage("connectors", "delete", "archive 1")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    removed = haulage("connectors", "delete", "archive 1", "--yes", "--json")
    assert (removed.code, removed.events[0]["event"], removed.events[0]["revoked"]) == (0, "deleted", False)
    assert haulage("connectors", "list").out == "There are none. Add one with: haulage connectors add SERVICE NAME\n"
    gone = haulage("copy", str(tmp_path / "data"), f"archive 1:/{bucket}/in", "--json")
    assert (gone.code, gone.events[-1]["code"]) == (2, "refused")


def test_a_wrong_key_is_refused_and_nothing_is_kept(haulage: Program, seaweed: SeaweedFS) -> None:
    """The account says so; --no-check keeps it anyway, and says that nobody has asked."""
    haulage.environment |= {**seaweed.env, "AWS_ENDPOINT_URL": seaweed.endpoint_url, "AWS_SECRET_ACCESS_KEY": CANARY}
    wrong = haulage("connectors", "add", "s3", "mine", "--from-env")
    assert (wrong.code, "HAULAGEKEY" in wrong.out) == (4, False)
    assert "Check the key, secret or token" in wrong.err
    assert haulage("connectors", "list", "--json").events == [{"connectors": []}]
    kept = haulage("connectors", "add", "s3", "mine", "--from-env", "--no-check")
    assert (kept.code, "The account was not asked" in kept.out) == (0, True)
    used = haulage("scan", "mine:/bucket")
    assert used.code == 4
    assert CANARY not in wrong.out + wrong.err + kept.out + kept.err + used.out + used.err
    nowhere_in(haulage.home, CANARY)


def test_keys_of_the_same_account_and_of_another(haulage: Program, seaweed: SeaweedFS, tmp_path: Path) -> None:
    """S07: a second key of the account takes the place of the first; a stranger's key does not, and nothing changes."""
    haulage.environment |= {**seaweed.env, "AWS_ENDPOINT_URL": seaweed.endpoint_url}
    assert haulage("connectors", "add", "s3", "mine", "--from-env").code == 0
    haulage.environment |= dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), seaweed.strangers_key, strict=True))
    refused = haulage("connectors", "reauthorize", "mine", "--from-env")
    assert refused.code == 2
    assert "these keys are of stranger, but the connector mine is of haulage" in refused.err
    assert "add another connector" in refused.err
    assert haulage("connectors", "show", "mine", "--json").events[0]["connector"]["settings"]["access_key_id"] == (
        seaweed.access_key_id
    )
    haulage.environment |= dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), seaweed.second_key, strict=True))
    renewed = haulage("connectors", "reauthorize", "mine", "--from-env")
    assert (renewed.code, "The account is haulage." in renewed.out) == (0, True)
    assert "The account is haulage. It lists" in haulage("connectors", "check", "mine").out


def test_azure_in_the_environment(haulage: Program, azurite: Azurite) -> None:
    """A connection string is a secret as a whole."""
    string = f"AccountName={azurite.account_name};AccountKey={azurite.account_key};BlobEndpoint={azurite.endpoint_url};"
    haulage.environment["AZURE_STORAGE_CONNECTION_STRING"] = string
    added = haulage("connectors", "add", "azure-blob", "mine", "--from-env")
    assert (added.code, added.err) == (0, "")
    assert "The account is devstoreaccount1 at 127.0.0.1. It lists" in added.out
    haulage.environment["AZURE_STORAGE_CONNECTION_STRING"] = string.replace(azurite.account_key, "Y2FuYXJ5LTV1cDNy")
    wrong = haulage("connectors", "add", "azure-blob", "other", "--from-env", "--json")
    assert (wrong.code, wrong.events[0]["code"]) == (4, "authorisation")
    assert azurite.account_key not in added.out
    assert "Y2FuYXJ5LTV1cDNy" not in wrong.out + wrong.err
    nowhere_in(haulage.home, azurite.account_key, "Y2FuYXJ5LTV1cDNy")


def test_keys_typed_on_a_terminal_do_not_show(haulage: Program, seaweed: SeaweedFS) -> None:
    """The secret is asked for without echo; removing wants the name to be typed."""
    words = ["connectors", "add", "s3", "Typed", "--set", f"endpoint_url={seaweed.endpoint_url}"]
    words += ["--set", f"access_key_id={seaweed.access_key_id}"]
    prompt = "Secret access key (not shown, Enter for none): "
    code, screen = typed(haulage, words, [(prompt, seaweed.secret_access_key)])
    assert (code, "Added Typed: Amazon S3." in screen) == (0, True)
    assert seaweed.secret_access_key not in screen
    assert "Session token" not in screen

    code, screen = typed(haulage, ["connectors", "delete", "typed"], [("to delete it: ", "typed")])
    assert (code, "was not deleted" in screen) == (2, True)
    code, screen = typed(haulage, ["connectors", "delete", "typed"], [("to delete it: ", "Typed")])
    assert (code, "Deleted Typed." in screen) == (0, True)


def test_a_folder_is_a_connector_too(haulage: Program, tmp_path: Path) -> None:
    """Its paths begin at the root of the machine."""
    write(tmp_path / "data", {"a.txt": b"first"})
    assert haulage("connectors", "add", "local", "disk").code == 0
    assert haulage("copy", f"disk:{tmp_path}/data", f"disk:{tmp_path}/there").code == 0
    assert (tmp_path / "there" / "a.txt").read_bytes() == b"first"


def test_what_can_be_connected(haulage: Program) -> None:
    """Every service with its fields and their variables, in words and in JSON."""
    ran = haulage("connectors", "services")
    assert "s3: Amazon S3 (s3://, or NAME:/bucket/path)" in ran.out
    assert "  secret_access_key [secret]: Secret access key." in ran.out
    assert "    --from-env: AZURE_STORAGE_KEY, AZURE_STORAGE_ACCOUNT_KEY" in ran.out
    told = {one["id"]: one for one in haulage("connectors", "services", "--json").events[0]["services"]}
    assert set(told) == set(PLACES)
    secret = next(field for field in told["s3"]["fields"] if field["name"] == "secret_access_key")
    assert (secret["secret"], secret["environment"]) == (True, ["AWS_SECRET_ACCESS_KEY"])
    refused = haulage("connectors", "add", "gopher", "x")
    assert (refused.code, "Choose one of s3, azure-blob" in refused.err) == (2, True)
