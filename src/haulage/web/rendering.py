"""Pages from templates. Everything that comes from elsewhere is escaped, and hidden characters are shown."""

import datetime as dt
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from haulage.model.outcome import status_words
from haulage.model.words import hidden, size_text, time_text
from haulage.operations.elsewhere import elsewhere
from haulage.reports import readiness
from haulage.web.access import Opened, Visit
from haulage.web.words import browser, on_page

HERE = Path(__file__).parent


def visible(text: object) -> Markup:
    """A name from elsewhere: what cannot be seen, or turns others around, is shown as its number (S36)."""
    said = str(text)
    if any(map(hidden, said)):
        told = "".join(_number_of(one) if hidden(one) else str(escape(one)) for one in said)
    else:
        told = str(escape(said))
    return Markup(f'<bdi class="name">{told}</bdi>')  # noqa: S704 - escaped above


def _number_of(character: str) -> str:
    return f'<span class="hidden-character">U+{ord(character):04X}</span>'


def moment(microseconds: int | None) -> Markup:
    """A time in UTC, which the page's script tells in the reader's own zone."""
    if microseconds is None:
        return Markup("never")
    then = dt.datetime.fromtimestamp(microseconds / 1_000_000, dt.UTC)
    told = then.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}">{}</time>').format(then.isoformat(timespec="seconds"), told)


def number(value: float) -> str:
    """12345 as 12,345."""
    return f"{value:,.0f}"


KINDS = (
    (200, "success", "✔"),
    (300, "warning", "⚠"),
    (310, "running", "▶"),
    (400, "paused", "⏸"),
    (600, "failed", "✖"),
)


def status_kind(status: int) -> tuple[str, str]:
    """A status code's colour and sign; its words stand beside them."""
    return next(((kind, sign) for below, kind, sign in KINDS if status < below), ("running", "…"))


def again_words(status: int) -> str:
    """What the button says with which a run's transfer is started again."""
    return "Resume" if status >= 200 else "Run again"


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
    trim_blocks=True, lstrip_blocks=True, auto_reload=False,
)  # fmt: skip
_environment.filters |= {"visible": visible, "moment": moment, "size": size_text, "seconds": time_text, "n": number}
_environment.filters |= {"on_page": on_page, "browser": browser}
_environment.globals |= {
    "readiness_of": readiness.of_scan,
    "readiness_words": readiness.WORDS,
    "status_kind": status_kind,
    "again_words": again_words,
    "status_words": status_words,
    "elsewhere": elsewhere,
    "query": lambda **facts: urlencode(facts),
}


def render(template: str, **facts: Any) -> str:
    """A template's text."""
    return _environment.get_template(template).render(**facts)


def page(request: Request, visit: Visit | Opened, template: str, status: int = 200, /, **facts: Any) -> HTMLResponse:
    """A page for somebody who is signed in, or for anybody."""
    known = {"visit": visit if isinstance(visit, Visit) else None, "form_key": visit.form_key, "path": request.url.path}
    return HTMLResponse(render(template, **known, **facts), status)
