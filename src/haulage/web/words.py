"""What to do about an error, in the words of a page: the button to press instead of the command to type."""

import re

_COMMANDS: tuple[tuple[str, str], ...] = (
    (r"Run `haulage connectors reauthorize [^`]* --access write`", "Press Reauthorize, and choose reading and writing"),
    (r"Run `haulage connectors reauthorize [^`]*`", "Press Reauthorize"),
    (r"Add one with `haulage connectors add [^`]*`, then write NAME:/path", "Press Authorize New Connector"),
    (r"Give them again, as in `haulage connectors add`", "Press Reauthorize, and give them again"),
    (r"See the guide (\S+), and `haulage connectors services`", r"Type it below; the guide \1 says where it is found"),
    (r"Give them; `haulage connectors services` explains \S+?\.$", "Give them below."),
    (r"See `haulage connectors services`", "Press Authorize New Connector to see what each service wants"),
    (r"See `haulage connectors list`, or write a URL", "See the page Connectors"),
    (r"run `haulage connectors delete [^`]*` to its end", "press Delete once more"),
    (r"Delete it to its end: `haulage connectors delete [^`]*`", "Press Delete once more"),
    (r"Add another one: `haulage connectors add`", "Press Authorize New Connector"),
    (r"; on the command line, the answer can be pasted", ""),
    (r"If it is the same, give host_key='[^']*'", "If it is the same, authorise again: it stands in Host key below"),
    (r": in the fields password or private_key; by the environment.*$", "."),
    (r": `haulage scan` does nothing else", ""),
    (r"See `haulage migrations list`", "See the page Migrations"),
    (r"See `haulage runs` for the runs that there are", "See the page Runs"),
    (r"Start one: haulage copy SOURCE DESTINATION", "Press Start copy in the Transfer Wizard"),
    (r"Run `haulage copy` for the same two locations", "Press Run again"),
    (r"Run `haulage verify --deep` to have the content", "Whoever runs this server can have the content"),
    (r"Run `haulage verify` again", "Have it verified again"),
    (r"Make it known with `haulage realms add FILE`", "Whoever runs this server makes it known (haulage realms add)"),
    (r"See `haulage realms list`", "Choose one that is offered"),
    (r"; a destination bucket can be made with --create", ""),
    (r"Correct the command and run it again", "Correct it and try again"),
    (r"Use --paste instead", "Choose signing in with this browser"),
)
_AGAIN = re.compile(r"run the same command again", re.IGNORECASE)


def on_page(fix: str | None, again: str = "try again") -> str:
    """A fix as it stands on a page. again: what there "run the same command again" is, such as "press Resume"."""
    told = fix or ""
    for pattern, words in _COMMANDS:
        told = re.sub(pattern, words, told)
    return _AGAIN.sub(lambda found: again[:1].upper() + again[1:] if found[0][0] == "R" else again, told)


_BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "FxiOS/": "Firefox", "Chrome/": "Chrome"}
_BROWSERS |= {"CriOS/": "Chrome", "Safari/": "Safari"}  # the first that is found: others call themselves Safari, too
_SYSTEMS = {"Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "CrOS": "ChromeOS"}
_SYSTEMS |= {"Macintosh": "macOS", "Linux": "Linux"}


def browser(agent: str) -> str:
    """What a User-Agent header most likely is, as "Firefox on Linux"; one that is not known, as it is.

    Source: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/User-Agent
    """
    name = next((name for mark, name in _BROWSERS.items() if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return f"{name} on {system}" if name and system else agent or "Unknown"
