"""An independent look at what lies at a destination: boto3 or the file system, never our own services or ledger."""

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from testbed.servers import S3Server, s3_client

Shown = Mapping[str, str]
"""SHA-256 by path."""


def sha256(body: bytes) -> str:
    """Hex."""
    return hashlib.sha256(body).hexdigest()


def folder_shown(root: Path) -> dict[str, str]:
    """Every visible file below root; our own unfinished files are hidden ones."""
    if not root.exists():
        return {}
    return {
        str(path.relative_to(root)): sha256(path.read_bytes())
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".haulage-")
    }


def unfinished(root: Path) -> list[Path]:
    """Our own unfinished files that lie about."""
    return [path for path in root.rglob(".haulage-*")]


def bucket_shown(server: S3Server, bucket: str, read: dict[tuple[str, str], str] | None = None) -> dict[str, str]:
    """Every object of a bucket, read to its end. read: what was read before, by key and ETag, is not read again."""
    client = s3_client(server)
    read = {} if read is None else read
    shown = {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            if not entry["Key"].endswith("/"):
                version = entry["Key"], entry["ETag"]
                if version not in read:
                    read[version] = sha256(client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
                shown[entry["Key"]] = read[version]
    return shown


def open_uploads(server: S3Server, bucket: str) -> int:
    """Uploads in parts that were begun and neither finished nor aborted."""
    return len(s3_client(server).list_multipart_uploads(Bucket=bucket).get("Uploads", []))


def make_tree(root: Path, files: int, seed: int, large: tuple[int, ...] = ()) -> dict[str, str]:
    """`files` small files in folders, and large ones of the given sizes. Returns SHA-256 by path."""
    generator = random.Random(seed)
    made = {}
    sizes = [generator.choice((0, 1, 700, 5_000, 32_000)) for _ in range(files)]
    for number, size in enumerate([*sizes, *large]):
        path = f"folder {number % 7}/{number:04} ß.bin"
        body = generator.randbytes(size)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(body)
        made[path] = sha256(body)
    return made


def assert_nothing_partial(shown: Shown, wanted: Shown) -> None:
    """I3 and I4: whatever is visible is one of the files, whole."""
    for path, found in shown.items():
        assert path in wanted, f"{path} is no file of the source"
        assert found == wanted[path], f"{path} is visible with other bytes"


def assert_ledger_whole(home: Path) -> None:
    """The ledger is a sound database after whatever happened.

    A copy is looked at, and may be written to: a kill can leave a journal that SQLite must roll back before it
    reads (sqlite.org/lockingv3.html, hot journals), which a read-only connection may not do.
    """
    if (home / "ledger.db").exists():
        with TemporaryDirectory() as folder:
            for file in home.glob("ledger.db*"):
                shutil.copy(file, folder)
            with closing(sqlite3.connect(Path(folder, "ledger.db"))) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
