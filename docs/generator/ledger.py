"""The ledger's tables, from its schema."""

from sqlalchemy.schema import Table

from docs.generator.markdown import code, page, plain, table
from haulage.ledger.schema import metadata

TABLES = {
    "transfers": "What is copied where: one row for each pair of places and set of filters.",
    "runs": "Every run of a transfer, with its status, its end and its counters (JSON).",
    "items": "Every item of a transfer: what the source said of it, what was decided, what was proven.",
    "found": "What the destination's listing showed besides; emptied when the run ends.",
    "units": "Portions of work of a run that is under way; emptied when the run ends.",
    "outcomes": "What became of each item in each run, with the evidence. Unchanged items are counted in the run.",
    "uploads": "Uploads in parts that were begun and not finished, so that a later run goes on with them.",
    "pauses": "Until when a service wants to be left alone; a restart obeys it too.",
    "connectors": "Connectors: state, account and public settings; secrets and tokens sealed by the vault.",
    "authorisations": "Sign-ins that were begun and not finished; each serves once, for ten minutes.",
    "people": "Who may sign in to the web application. Passwords are argon2id, secrets of one-time codes sealed.",
    "preferences": "How people want pages to look: the columns of tables.",
    "shares": "With whom connectors are shared.",
    "sessions": "Browsers that somebody signed in with, by the hash of what their cookie holds.",
    "claims": "One-time links with which people begin, by the hash of their key.",
    "delegates": "Which administrators may act for whom.",
    "sign_in_failures": "Sign-ins that failed within the last quarter of an hour.",
    "api_tokens": "Tokens of programs, by the hash of their key.",
    "schedules": "What starts by itself, and when next.",
    "migrations": "Tables of transfers between two connectors, that a person moves together.",
    "migration_rows": "The transfers of migrations, before and after their first run.",
    "carriers": "Of what several users of a migration see: which of its transfers copies it.",
    "passes": "Goes at many transfers of a migration at once, with who began each, who makes it, and how it stands.",
    "pass_rows": "The queue of each pass: how every one of its transfers stands in it.",
    "standings": "The newest run of each kind of a transfer in numbers, from its counters: which tables add up.",
    "scanned": "What the newest scan of each row of a migration listed, for its scan reports.",
    "kept_scans": "Which run's items those are.",
    "realms": "Sandboxes that an operator made known, with what their services want to be told, sealed.",
    "audit": "Who did what to connectors and keys. Rows are only added, and each one's hash covers those before it.",
    "installation": "The identity of this installation, to which sealed values are bound.",
    "signing_keys": "The key with which this installation signs its certificates, sealed.",
}
"""What each table holds."""


def _rows(one: Table) -> list[list[str]]:
    rows = []
    for column in one.columns:
        notes = ["key"] if column.primary_key else []
        notes += [f"of {key.column.table.name}" for key in column.foreign_keys]
        notes += ["may be empty"] if column.nullable and not column.primary_key else []
        rows.append([code(column.name), plain(str(column.type).lower()), ", ".join(notes)])
    return rows


def render() -> str:
    """The page."""
    parts = [
        "One SQLite file, `ledger.db` in the state folder. Times are UTC microseconds since the epoch, sizes are "
        "bytes. It may be read with any SQLite tool while nothing runs; nothing but Haulage may write it.",
    ]
    for one in metadata.sorted_tables:
        parts += [f"## {one.name}", TABLES[one.name], table(["Column", "Type", ""], _rows(one))]
    return page("Ledger tables", *parts)
