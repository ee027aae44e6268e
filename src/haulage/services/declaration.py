"""A service's declaration: what forms, documentation, planner and tests know of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from haulage.services.contract import Drive, Pacer, Traits

if TYPE_CHECKING:
    from haulage.services.authorisation import Authorisation, Identity


class Field(msgspec.Struct, frozen=True):
    """One field of a connector's form. secret: sealed in the vault, never shown. env: variables read, first found.

    default: what holds where nothing is given. endpoint: an address or host that is called with the connector's
    secrets; changing it clears them. instead_of: fields that do not count beside it where they were given further away:
    by the environment beside an option, or for both sides beside one of this side. machine: it names something of this
    machine (a file, a profile): for programs of whoever runs them, not for a server's form.
    """

    name: str
    title: str
    help: str
    secret: bool = False
    required: bool = False
    env: tuple[str, ...] = ()
    default: str = ""
    endpoint: bool = False
    machine: bool = False
    instead_of: tuple[str, ...] = ()


class Service(msgspec.Struct, frozen=True):
    """A service's declaration: everything that forms, docs, planner and tests need to know of it.

    id, title: see docs/reference. scheme: of its URLs. fields: the connector's form.
    open_drive(settings, root, pacer): settings = values by field name; root = the path part of the location
    ("bucket/prefix" or a folder). Makes no call yet. roots(settings, pacer): what there is to choose from (buckets).
    at_url(scheme, root): for a service whose URLs name a server ("host:port/path"): what the URL tells as settings,
    and the path that is left of the root. Raises Refused. whole_root: a location without a path is its whole tree.
    account(settings): for a service of keys, whose account they are, as far as the settings tell; makes no call. Its
    id is "" where only a name is known, and two accounts cannot be told apart. ask_account(settings, pacer): the same
    from the service itself, once the keys have proven good. Raise Refused, AuthLost.
    authorisation: for services where one signs in; their drives are opened by their accounts (OpensDrives), and they
    are reached through a connector only. traits: unset where files cannot be reached yet. vendor: who asks to wait,
    where the title does not say it. path_before: what the destination counts of a path's length before a location's
    own, for the location's path in a connector; unset: that path itself.
    """

    id: str
    title: str
    scheme: str
    fields: tuple[Field, ...]
    traits: Traits | None = None
    open_drive: Callable[[Mapping[str, str], str, Pacer], Drive] | None = None
    roots: Callable[[Mapping[str, str], Pacer], Any] | None = None
    account: "Callable[[Mapping[str, str]], Identity | None] | None" = None
    ask_account: "Callable[[Mapping[str, str], Pacer], Awaitable[Identity | None]] | None" = None
    root_title: str = "folder"
    at_url: Callable[[str, str], tuple[dict[str, str], str]] | None = None
    whole_root: bool = False
    authorisation: "Authorisation | None" = None
    vendor: str = ""
    path_before: Callable[[str], str] = lambda path: path

    @property
    def has_account(self) -> bool:
        """Whether one signs in or types keys: else there is no account to ask, and nobody to discover."""
        return bool(self.fields) or self.authorisation is not None

    @property
    def called(self) -> str:
        """Its vendor's name, or its own, as one tells of it in a sentence: without whose account it is for."""
        return self.vendor or self.title.partition(" (")[0]
