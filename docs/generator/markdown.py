"""What the pages are made of: tables, and text that Markdown leaves alone."""

import re
from collections.abc import Iterable, Sequence


def plain(text: object) -> str:
    """Text for a cell: one line, in which only `code` is markup."""
    pieces = re.split(r"(`[^`]+`)", " ".join(str(text).split()))
    return "".join(
        piece.replace("|", r"\|") if at % 2 else re.sub(r"([\\*_<>\[\]{}|$#~`])", r"\\\1", piece)
        for at, piece in enumerate(pieces)
    )


def code(text: object) -> str:
    """Text shown as it is."""
    return f"`` {text} ``" if "`" in str(text) else f"`{text}`".replace("|", r"\|")


def codes(texts: Iterable[object]) -> str:
    """Several, with commas."""
    return ", ".join(code(text) for text in texts)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def page(title: str, *parts: str) -> str:
    """A page that says where it comes from."""
    note = "% Generated from the code by docs/generate.py; a change here is lost."
    return "\n\n".join([note, f"# {title}", *(part.strip("\n") for part in parts)]) + "\n"
