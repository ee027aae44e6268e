"""`haulage scan` as a person sees it."""

from pathlib import Path

from testbed.servers import Azurite, SeaweedFS, blob_client, s3_client
from tests.e2e.program import Program
from tests.unit.engine.sides import write

FILES: dict[str, bytes | None] = {
    "a.txt": b"first",
    "A.txt": b"other",
    "empty": b"",
    "sub/x.bin": b"1" * 5000,
    "sub/back\\slash": b"x" * 1000,
}


def test_a_folder(haulage: Program, tmp_path: Path) -> None:
    """In words and in JSON; nothing is written, and the run is kept."""
    write(tmp_path / "data", FILES)
    (tmp_path / "data" / "bell\a").symlink_to("a.txt")
    ran = haulage("scan", str(tmp_path / "data"))
    assert ran.code == 0
    assert "5 files (1 empty), 5.9 KiB (6,010 bytes); 1 folders (0 empty)." in ran.out
    assert "4.9 KiB  sub/x.bin" in ran.out
    assert "Cannot be copied: 1\n  bell\\x07: symlink to a.txt" in ran.out
    assert "Names that differ only by case or Unicode form: 1\n  a.txt = A.txt" in ran.out
    assert "azure-blob: 1 names would be fitted (such as sub/back\\slash)" in ran.out
    assert "local: everything fits as it is" in ran.out

    told = haulage("scan", str(tmp_path / "data"), "--json")
    assert (told.code, told.ended["status"], told.ended["destination"]) == (0, 102, "")
    assert told.counts["survey"]["bytes"] == 6010

    filtered = haulage("scan", str(tmp_path / "data"), "--json", "--exclude", "sub")
    assert filtered.counts["survey"]["files"] == 3


def test_what_is_not_there(haulage: Program, tmp_path: Path) -> None:
    """A misspelt location is no empty one."""
    ran = haulage("scan", str(tmp_path / "nothing"), "--json")
    assert (ran.code, ran.events[-1]["code"]) == (2, "root_missing")


def test_s3(haulage: Program, seaweed: SeaweedFS, bucket: str) -> None:
    """A bucket's prefix: its folders are those that its keys imply."""
    client = s3_client(seaweed)
    client.create_bucket(Bucket=bucket)
    for number in range(30):
        client.put_object(Bucket=bucket, Key=f"in/{number % 3}/deep/{number}.txt", Body=b"x" * number)
    client.put_object(Bucket=bucket, Key="out/not.txt", Body=b"x")
    haulage.environment |= seaweed.env
    ran = haulage("scan", f"s3://{bucket}/in", "--json", "--set", f"endpoint_url={seaweed.endpoint_url}")
    survey = ran.counts["survey"]
    assert (ran.code, survey["files"], survey["folders"], survey["bytes"]) == (0, 30, 6, sum(range(30)))
    assert survey["largest"][0] == {"path": "2/deep/29.txt", "bytes": 29}
    misspelt = haulage("scan", f"s3://{bucket}/im", "--set", f"endpoint_url={seaweed.endpoint_url}")
    assert (misspelt.code, "nothing lies below" in misspelt.err) == (2, True)


def test_azure(haulage: Program, azurite: Azurite, container: str) -> None:
    """An archived blob cannot be copied, and the scan says so."""
    client = blob_client(azurite).create_container(container)
    client.upload_blob("a/b.txt", b"123")
    client.upload_blob("a/cold.txt", b"1234").set_standard_blob_tier("Archive")
    haulage.environment |= {
        "AZURE_STORAGE_ACCOUNT": azurite.account_name,
        "AZURE_STORAGE_KEY": azurite.account_key,
        "AZURE_STORAGE_BLOB_ENDPOINT": azurite.endpoint_url,
    }
    ran = haulage("scan", f"az://{container}", "--json")
    assert (ran.code, ran.ended["status"]) == (0, 102)
    assert ran.counts["survey"]["uncopyable"]["first"] == [{"path": "a/cold.txt", "code": "blocked", "why": "archived"}]
    assert ran.counts["survey"]["files"] == 1
