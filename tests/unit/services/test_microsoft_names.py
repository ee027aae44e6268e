"""Names that OneDrive and SharePoint refuse are fitted to ones that they take, and back again in the report."""

import pytest

from haulage.model.errors import NameRefused
from haulage.model.naming import NameRules, fit
from haulage.sandbox.microsoft.files.names import wrong_name
from haulage.services.microsoft.traits import BUSINESS, PERSONAL

RULES = pytest.mark.parametrize("rules", [BUSINESS.names, PERSONAL.names], ids=["work", "personal"])
REFUSED = [
    "a:b",
    "q?",
    "a|b",
    "tab\t",
    "CON",
    "com0",
    "Desktop.ini",
    ".lock",
    "~$x.docx",
    "a_VTI_b",
    "x ",
    " x",
    "x.",
    "x. .",
]


@RULES
@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("folder", [False, True])
def test_refused_names_are_fitted(rules: NameRules, name: str, folder: bool) -> None:
    """T41: what the sandbox refuses by the vendor's page is told as fitted, with why, and is taken then."""
    assert wrong_name(name, folder=folder, library_root=False)
    fitted = fit(name, rules, folder=folder)
    assert fitted.path != name
    assert fitted.changes
    assert not wrong_name(fitted.path, folder=folder, library_root=False)
    assert fit(fitted.path, rules, folder=folder).path == fitted.path


@pytest.mark.parametrize("name", ["page_files", "Seite-Dateien", "page.files", "page_fichiers"])
def test_folders_beside_web_pages(name: str) -> None:
    """A work drive takes such a folder for a part of the page: it gets another name, and a personal one keeps it."""
    path = f"{name}/a.png"
    assert fit(path, BUSINESS.names).path == f"{name}-/a.png"
    assert fit(path, PERSONAL.names).path == path


def test_what_only_folders_or_roots_may_not_be_called() -> None:
    """`~x` as a folder, and `forms` in a library's root."""
    assert fit("~x/a", BUSINESS.names).path == "_~x/a"
    assert fit("~x", BUSINESS.names).path == "~x"
    assert fit("Forms/a", BUSINESS.names).path == "_Forms/a"
    assert fit("a/Forms", BUSINESS.names).path == "a/Forms"


@RULES
def test_lengths(rules: NameRules) -> None:
    """255 and 400 units of UTF-16: a face is two."""
    assert fit("n" * 255, rules).path == "n" * 255
    for path in ("n" * 256, "\U0001f600" * 128, "/".join(["d" * 100] * 4)):
        with pytest.raises(NameRefused):
            fit(path, rules)
