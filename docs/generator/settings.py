"""Settings: the fields of each service, and every environment variable that is read."""

import msgspec

from docs.generator.markdown import code, codes, page, plain, table
from haulage.services.declaration import Service
from haulage.services.registry import services
from haulage.services.transport.limits import Limits

GENERAL = {
    "CI": "Set: `make demo` and `haulage sandbox demo` wait for nobody, even on a terminal.",
    "HAULAGE_HOME": "The state folder: ledger, vault key, locks, log, reports. Default: `haulage` below the next one.",
    "HAULAGE_ENDPOINTS": "`public`: call only public addresses, over https; after it, by commas, hosts or networks "
    "that are allowed besides. Not set: a program in a shell of one's own calls what it is told to.",
    "HAULAGE_IDLE_DAYS": "After how many days without data a connector is deauthorised; 90 when it is not set.",
    "HAULAGE_LOOPBACK_PORT": "The port for redirects of services that want a fixed one; 28437 when it is not set.",
    "HAULAGE_OIDC_CLIENT_ID": "Under which the organisation's own sign-in knows Haulage.",
    "HAULAGE_OIDC_CLIENT_SECRET": "And with which secret; a public client has none.",
    "HAULAGE_OIDC_ISSUER": "The organisation's own sign-in (OpenID Connect), for people who sign in to `haulage up`.",
    "HAULAGE_OIDC_REALM": "The realm that it is in, for rehearsals; `live` when it is not set.",
    "HAULAGE_OIDC_TITLE": "What its button says; the issuer's host when it is not set.",
    "HAULAGE_SMTP_FROM": "The address that notices of `haulage up` come from.",
    "HAULAGE_SMTP_URL": "The mail server that takes notices: `smtps://USER:PASSWORD@HOST`, or `smtp://` with STARTTLS. "
    "Not set: none are sent.",
    "HAULAGE_VAULT_KEY": "The vault's master key, base64 of 32 bytes; while it is changed, the new and the old one.",
    "HAULAGE_VAULT_KEY_COMMAND": "A program that prints the master key likewise: a key management service's client.",
    "HAULAGE_VAULT_KEY_FILE": "The file of the master key, where it is not to be `vault.key` in the state folder.",
    "XDG_STATE_HOME": "Where programs keep their state; `~/.local/state` when it is not set.",
}
"""Variables of the program itself."""

LIMITS = {
    "attempts": "How often one request is sent at most. Being asked to wait does not count.",
    "backoff_seconds": "Before the n-th repetition a random time up to this, times 2 to the power of n, is waited.",
    "longest_backoff_seconds": "The most that is waited so, also when a service asks to wait without saying how long.",
    "connect_seconds": "How long making a connection may take.",
    "idle_seconds": "How long nothing may come on a connection.",
    "least_bytes": "What a body has to bring in each window, so that a trickle is given up and tried again.",
    "window_seconds": "How long such a window is.",
}
"""What each limit of the transport does."""


def limit_variable(name: str) -> str:
    """The environment variable that sets a limit."""
    return f"HAULAGE_{name.upper()}"


def fields_table(service: Service) -> str:
    """The settings of one service."""
    rows = [
        [
            code(field.name),
            plain(field.title) + (" (required)" if field.required else ""),
            "secret" if field.secret else "",
            plain(field.help),
            codes(field.env),
        ]
        for field in service.fields
    ]
    return table(["Setting", "Title", "", "What it is", "Variables, the first found"], rows)


def _limits() -> str:
    defaults = Limits()
    rows = [
        [code(limit_variable(field.name)), plain(LIMITS[field.name]), code(getattr(defaults, field.name))]
        for field in msgspec.structs.fields(Limits)
    ]
    return table(["Variable", "What it sets", "Default"], rows)


def render() -> str:
    """The page."""
    parts = [
        "There is no configuration file. What has to be set is an option of the command line, a setting of a service, "
        "or one of these environment variables.",
        "## The program",
        table(["Variable", "What it sets"], [[code(name), plain(text)] for name, text in GENERAL.items()]),
        "## Requests to services",
        "These have defaults that suit every service; a positive number changes one.",
        _limits(),
        "## Services",
        "A setting of a service comes from, the first found: the option `--source-set FIELD=VALUE` or "
        "`--destination-set FIELD=VALUE`; the variable with `HAULAGE_SOURCE_` or `HAULAGE_DESTINATION_` before it, for "
        "that side alone; the variable itself. On the command line a secret is never given itself, but as "
        "`FIELD=env:VARIABLE` or `FIELD=file:PATH`. A connector has settings of its own, and nothing else is mixed in.",
    ]
    for service in services().values():
        parts.append(f"### {service.title} (`{service.id}`)")
        parts.append(fields_table(service) if service.fields else "It has no settings.")
    return page("Settings and environment variables", *parts)
