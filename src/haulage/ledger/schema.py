"""The tables of the ledger. Times are UTC microseconds since the epoch, sizes are bytes, JSON is text."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()
Id = BigInteger().with_variant(Integer, "sqlite")

transfers = Table(
    "transfers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", Text, nullable=False),  # the drive's identity
    Column("destination", Text, nullable=False),
    Column("filters", Text, nullable=False),  # normalised JSON: other filters are another transfer
    Column("source_shown", Text, nullable=False),  # as the person wrote it
    Column("destination_shown", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("source_connector", BigInteger),  # connectors.id; NULL: a URL
    Column("destination_connector", BigInteger),
    # where the services' records of changes stood when these sides were last known wholly; NULL: not known
    Column("source_position", Text),
    Column("destination_position", Text),
    UniqueConstraint("source", "destination", "filters"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("transfer_id", ForeignKey("transfers.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("owner", Text, nullable=False),
    Column("epoch", Integer, nullable=False),  # fencing: only the holder of the newest epoch of a transfer commits
    Column("beat_us", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),
    Column("message", Text),
)

items = Table(
    "items",
    metadata,
    Column("id", Id, primary_key=True),
    Column("transfer_id", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),  # engine.states.ItemState
    # what the source said when it was last listed
    Column("size", BigInteger),
    Column("modified_us", BigInteger),
    Column("revision", Text),
    Column("hashes", Text),
    Column("note", Text),
    # what was decided
    Column("target", Text),  # the path at the destination; NULL: the same as `path`
    Column("target_key", Text),  # folded; only where the name was fitted or the destination folds names
    Column("unit_id", Integer),
    # what was proven, and of which revision
    Column("done_revision", Text),
    Column("done_size", BigInteger),
    Column("done_target_revision", Text),
    Column("source_id", Text),  # by which the source knows it wherever it is moved; NULL: it has no such thing
    Column("chosen", SmallInteger),  # 1: a person chose `target`, so that the next plan keeps it
    UniqueConstraint("transfer_id", "path"),
)
Index("items_open", items.c.transfer_id, items.c.state, items.c.id, sqlite_where=items.c.state != 3)
Index("items_unit", items.c.unit_id, sqlite_where=items.c.unit_id.is_not(None))
Index("items_target", items.c.transfer_id, items.c.target, sqlite_where=items.c.target.is_not(None))
Index("items_source_id", items.c.transfer_id, items.c.source_id, sqlite_where=items.c.source_id.is_not(None))
Index("items_target_key", items.c.transfer_id, items.c.target_key, sqlite_where=items.c.target_key.is_not(None))

found = Table(  # what the destination's listing shows and the ledger does not know as ours
    "found",
    metadata,
    Column("run_id", Integer, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("size", BigInteger),
    Column("revision", Text),
    Column("hashes", Text),
    sqlite_with_rowid=False,
)

units = Table(
    "units",
    metadata,
    Column("id", Id, primary_key=True),
    Column("run_id", Integer, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("items", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("lease_us", BigInteger),
    Column("done_us", BigInteger),
)

outcomes = Table(  # of items that something happened to; unchanged ones are counted in the run
    "outcomes",
    metadata,
    Column("run_id", Integer, primary_key=True),
    Column("item_id", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("target", Text),
    Column("outcome", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("code", Text),
    Column("message", Text),
    Column("fix", Text),
    Column("side", Text),
    Column("listed", SmallInteger, nullable=False),  # 0: not in this run's listing (removed at the source since)
    Column("adopted", SmallInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("evidence", Text),
    sqlite_with_rowid=False,
)

WRONG_OUTCOMES = "outcome IN ('failed', 'changed_at_source', 'unsupported')"
"""What a person has to look at: few of very many, so they have an index of their own."""
Index(
    "outcomes_wrong",
    *(outcomes.c.run_id, outcomes.c.outcome, outcomes.c.code, outcomes.c.side),
    sqlite_where=text(WRONG_OUTCOMES),
)

uploads = Table(  # uploads in parts that were begun and not finished
    "uploads",
    metadata,
    Column("item_id", Integer, primary_key=True),
    Column("attempt", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("revision", Text),  # of the source, when it was begun
    Column("size", BigInteger, nullable=False),
    Column("part_bytes", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
)

pauses = Table(  # what services asked us to wait for, so that a restart obeys it too
    "pauses",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("until_us", BigInteger, nullable=False),
)

connectors = Table(
    "connectors",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),  # case-folded; of a deleted connector it may be used again
    Column("service", Text, nullable=False),
    Column("realm", Text, nullable=False),  # "live", or a sandbox's name
    Column("owner", Text, nullable=False),  # who added it
    Column("state", Text, nullable=False),  # model.connector.ConnectorState
    Column("reason", Text),  # why it is in that state, in a sentence
    Column("state_us", BigInteger, nullable=False),
    Column("way", Text, nullable=False),  # how it was authorised
    Column("usage", Text, nullable=False),  # read, or write
    Column("settings", Text, nullable=False),  # JSON, no secrets
    Column("sealed", LargeBinary),  # the secrets that were typed, see connectors.vault
    Column("tokens", LargeBinary),  # what the service issued, sealed likewise
    Column("version", Integer, nullable=False),  # of the tokens: who renews says which ones were renewed
    Column("expires_us", BigInteger),  # of the access token
    Column("renewer", Text),  # who is renewing the tokens just now, and until when it may
    Column("renewer_until_us", BigInteger),
    Column("scopes", Text),  # granted, separated by spaces; NULL: the service does not tell
    Column("account", Text),  # the service's own id of the account; never changes
    Column("account_name", Text),
    Column("revoke_pending", Text),  # why the authorisation could not be revoked at the service yet
    Column("created_us", BigInteger, nullable=False),
    Column("authorised_us", BigInteger),
    Column("moved_us", BigInteger),  # when a run last moved data through it, or found nothing to move
)
Index(  # naming another dialect here would load all of it at every start
    "connectors_name", connectors.c.name_key, unique=True, sqlite_where=connectors.c.state != "deleted"
)

authorisations = Table(  # sign-ins that were begun and not finished
    "authorisations",
    metadata,
    Column("state_hash", Text, primary_key=True),  # SHA-256 of the state that the service hands back
    Column("bound", Text, nullable=False),  # JSON: whose it is and what for
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)

realms = Table(
    "realms",
    metadata,
    Column("name", Text, primary_key=True),
    Column("facts", Text, nullable=False),  # JSON: proxy, certificate authority, services and their hosts
    Column("sealed", LargeBinary, nullable=False),  # application ids and secrets of its services
    Column("created_us", BigInteger, nullable=False),
)

audit = Table(  # append-only; each row's hash covers the one before
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("origin", Text, nullable=False),  # from where: cli, web, api, or the program itself
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("facts", Text, nullable=False),  # JSON, no secrets
    Column("hash", Text, nullable=False),
)

people = Table(  # who may sign in here
    "people",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),  # case-folded; of an account that was deleted it may be used again
    Column("role", Text, nullable=False),  # model.person.Role
    Column("password", Text),  # argon2id, in its own notation; NULL: none was chosen yet
    Column("second", LargeBinary),  # the secret of one-time codes, sealed
    Column("second_slot", BigInteger),  # the newest time slot whose code was used: none is used twice
    Column("local", Text),  # the user of this machine whose connectors are this person's too
    Column("notices", Text, nullable=False),  # model.person.Notices
    Column("email", Text),  # where notices go; NULL: none are sent
    Column("issuer", Text),  # who signs them in elsewhere (OpenID Connect), and as whom: never by e-mail (S30)
    Column("subject", Text),
    Column("created_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
)
Index("people_name", people.c.name_key, unique=True, sqlite_where=people.c.ended_us.is_(None))

Index(
    "people_subject",
    people.c.issuer,
    people.c.subject,
    unique=True,
    sqlite_where=people.c.ended_us.is_(None) & people.c.subject.is_not(None),
)

preferences = Table(  # how a person wants pages to look
    "preferences",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    sqlite_with_rowid=False,
)

shares = Table(  # connectors that somebody else may use
    "shares",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("person_id", BigInteger, primary_key=True),
    Column("created_us", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("key_hash", Text, primary_key=True),  # SHA-256 of what the cookie holds
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("acting_for", BigInteger),  # people.id of whom an administrator acts for
    Column("created_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("address", Text, nullable=False),  # from where it was begun
    Column("agent", Text, nullable=False),  # with which browser
    Column("facts", Text, nullable=False),  # JSON: where a sign-in at a service goes on
)

claims = Table(  # one-time links with which a person begins
    "claims",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("person_id", BigInteger),  # NULL: the first administrator
    Column("local", Text),  # the user of this machine to whom the link was shown
    Column("expires_us", BigInteger, nullable=False),
)

delegates = Table(  # administrators that may act for a person
    "delegates",
    metadata,
    Column("person_id", BigInteger, primary_key=True),
    Column("delegate_id", BigInteger, primary_key=True),
    Column("created_us", BigInteger, nullable=False),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", Id, primary_key=True),
    Column("place", Text, nullable=False, index=True),  # whose name, or from where
    Column("at_us", BigInteger, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),  # its first characters, to be told apart by
    Column("key_hash", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),  # separated by spaces
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
    Column("ended_us", BigInteger),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("source", Text, nullable=False),  # locations, as a person writes them
    Column("destination", Text, nullable=False),
    Column("filters", Text, nullable=False),  # JSON
    Column("every", Text, nullable=False),  # model.schedule.Every
    Column("minute", SmallInteger, nullable=False),
    Column("hour", SmallInteger, nullable=False),
    Column("day", SmallInteger, nullable=False),  # of the week (1 is Monday) or month
    Column("zone", Text, nullable=False),  # IANA
    Column("next_us", BigInteger, nullable=False, index=True),
    Column("last_us", BigInteger),
    Column("told", Text),  # why the last one could not be started
    Column("created_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("migration_id", BigInteger),  # what is started is a pass of this migration; NULL: a single copy
    Column("row_ids", Text),  # JSON: of these transfers; NULL: of all that there are then
    Column("kind", Text),  # model.outcome.PassKind
    Column("hours", Text),  # JSON of model.schedule.Hours: when its runs may go on; NULL: at any time
)

migrations = Table(
    "migrations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),  # case-folded; of a migration that was deleted it may be used again
    Column("source_connector", ForeignKey("connectors.id"), nullable=False),
    Column("destination_connector", ForeignKey("connectors.id"), nullable=False),
    Column("filters", Text, nullable=False),  # JSON
    Column("owner", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
)
Index("migrations_name", migrations.c.name_key, unique=True, sqlite_where=migrations.c.ended_us.is_(None))

migration_rows = Table(  # the transfers of migrations, as the Migration Manager shows them
    "migration_rows",
    metadata,
    Column("id", Id, primary_key=True),
    Column("migration_id", ForeignKey("migrations.id"), nullable=False, index=True),
    Column("source", Text, nullable=False),  # paths inside the connectors
    Column("destination", Text, nullable=False),
    Column("tags", Text, nullable=False),  # separated by ", "
    Column("notes", Text, nullable=False),
    Column("transfer_id", ForeignKey("transfers.id"), index=True),  # NULL: it never ran
    Column(
        "scan_id", ForeignKey("transfers.id"), index=True
    ),  # of its scans, which lead nowhere; NULL: it was never scanned
    Column("refused_status", SmallInteger),  # why the last start led to no run; NULL where it did
    Column("refused", Text),
    UniqueConstraint("migration_id", "source", "destination"),
)

carriers = Table(  # what several users of a migration see: which of its transfers carries it
    "carriers",
    metadata,
    Column("migration_id", ForeignKey("migrations.id"), primary_key=True),
    Column("source_id", Text, primary_key=True),
    Column("transfer_id", ForeignKey("transfers.id"), nullable=False),
    sqlite_with_rowid=False,
)

passes = Table(  # people's and schedules' goes at a migration: many transfers, a few at a time
    "passes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("migration_id", ForeignKey("migrations.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),  # model.outcome.PassKind
    Column("status", SmallInteger, nullable=False),  # model.outcome.Status
    Column("message", Text),  # why it has that status
    Column("who", Text, nullable=False),  # who began it, and from where
    Column("origin", Text, nullable=False),
    Column("server", SmallInteger, nullable=False),  # 1: a server makes it, and the next server goes on with it
    Column("owner", Text),  # host and process that make it, or did so last
    Column("at_once", Integer, nullable=False),
    Column("bandwidth", BigInteger),  # bytes a second of each transfer; NULL: as fast as it goes
    Column("hours", Text),  # JSON of model.schedule.Hours; NULL: at any time
    Column("schedule_id", BigInteger),  # which one began it; NULL: a person
    Column("asked", SmallInteger),  # the status in which somebody asked it to stop
    Column("asked_by", Text),
    Column("created_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
)
Index("passes_open", passes.c.migration_id, sqlite_where=passes.c.ended_us.is_(None))

pass_rows = Table(  # the transfers of a pass, and how each of them stands in it
    "pass_rows",
    metadata,
    Column("pass_id", Integer, primary_key=True),
    Column("row_id", Integer, primary_key=True),
    Column("place", Integer, nullable=False),  # in the queue
    Column("status", SmallInteger, nullable=False),  # model.outcome.Status: queued, running, or how it ended
    Column("tries", SmallInteger, nullable=False),  # how many runs ended so that they were started again
    Column("crashes", SmallInteger, nullable=False),  # how often its process ended while it ran
    Column("run_id", BigInteger),  # its newest run in this pass
    Column("asked", SmallInteger),  # the status in which somebody asked it to stop
    Column("facts", Text),  # JSON: what differed before and after
    Column("ended_us", BigInteger),
    sqlite_with_rowid=False,
)
Index("pass_rows_queue", pass_rows.c.pass_id, pass_rows.c.status, pass_rows.c.place)
Index("pass_rows_row", pass_rows.c.row_id)

standings = Table(  # how the newest run of each kind of a transfer stands, in numbers that tables sort and add up
    "standings",
    metadata,
    Column("transfer_id", ForeignKey("transfers.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("files", BigInteger, nullable=False),  # items: successful ones, and those that were there unchanged
    Column("files_failed", BigInteger, nullable=False),
    Column("files_unsupported", BigInteger, nullable=False),
    Column("files_skipped", BigInteger, nullable=False),
    Column("data", BigInteger, nullable=False),  # bytes, likewise
    Column("data_failed", BigInteger, nullable=False),
    Column("data_unsupported", BigInteger, nullable=False),
    Column("data_skipped", BigInteger, nullable=False),
    Column("listed", BigInteger, nullable=False),
    Column("listed_bytes", BigInteger, nullable=False),
    Column("sent_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("standings_open", standings.c.transfer_id, sqlite_where=standings.c.ended_us.is_(None))

scanned = Table(  # what the newest scan of each row of a migration listed, for its reports
    "scanned",
    metadata,
    Column("run_id", Integer, primary_key=True),
    Column("name", Text, primary_key=True),  # the path, folded as the strictest destinations do
    Column("path", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("first", SmallInteger, nullable=False),  # 1: it was the first of its name
    Column("size", BigInteger),
    Column("note", Text),
    sqlite_with_rowid=False,
)

kept_scans = Table(  # which run's items are in `scanned`, once it has ended
    "kept_scans",
    metadata,
    Column("transfer_id", Integer, primary_key=True),
    Column("run_id", Integer, nullable=False),
)

installation = Table(  # one row
    "installation",
    metadata,
    Column("id", Text, primary_key=True),  # random; sealed values are bound to it
    Column("created_us", BigInteger, nullable=False),
)

signing_keys = Table(  # with which this installation signs certificates: one row, made at the first of them
    "signing_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # the private key
    Column("created_us", BigInteger, nullable=False),
)
