"""Where a location of an organisation is: somebody's OneDrive, or a document library of a site."""

from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec

from haulage.model.errors import Refused

EXAMPLES = "Write NAME:/alice@example.com/Documents/x or NAME:/https://TENANT.sharepoint.com/sites/Name/Library/x."
MANAGED = ("sites", "teams", "personal")
SHOWN = ("id", "RootFolder")  # what of a page's query names the folder that it shows
PAGES = (("Forms",), ("SitePages",), ("_layouts", "15"))


class Place(msgspec.Struct, frozen=True):
    """Where a drive is to be found, and a folder in it.

    drive: the path of the drive in Graph ("/me/drive"); "" where site and library have to be looked up first.
    folder: the path in it, decoded, without slashes around it. host, parts: of a site's address, decoded.
    """

    drive: str = ""
    folder: str = ""
    host: str = ""
    parts: tuple[str, ...] = ()


def mine(root: str) -> Place:
    """The person's own drive."""
    return Place("/me/drive", root.strip("/"))


def anywhere(root: str) -> Place:
    """A user's drive or a site's library, named as people name them. Raises Refused."""
    if root.lower().startswith(("https:/", "http:/")):
        return _site(root)
    user, _, folder = root.strip("/").partition("/")
    if "@" not in user:
        raise Refused(f"{root!r} names neither a user nor a site", EXAMPLES)
    return Place(f"/users/{quote(user, safe='@')}/drive", folder)


def path_before(root: str) -> str:
    """What is counted of a path before that of a location (Q12), as far as its name tells: site, library, folder.

    A person's site is called after them, with "_" for whatever is no letter or digit; its library is Documents.
    """
    try:
        place = anywhere(root)
    except Refused:
        return root
    if place.parts:
        return "/".join(place.parts)
    user, _, folder = root.strip("/").partition("/")
    mangled = "".join(one if one.isalnum() else "_" for one in user)
    return f"personal/{mangled}/Documents/{folder}".rstrip("/")


def _site(address: str) -> Place:
    """A site's address, without what a browser puts behind it (Q14). Raises Refused."""
    scheme, _, rest = address.partition(":")
    try:
        parts = urlsplit(f"{scheme}://{rest.lstrip('/')}")
    except ValueError:
        raise Refused(f"{address!r} is no address", EXAMPLES) from None
    if "." not in (parts.hostname or ""):
        raise Refused(f"{address!r} names no host", EXAMPLES)
    asked = parse_qs(parts.query)
    path = next((asked[name][0] for name in SHOWN if name in asked), unquote(parts.path))
    names = [name for name in path.split("/") if name]
    if len(names) > 1 and names[0].startswith(":") and names[1] in ("r", "s", "g"):
        names = names[2:]  # a shared link: /:f:/r/sites/Name/...
    if names and names[-1].lower().endswith(".aspx"):
        names = names[:-1]
        pages = next((one for one in PAGES if tuple(names[-len(one) :]) == one), ())
        names = names[: len(names) - len(pages)]
    return Place(host=parts.hostname or "", parts=tuple(names))


def site_paths(parts: tuple[str, ...]) -> list[str]:
    """The paths at which the site itself may lie, the most likely first: /sites/Name and below it, or the root site."""
    if parts and parts[0].lower() in MANAGED and len(parts) > 1:
        return ["/".join(parts[: 2 + more]) for more in range(min(3, len(parts) - 1))]
    return ["", *("/".join(parts[: 1 + more]) for more in range(min(2, len(parts))))]
