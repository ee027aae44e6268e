"""A customer's own host at Egnyte. Every customer has one, so it is typed; nothing but an Egnyte host is taken."""

import re
from collections.abc import Mapping

from haulage.model.errors import Refused

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SUFFIXES = (".egnyte.com", ".egnytegov.com")


def host(domain: str) -> str:
    """The host of a domain, given as "acme", "acme.egnyte.com" or its address. Raises Refused."""
    name = domain.strip().lower().removeprefix("https://").rstrip("/")
    if "." not in name:
        name += SUFFIXES[0]
    suffix = next((one for one in SUFFIXES if name.endswith(one)), None)
    if suffix is None or not _LABEL.fullmatch(name.removesuffix(suffix)):
        raise Refused("that is no domain of Egnyte", "Give it as in https://acme.egnyte.com: acme.")
    return name


def settle(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as they are kept, with the whole host as domain. Raises Refused."""
    if not settings.get("domain"):
        return dict(settings)
    return {**settings, "domain": host(settings["domain"])}
