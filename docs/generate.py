"""Writes docs/reference/generated/: run by Sphinx at every build, or by hand as `python -m docs.generate`."""

from pathlib import Path

from docs.generator import cli, ledger, migration_file, outcomes, promises, sandbox, services, settings

FOLDER = Path(__file__).resolve().parent / "reference" / "generated"

PAGES = {
    "cli.md": cli.render,
    "settings.md": settings.render,
    "error-codes.md": outcomes.error_codes,
    "statuses.md": outcomes.statuses,
    "services.md": services.render,
    "promises.md": promises.render,
    "migration-file.md": migration_file.render,
    "ledger.md": ledger.render,
    "sandbox.md": sandbox.render,
}
"""File name -> what renders it."""


def generate(folder: Path = FOLDER) -> list[Path]:
    """Write every page, and touch none that has not changed."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, render in PAGES.items():
        path, text = folder / name, render()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for page in generate():
        print(page.relative_to(Path.cwd()) if page.is_relative_to(Path.cwd()) else page.name)
