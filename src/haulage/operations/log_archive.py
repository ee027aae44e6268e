"""The logs of many transfers as one zip, made while it is sent: no more of it is held than a piece of one log."""

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from haulage.ledger import runs
from haulage.ledger.store import Ledger
from haulage.operations import history

PIECE_BYTES = 256 * 1024
RUNS_AT_ONCE = 200


class _Sink:
    """What a zip is written to: bytes are taken away as they come."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """See io.RawIOBase: it can neither be sought in nor asked where it is, which zipfile does without."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What has come since."""
        found, self._pieces = b"".join(self._pieces), []
        return found


def pieces(ledger: Ledger, row_ids: Sequence[int], migration_id: int) -> Iterator[bytes]:
    """A zip of every run's log, as CSV and as an HTML page, of these transfers of a migration.

    Each log is written to a file of its own beside the ledger, added, and removed. A run that goes on has the log that
    it has so far.
    """
    sink = _Sink()
    (ledger.path.parent / "reports").mkdir(mode=0o700, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="logs-", dir=ledger.path.parent / "reports") as folder,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive,  # type: ignore[call-overload] # it only writes
    ):
        for start in range(0, len(row_ids), RUNS_AT_ONCE):
            for row_id, run_id in ledger.read(runs.of_rows, migration_id, row_ids[start : start + RUNS_AT_ONCE]):
                written = history.report(ledger, run_id, Path(folder))
                for path in (Path(written.csv), Path(written.html)):
                    yield from _added(archive, sink, path, f"user-{row_id}/{path.name}")
                Path(written.jsonl).unlink()
    yield sink.taken()


def _added(archive: zipfile.ZipFile, sink: _Sink, path: Path, name: str) -> Iterator[bytes]:
    info = zipfile.ZipInfo.from_file(path, name)
    info.compress_type = zipfile.ZIP_DEFLATED
    with path.open("rb") as log, archive.open(info, "w") as entry:
        while piece := log.read(PIECE_BYTES):
            entry.write(piece)
            if found := sink.taken():
                yield found
    path.unlink()
