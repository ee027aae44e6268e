"""What pages say to do: the button to press, never a command to type."""

import ast
from pathlib import Path

import haulage
from haulage.web.wizard_pages import counted
from haulage.web.words import browser, on_page

SOURCE = Path(haulage.__file__).parent
NOT_SEEN = {"cli", "sandbox"}  # they speak to whoever typed a command
SOUGHT = ("`haulage ", "same command", "--create", "the command ")
OPERATORS = {"haulage sandbox up", "haulage realms add"}  # of whoever runs the server, and said to be theirs


def sentences() -> set[str]:
    """Every text in the source that names a command of ours, or asks to type one again."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).parts[0] in NOT_SEEN or path.name == "words.py":
            continue
        text = path.read_text()
        if not any(words in text for words in SOUGHT):
            continue
        tree = ast.parse(text)
        described = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            text = ""
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "word" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in described | inside:
                text = node.value
            if any(words in text for words in SOUGHT):
                found.add(text)
    return found


def test_no_page_asks_for_a_command() -> None:
    """Each fix that names a command has words for pages, also where a run's log has kept it."""
    found = sentences()
    assert len(found) > 25
    left = {on_page(one) for one in found}
    told = {one for one in left if "`haulage " in one or "command" in one or " --" in one}
    assert {one for one in told if not any(words in one for words in OPERATORS)} == set()


def test_buttons_are_named() -> None:
    """Some of them, as they read."""
    fix = "Run `haulage connectors reauthorize 'my drive'`; what waits for it goes on from where it stood."
    assert on_page(fix) == "Press Reauthorize; what waits for it goes on from where it stood."
    fix = "Grant the account access to this item, then run the same command again."
    assert on_page(fix, "press Resume") == "Grant the account access to this item, then press Resume."
    assert on_page("Run the same command again.", "press Resume") == "Press Resume."
    assert on_page(None) == ""


def test_what_was_discovered() -> None:
    """One and many, and those that nothing can be copied from or to."""
    assert counted({"user": 12, "user, suspended": 2, "library": 3}) == "12 users, 2 users (suspended), 3 libraries"
    assert counted({"user": 1, "user without a OneDrive": 2}) == "1 user, 2 users without a OneDrive"
    assert counted({"user without a OneDrive": 1, "library": 1}) == "1 user without a OneDrive, 1 library"


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Edg/1"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)


def test_sessions_are_told_apart_by_browser_and_system() -> None:
    """What programs call themselves is shown as it is."""
    told = [browser(one) for one in (FIREFOX, EDGE, IPHONE, ANDROID)]
    assert told == ["Firefox on Linux", "Edge on Windows", "Safari on iPhone", "Chrome on Android"]
    assert browser("curl/8.5.0") == "curl/8.5.0"
    assert browser("") == "Unknown"
