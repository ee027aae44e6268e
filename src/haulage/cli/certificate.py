"""`haulage certificate`, and what `haulage verify` says of such a file."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from haulage.cli.choices import Json
from haulage.cli.connectors import opened
from haulage.cli.output import Exit, printable, say_json, size_text
from haulage.model.errors import Refused
from haulage.model.outcome import OutcomeKind
from haulage.operations import certificates, history
from haulage.reports import certificate as certificate_files
from haulage.reports.certificate import Statement

_BESIDES = {
    OutcomeKind.SKIPPED: "left out by filters, or carried with another user",
    OutcomeKind.GONE_AT_SOURCE: "removed at the source meanwhile",
}
MOST_SHOWN = 20
"""Transfers that are told of one by one; all of them are in the file."""
Output = Annotated[Path | None, Parameter(name=("--output", "-o"))]


def certificate(
    run: history.Which = "last", /, *, migration: str | None = None, output: Output = None, json: Json = False
) -> int:
    """Write the completeness certificate of a run, or of a migration: signed, with every item and how it was proven.

    Ends with 3 where not everything was proven; the certificate says what.

    Args:
        run: The number of the run, or "last". Left out with --migration.
        migration: Of everything that this migration moved: the newest copy of each of its users.
        output: The file to write, instead of one in the folder that you are in.
    """
    if migration is not None and run != "last":
        raise Refused("a certificate is of a run or of a migration", "Leave out the run's number, or --migration.")
    with opened() as ledger:
        if migration is not None:
            path = output or Path("migration-certificate.zip")
            statement = certificates.of_migration(ledger, migration, path)
        else:
            number = history.find(ledger, run).id
            path = output or Path(f"run-{number}-certificate.zip")
            statement = certificates.of_run(ledger, number, path)
        key = certificates.public_key(ledger)
    return _say(statement, path, key, as_json=json, written=True)


def check(path: Path, key: str | None, *, as_json: bool) -> tuple[int, Statement]:
    """Check a certificate that somebody gave us; nothing but the file is read. With the exit code. Raises Refused."""
    statement, signed = certificate_files.check(path, key)
    return _say(statement, path, signed, as_json=as_json, pinned=key is not None), statement


def _say(
    statement: Statement, path: Path, key: str, *, as_json: bool, written: bool = False, pinned: bool = True
) -> int:
    code = Exit.OK if statement.complete else Exit.FAILURES
    if as_json:
        event = "certificate" if written else "certificate_checked"
        say_json({"event": event, "file": str(path), "key": key, **msgspec.to_builtins(statement)})
        return code
    lines = [_verdict(statement), *_reasons(statement)]
    if written:
        lines += [
            f"Written to {path}, signed with {key}.",
            "Whoever has that key can check it: haulage verify FILE --key KEY",
        ]
    else:
        lines.append(f"Nothing in {path} was altered since it was signed with {key} at {statement.issued}.")
        if not pinned:
            lines.append(
                "Whose key that is, the file cannot prove: compare it with what `haulage keys public` says there."
            )
    sys.stdout.write("\n".join(lines) + "\n")
    return code


def say_since(found: certificates.Since, run: int, *, as_json: bool) -> None:
    """How both sides differ now from what a certificate says of that run."""
    if as_json:
        say_json({"event": "since_certificate", "certified_run": run, **msgspec.to_builtins(found)})
        return
    sized = f"Of {found.by_size:,} of them, the sizes were compared alone." if found.by_size else ""
    if not found.gone and not found.new:
        sys.stdout.write(f"Both sides have just what the certificate says, and nothing else. {sized}".rstrip() + "\n")
        return
    told = ((found.gone, found.gone_paths, "in the certificate, and not so at both sides now"),)
    for count, paths, what in (*told, (found.new, found.new_paths, "at both sides now, and not so in the certificate")):
        if count:
            more = f", and {count - len(paths):,} more" if count > len(paths) else ""
            sys.stdout.write(f"{count:,} {what}: {', '.join(map(printable, paths))}{more}.\n")


def _verdict(statement: Statement) -> str:
    items = sum(one.listed for one in statement.transfers)
    size = size_text(sum(one.listed_bytes for one in statement.transfers))
    users = len(statement.transfers)
    whose = "" if statement.migration is None else f" of {users:,} user{'' if users == 1 else 's'}"
    counts = Counter[str]()
    for one in statement.transfers:
        counts.update({kind: number for kind, (number, _) in one.sums.items()})
    besides = [f"{counts[kind]:,} {words}" for kind, words in _BESIDES.items() if counts[kind]]
    proven = "all others proven" if besides else "all proven"
    verdict = f"Complete: {items:,} items{whose}, {size}, all accounted for, {proven}"
    return (
        "; ".join([verdict if statement.complete else f"Not complete: {items:,} items{whose}, {size}", *besides]) + "."
    )


def _reasons(statement: Statement) -> list[str]:
    """What is not proven, transfer by transfer."""
    wrong = [one for one in statement.transfers if one.reasons]
    lines = []
    for one in wrong[:MOST_SHOWN]:
        lines.append(f"Run {one.run}, {printable(one.source)} to {printable(one.destination)}:")
        lines += [f"  {reason}" for reason in one.reasons]
    lines += [f"Not certified: {printable(one)}." for one in statement.uncovered[:MOST_SHOWN]]
    more = max(0, len(wrong) - MOST_SHOWN) + max(0, len(statement.uncovered) - MOST_SHOWN)
    return [*lines, f"And {more:,} more, in the file."] if more else lines
