"""The file of a migration, from the keys that the program takes."""

from collections.abc import Mapping

from docs.generator.markdown import code, page, plain, table
from haulage.model import mapping
from haulage.model.migration_file import FILTERS, SCHEDULE, TOP, TRANSFER, VERSION, Key

EXAMPLE = f"""\
```yaml
version: {VERSION}
migration: Wave 1
source: old-dropbox
destination: new-box
filters:
  exclude: ["*.tmp"]
transfers:
  - source: alice@old.example
    destination: alice@new.example
    tags: [hr, wave 1]
  - source: bob@old.example/Projects
    destination: Team Projects/Bob
    notes: ask him first
schedules:
  - every: weekly
    day: Friday
    at: 20:00
    zone: Europe/Berlin
    hours: 20:00-06:00
```"""


def _keys(known: Mapping[str, Key]) -> str:
    rows = [[code(name), one.value, "yes" if one.required else "", plain(one.meaning)] for name, one in known.items()]
    return table(["Key", "Value", "Required", "What it says"], rows)


def render() -> str:
    """The page."""
    return page(
        "Migration files",
        "A migration as a YAML file, which `haulage apply` makes true and `haulage migrations export NAME --yaml` "
        "writes. It names connectors, and never holds a secret.",
        EXAMPLE,
        _keys(TOP),
        "## filters",
        _keys(FILTERS),
        "## transfers",
        _keys(TRANSFER),
        "A row with the ends of a transfer is that transfer. One with a transfer's source and another destination "
        "changes it, if the file and the table have that source once besides what they agree on; a transfer that has "
        "copied is refused then. All others are added. Transfers that the file does not name are left, or with "
        "`--remove` taken out; one that has copied is not.",
        "## schedules",
        _keys(SCHEDULE),
        "A schedule of the same transfers and kind at other times is changed; all others are added, and start in the "
        "name of whoever applies the file, or of `--person`. Where the file speaks of schedules, those that it does "
        "not name are left, or with `--remove` removed.",
        "## What is taken",
        f"Texts are what is written: `no`, `1` and dates are words. At most {mapping.MOST_BYTES // 1024**2} MiB, "
        f"{mapping.MOST_ROWS:,} transfers and {mapping.MOST_CHARACTERS:,} characters a text. One document; no anchors, "
        "aliases or tags. An unknown key, and one that is there twice, is refused; so is a key without a value.",
    )
