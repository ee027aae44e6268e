"""`make demo`: a small migration between two real servers on this machine, then one between two simulated services.

`python -m testbed.demo` is the same.

Ends with 0 if every step did what it should, with 1 if one did not, with 130 if it was stopped. Everything it makes
lies in .testbed/demo and is replaced by the next demonstration.
"""

import asyncio
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from haulage.cli import sandbox_demo
from haulage.cli.showing import Facts, Haulage, StepFailed, Stopwatch, say, step
from haulage.model.words import size_text
from testbed.content import Tree
from testbed.demo_sides import Destination, clean_environment, demonstration_tree, s3_variables, start_destination
from testbed.process import ROOT, DidNotStart, NotInstalled
from testbed.servers import SeaweedFS
from testbed.stores import Refused, fill_bucket

FOLDER = ROOT / ".testbed" / "demo"
BUCKET = "migration"
FIRST, SECOND = "migrated", "interrupted"
UNHURRIED = ("--bandwidth", "50M")  # so that the fastest machine, too, can be stopped half way


@contextmanager
def alone() -> Iterator[None]:
    """One demonstration at a time, in an empty folder. Raises StepFailed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(FOLDER.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(FOLDER)
        FOLDER.mkdir()
        yield
    except BlockingIOError:
        raise StepFailed("another demonstration is running in this checkout") from None
    finally:
        os.close(descriptor)


class Demonstration:
    """The steps, on servers that run."""

    def __init__(self, source: SeaweedFS, destination: Destination) -> None:
        environment = {**clean_environment(), **s3_variables(source), **destination.env}
        self._source = source
        self._destination = destination
        self._haulage = Haulage(environment, FOLDER / "state")
        self._tree = Tree([])
        self._from = f"s3://{BUCKET}"

    def fill(self) -> None:
        """Step 2."""
        self._tree = tree = demonstration_tree()
        step(
            2,
            f"Filling the bucket {BUCKET!r} with {len(tree.files):,} files, {size_text(tree.size)}: the library of the "
            "Python that runs this, made ones with names in several scripts and awkward characters, empty files, empty "
            "folders, and a few large ones. This is not Haulage yet, only the preparation.",
        )
        watch = Stopwatch()
        asyncio.run(fill_bucket(tree, self._source, BUCKET))
        for name in (FIRST, SECOND):
            self._destination.make(name)
        say(f"Done in {watch}.")

    def copy(self) -> None:
        """Step 3."""
        to = self._destination.location(FIRST)
        step(3, f"Copying it: haulage copy {self._from} {to}")
        self._haulage.show("copy", self._from, to)

    def verify(self) -> None:
        """Step 4: by Haulage, and without it."""
        to = self._destination.location(FIRST)
        step(4, f"Having both sides listed anew and compared, item by item: haulage verify {self._from} {to}")
        self._haulage.show("verify", self._from, to)
        say("And without Haulage: every object at the destination is read back by other clients and hashed (SHA-256).")
        self._compare(FIRST)

    def interrupt(self) -> Facts:
        """Step 5."""
        to = self._destination.location(SECOND)
        step(
            5,
            f"Copying it once more, to another place ({to}), and killing Haulage half way with SIGKILL, as a power "
            "failure or the system's out-of-memory killer would.",
        )
        shown = 0

        def half(event: Facts) -> bool:
            nonlocal shown
            done = 100 * event["sent_bytes"] // self._tree.size
            if done >= shown + 10:
                shown = done - done % 10
                say(f"{done} %: {event['successful']:,} items proven, {size_text(event['sent_bytes'])} sent")
            return bool(done >= 50)

        killed = self._haulage.kill_when(half, "copy", self._from, to, *UNHURRIED)
        say("Killed.")
        return killed

    def resume(self, killed: Facts) -> None:
        """Step 6."""
        to = self._destination.location(SECOND)
        step(6, f"Running the same command again: haulage copy {self._from} {to} {' '.join(UNHURRIED)}")
        self._haulage.show("copy", self._from, to, *UNHURRIED)
        counts = self._haulage.ask("runs", "--limit", "1")[0]["counts"]
        say(
            f"It went on: {counts['unchanged']:,} items ({size_text(counts['unchanged_bytes'])}) were proven before "
            f"the kill and were not sent again; {size_text(counts['resumed_bytes'])} of large files that were under "
            f"way lay at the destination already, as checked parts; {counts['adopted']:,} items had arrived without "
            "being recorded, and were compared instead of being sent. So this run sent "
            f"{size_text(counts['sent_bytes'])}, after {size_text(killed['sent_bytes'])} of the killed one, of "
            f"{size_text(counts['listed_bytes'])}."
        )
        if not counts["unchanged"] or counts["sent_bytes"] > 0.75 * counts["listed_bytes"]:
            raise StepFailed("the second run sent again what was at the destination already")
        self._compare(SECOND)

    def report(self) -> None:
        """Step 7."""
        step(7, "Writing the report of the last run: haulage report last")
        self._haulage.show("report", "last")

    def _compare(self, name: str) -> None:
        """Raises StepFailed unless the destination holds the content of all files, under names that need no repair."""
        watch, expected = Stopwatch(), self._tree.digests()
        there = asyncio.run(self._destination.read(name))
        for folder in self._tree.empty_folders:  # Azure has none: each is an empty blob that says what it stands for
            there.pop(folder, None)
        if sorted(there.values()) != sorted(expected.values()):
            missing = [path for path, digest in expected.items() if there.get(path) != digest]
            raise StepFailed(f"{len(missing)} files differ at the destination, the first is {missing[0]!r}")
        renamed = [path for path in expected if path not in there]
        say(
            f"All {len(expected):,} files are there with the same bytes; {len(renamed)} of them under a repaired name, "
            f"since the destination does not take theirs ({watch})."
        )


def first_act() -> None:
    """Between two storage servers."""
    with ExitStack() as stack:
        step(1, "Starting two storage servers that neither share code with Haulage nor with each other.")
        source = stack.enter_context(SeaweedFS(FOLDER / "seaweedfs"))
        destination, instead = start_destination(FOLDER)
        stack.callback(destination.stop)
        if instead:
            say(f"Azurite cannot run here, so the destination is a second S3 server ({instead}).")
        say(f"Source: {source.title} (S3). Destination: {destination.title}. Both on this machine only.")
        demonstration = Demonstration(source, destination)
        demonstration.fill()
        demonstration.copy()
        demonstration.verify()
        demonstration.resume(demonstration.interrupt())
        demonstration.report()
    for name in ("seaweedfs", "azurite", "second-seaweedfs"):  # hundreds of megabytes that nobody needs any more
        shutil.rmtree(FOLDER / name / "data", ignore_errors=True)


def second_act() -> None:
    """Between two cloud services that the sandbox simulates."""
    print(flush=True)
    say("Second act: from one cloud service to another, on the sandbox. By itself it is `haulage sandbox demo`.")
    folder = FOLDER / "cloud"
    folder.mkdir()
    sandbox_demo.demonstrate(folder)


def demonstrate() -> None:
    """All steps. Raises StepFailed, NotInstalled, DidNotStart."""
    watch = Stopwatch()
    with alone():
        first_act()
        second_act()
    print(flush=True)
    say(f"Both acts worked, in {watch}; the servers are stopped. To look around in what was recorded of the first:")
    state = (FOLDER / "state").relative_to(ROOT)
    print(f"  HAULAGE_HOME={state} .venv/bin/haulage runs\n  HAULAGE_HOME={state} .venv/bin/haulage log last")


def main() -> int:
    """The exit code."""
    say(
        "This demonstration moves files from one storage service to another, on this machine: it proves that they "
        "arrived, kills a second move half way, and goes on with it."
    )
    try:
        demonstrate()
    except (StepFailed, NotInstalled, DidNotStart, Refused) as failure:
        print(f"\nThe demonstration failed: {failure}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the servers are stopped too.", file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
