"""Options that several commands share, with their words of help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from haulage.model.filters import Filters, parse_age, parse_size
from haulage.operations.locations import Given

Json = Annotated[bool, Parameter("--json", negative="", show_default=False, help="JSON on standard output.")]
Several = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False, show_default=False)]
File = Annotated[Path, Parameter(allow_leading_hyphen=True)]
"""A file that is read; "-" is standard input."""
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True)
class FilterOptions:
    """Which items are taken."""

    include: Several = ()
    """Take only what matches this glob (on the name; with a "/", on the whole path). May be repeated."""
    exclude: Several = ()
    """Leave out what matches this glob. May be repeated."""
    min_size: str | None = None
    """Leave out smaller files, such as 10k."""
    max_size: str | None = None
    """Leave out larger files, such as 2G."""
    newer_than: str | None = None
    """Take only files modified in this time, such as 30d."""
    older_than: str | None = None
    """Take only files not modified in this time, such as 12h."""

    def filters(self) -> Filters:
        """What was chosen, parsed. Raises Refused."""
        return Filters(
            self.include,
            self.exclude,
            parse_size(self.min_size) if self.min_size is not None else None,
            parse_size(self.max_size) if self.max_size is not None else None,
            parse_age(self.newer_than) if self.newer_than is not None else None,
            parse_age(self.older_than) if self.older_than is not None else None,
        ).checked()


EVERYTHING = FilterOptions()


@Parameter(name="*")
@dataclass(frozen=True)
class SideOptions:
    """How the two sides are reached, where the usual environment variables do not say it or say it for both alike."""

    source_endpoint: str | None = None
    """Address of the source's server, as in --source-set endpoint_url=..."""
    source_profile: str | None = None
    """Profile of the vendor's own configuration for the source, as in --source-set profile=..."""
    source_set: Several = ()
    """A setting of the source's service, FIELD=VALUE; secrets as FIELD=env:VARIABLE or FIELD=file:PATH."""
    destination_endpoint: str | None = None
    """Address of the destination's server."""
    destination_profile: str | None = None
    """Profile of the vendor's own configuration for the destination."""
    destination_set: Several = ()
    """A setting of the destination's service, likewise."""

    def sides(self, source: str, destination: str) -> tuple[Given, Given]:
        """Both sides as they were given."""
        return (
            Given(source, "source", _settings(self.source_endpoint, self.source_profile, self.source_set)),
            Given(
                destination,
                "destination",
                _settings(self.destination_endpoint, self.destination_profile, self.destination_set),
            ),
        )


def _settings(endpoint: str | None, profile: str | None, more: tuple[str, ...]) -> tuple[str, ...]:
    named = {"endpoint_url": endpoint, "profile": profile}
    return (*(f"{name}={value}" for name, value in named.items() if value is not None), *more)


AS_USUAL = SideOptions()
