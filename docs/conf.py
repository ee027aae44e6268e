"""Sphinx: MyST pages, the furo theme, and a reference that is read off the code before the build."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs.generate import generate  # noqa: E402 - the checkout has to be on the path first
from haulage import __version__  # noqa: E402 - likewise

generate()

project = "Haulage"
author = "The Haulage maintainers"
copyright = "the Haulage maintainers"
release = version = __version__
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "generator", "README.md"]
html_theme = "furo"
html_title = "Haulage"
html_show_sphinx = False
suppress_warnings: list[str] = []
