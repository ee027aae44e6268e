"""The page of a run: standalone, harmless, readable; it names causes, fixes and both names."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from haulage.ledger.runs import TransferKey
from haulage.model.outcome import Outcome, OutcomeKind, Side, Status
from haulage.operations import history as operations
from haulage.reports.page import visible, why_named
from haulage.services.registry import service
from tests.unit.reports.made import History

K = OutcomeKind
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "</style><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;&#60;",
    "a\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "line\nbreak\x1b[31m\x07\x7f\x85\u2028",
    "'onmouseover='alert(1)",
]
ALLOWED_ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "aria-labelledby", "scope", "href", "colspan"),
}
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that the markup is balanced, and keeps tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(history: History) -> tuple[Page, str]:
    text = Path(operations.report(history.ledger, history.run).html).read_text()
    return Page(text), text


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAULAGE_HOME", str(tmp_path))


def test_hostile_names_are_text_and_nothing_else(tmp_path: Path) -> None:  # S36
    key = TransferKey(HOSTILE[0], HOSTILE[1], '{"include":["<b>"]}', HOSTILE[2], HOSTILE[3])
    history = History(tmp_path, key=key)
    made = []
    for number, name in enumerate(HOSTILE * len(OutcomeKind)):
        kind = [*OutcomeKind][number % len(OutcomeKind)]
        code = "kept_both" if number % 3 == 0 else name
        made.append(
            Outcome(number, f"{name}/{number}", kind, 1, code, name, name, target=name, evidence={"proof": name})
        )
    history.settle(made)
    history.counts.incomplete = [*HOSTILE]
    history.counts.source_calls = {name: 1 for name in HOSTILE}
    history.end()
    page, text = page_of(history)
    assert not {"script", "img", "svg", "iframe", "link", "base", "form", "object", "embed"} & {*page.tags}
    assert {name for name, _ in page.attributes} <= ALLOWED_ATTRIBUTES
    assert {value for name, value in page.attributes if name == "href"} == {"run-1.csv", "run-1.jsonl"}
    assert page.tags.count("style") == 1
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f\u2028]", text)
    assert "U+202E" in page.text and "U+200B" in page.text and "U+001B" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "<script>alert(1)</script>" in page.text


def test_the_page_forbids_itself_everything_but_its_style(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.end()
    page, text = page_of(history)
    content = [value for name, value in page.attributes if name == "content"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in content
    assert "http://" not in text and "https://" not in text and "url(" not in text and "@import" not in text
    assert "prefers-color-scheme: dark" in text


def test_failures_are_grouped_by_cause_and_side_with_what_to_do(tmp_path: Path) -> None:
    history = History(tmp_path)
    made = [
        Outcome(number, f"f{number:03}", K.FAILED, 5, "permission", "403", None, Side.SOURCE) for number in range(150)
    ]
    made += [Outcome(200, "other", K.FAILED, 5, "permission", "403", "Ask Ann.", Side.DESTINATION)]
    made += [Outcome(201, "again", K.CHANGED_AT_SOURCE, 5, "changed_at_source", "changed", None, Side.SOURCE)]
    history.settle(made)
    history.end(Status.SOME_ERRORS_BOTH)
    page, _ = page_of(history)
    text = re.sub(r"\s+", " ", page.text)
    assert "Not permitted, at the source 150 items, 750 B" in text
    assert "Not permitted, at the destination 1 item, 5 B" in text
    assert "Grant the account access to this item" in text
    assert "Ask Ann." in text
    assert "Changed meanwhile, at the source 1 item" in text
    assert "The first 100 of 150" in text
    assert "f099" in text and "f100" not in text
    assert text.index("at the source 150") < text.index("at the destination 1 item")
    assert "Some problems: upload and download errors (status 211)" in text


def test_both_names_are_shown_with_the_reason(tmp_path: Path) -> None:
    key = TransferKey("s3://h/b", "file:///to", "{}", "s3://b", "/to")
    history = History(tmp_path, key=key)
    history.settle(
        [
            Outcome(1, "a//b", K.VERIFIED, 1, target="a/_/b", evidence={"proof": "sha256"}),
            Outcome(2, "new", K.VERIFIED, 1, "kept_both", "taken", target="new (2)", evidence={"proof": "sha256"}),
            Outcome(3, "weak", K.VERIFIED_WEAK, 1, evidence={"proof": "size"}),
        ]
    )
    history.end()
    page, _ = page_of(history)
    text = re.sub(r"\s+", " ", page.text)
    assert "Named otherwise at the destination" in text and "a/_/b" in text and "an empty name" in text
    assert "Both kept" in text and "new (2)" in text
    assert "How many items were proven by what" in text and "Verified weakly 1" in text


def test_an_interrupted_run_says_how_much_it_did_not_reach(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.counts.listed, history.counts.source_complete = 1233, False
    history.settle([Outcome(1, "a", K.VERIFIED)])
    history.end(Status.CANCELED)
    page, _ = page_of(history)
    assert "1,233 of 1,234 listed items were not reached" in page.text
    assert "The listing is not complete" in page.text


def test_why_a_name_is_another() -> None:
    rules = service("local").traits.names
    assert "not allowed" in why_named("a\x00b", "a_b", rules)
    assert why_named("a", "a (2)", rules) == "another item has that name at the destination"
    assert why_named("a", "b", None) == "fitted to what the destination accepts"
    assert "300" in why_named("x" * 300, "x", rules)


def test_what_is_not_seen_is_shown_by_its_number() -> None:
    assert str(visible("a\u202eb<")) == 'a<span class="hidden">U+202E</span>b&lt;'
    assert str(visible("Grüße 日本 𝄞")) == "Grüße 日本 𝄞"
    assert str(visible(None)) == ""
