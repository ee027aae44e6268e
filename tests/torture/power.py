"""A power cut, replayed: what a run wrote, renamed and synced is recorded, and any moment of it can be put back.

`record` runs a program under strace and makes a `Tape` of all that it did below one folder. `Tape.at(moment, keep)`
is what a disk may hold when the power goes at that moment: all that was synced; of the rest, what `keep` chooses.
This is stricter than any file system: an fsync of a file keeps its bytes, its size and its time, but not its name,
which only an fsync of the folder keeps; what was not synced comes back in any order, in torn sectors, or not at all.
Maps into memory are not seen (SQLite's -shm file, which it makes anew after a crash).
"""

import os
import random
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
TRACED = (
    *("openat", "open", "creat", "close", "dup", "dup2", "dup3", "fcntl", "write", "pwrite64", "writev", "pwritev"),
    *("ftruncate", "truncate", "fallocate", "copy_file_range", "fsync", "fdatasync", "rename", "renameat", "renameat2"),
    *("link", "linkat", "symlinkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "utimensat"),
)
LONGEST_STRING = 16384
_LINE = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. \w+ resumed>(?P<rest>.*)|(?P<call>\w+)\((?P<args>.*))$")
_ENDED = re.compile(r"^(?P<args>.*)\)\s+= (?P<value>-?\d+)")
_ARGUMENT = re.compile(r'\s*("[^"]*"(?:\.\.\.)?|\[[^\]]*\]|[^,]*)(?:,|$)')
_NANOSECONDS = re.compile(r"tv_sec=(\d+), tv_nsec=(\d+)")


@dataclass(eq=False)
class Node:
    """A file or a folder. kept: where its real inode is held on to, so that it can come back with the same number."""

    folder: bool
    data: bytes = b""
    modified_ns: int | None = None
    entries: "dict[str, Node]" = field(default_factory=dict)
    kept: Path | None = None


@dataclass(frozen=True, eq=False)
class Change:
    """One change of one node: of its bytes ("write", "size"), its time ("time"), or a folder's names ("names")."""

    node: Node
    kind: str
    offset: int = 0
    data: bytes = b""
    names: tuple[tuple[str, Node | None], ...] = ()


@dataclass(frozen=True, eq=False)
class Sync:
    """All changes of the node that stand before `before` on the tape are durable from here on."""

    node: Node
    before: int


Keep = Callable[[Change], Sequence[Change]]
"""What of a change that was not synced is on the disk: the change, nothing, or a part of it."""


@dataclass
class Tape:
    """The root as it was, and all that happened to it since."""

    root: Node
    steps: list[Change | Sync]

    def at(self, moment: int, keep: Keep) -> "State":
        """What the disk holds when the power goes after that many steps."""
        state = State()
        waiting: dict[Node, list[tuple[int, Change]]] = {}
        for number, step in enumerate(self.steps[:moment]):
            if isinstance(step, Change):
                waiting.setdefault(step.node, []).append((number, step))
                continue
            mine = waiting.get(step.node, [])
            for at, change in mine:
                if at < step.before:
                    state.apply(change)
            waiting[step.node] = [(at, change) for at, change in mine if at >= step.before]
        for _, change in sorted((one for some in waiting.values() for one in some), key=lambda one: one[0]):
            for part in keep(change):
                state.apply(part)
        return state


class State:
    """Nodes as they are on the disk at some moment; those that nothing happened to are as they were."""

    def __init__(self) -> None:
        self._data: dict[Node, bytearray] = {}
        self._time: dict[Node, int] = {}
        self._names: dict[Node, dict[str, Node]] = {}

    def apply(self, change: Change) -> None:
        """Let it have happened."""
        node = change.node
        if change.kind == "names":
            names = self._names.setdefault(node, dict(node.entries))
            for name, other in change.names:
                if other is None:
                    names.pop(name, None)
                else:
                    names[name] = other
        elif change.kind == "time":
            self._time[node] = change.offset
        else:
            data = self._data.setdefault(node, bytearray(node.data))
            if change.kind == "size":
                del data[change.offset :]
                data.extend(bytes(change.offset - len(data)))
            else:
                data.extend(bytes(max(0, change.offset - len(data))))
                data[change.offset : change.offset + len(change.data)] = change.data

    def put(self, node: Node, path: Path) -> None:
        """Make it real, below `path`, which has to be free (or an empty folder)."""
        if node.folder:
            path.mkdir(exist_ok=True)
            for name, below in self._names.get(node, node.entries).items():
                self.put(below, path / name)
            return
        if node.kept is not None:
            os.link(node.kept, path)
        path.write_bytes(self._data.get(node, node.data))
        modified = self._time.get(node, node.modified_ns)
        if modified is not None:
            os.utime(path, ns=(modified, modified))


def nothing(_: Change) -> Sequence[Change]:
    """Only what was synced is there."""
    return ()


def everything(change: Change) -> Sequence[Change]:
    """All is there, as after a kill."""
    return (change,)


def some(generator: random.Random) -> Keep:
    """Each change is there or not; of a write, some sectors."""

    def keep(change: Change) -> Sequence[Change]:
        if generator.random() < 0.5:
            return ()
        if change.kind != "write" or generator.random() < 0.5:
            return (change,)
        return [piece for piece in _sectors(change) if generator.random() < 0.5]

    return keep


def _sectors(change: Change) -> Iterator[Change]:
    start = 0
    while start < len(change.data):
        end = min(len(change.data), start + SECTOR - (change.offset + start) % SECTOR)
        yield Change(change.node, "write", change.offset + start, change.data[start:end])
        start = end


def torn(tape: Tape, moment: int, generator: random.Random) -> Keep:
    """All is there but the end of the last write."""
    last = next((step for step in reversed(tape.steps[:moment]) if isinstance(step, Change) and step.data), None)

    def keep(change: Change) -> Sequence[Change]:
        if change is not last:
            return (change,)
        pieces = list(_sectors(change))
        return pieces[: generator.randrange(len(pieces))]

    return keep


def node_of(path: Path, keep_in: Path | None) -> Node:
    """What is really there, all of it durable. keep_in: a folder outside, for hard links to the files."""
    if path.is_dir():
        return Node(True, entries={one.name: node_of(one, keep_in) for one in path.iterdir()})
    node = Node(False, path.read_bytes(), path.stat().st_mtime_ns)
    _hold(node, path, keep_in)
    return node


def _hold(node: Node, path: Path, keep_in: Path | None) -> None:
    if keep_in is not None and node.kept is None:
        node.kept = keep_in / f"{sum(1 for _ in keep_in.iterdir()):06}"
        os.link(path, node.kept)


def record(command: Sequence[str], environment: Mapping[str, str], root: Path, kept: Path) -> Tape:
    """Run a program that works below `root`, and tape it. kept: a folder for hard links, on the same file system."""
    tape = Tape(node_of(root, kept), [])
    log = kept.parent / "strace.log"
    strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-xx", "-s", str(LONGEST_STRING), "-o", str(log)]
    traced = [*strace, "-e", f"trace={','.join(TRACED)}", *command]
    done = subprocess.run(traced, env=dict(environment), capture_output=True, timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout.decode() + done.stderr.decode())
    reader = _Reader(tape, root)
    with log.open() as lines:
        for line in lines:
            reader.line(line.rstrip("\n"))
    reader.hold_all(kept)
    log.unlink()
    return tape


class _Reader:
    """Reads strace's lines: one process, several threads, one table of descriptors."""

    def __init__(self, tape: Tape, root: Path) -> None:
        self._tape = tape
        self._root = root
        self._descriptors: dict[int, tuple[Node, int]] = {}
        self._begun: dict[str, tuple[str, str, int]] = {}
        self._live: dict[Node, dict[str, Node]] = {}
        self._sizes: dict[Node, int] = {}
        self._cut_short: list[tuple[Node, int, int, int]] = []

    def line(self, text: str) -> None:
        """Take in a line. What a call did is taken to have happened when it ended, and a close when it began."""
        found = _LINE.match(text)
        if found is None:
            return
        if found["call"]:
            call, args, begun = found["call"], found["args"], len(self._tape.steps)
            if call == "close":
                self._descriptors.pop(int(args.split(")")[0].split(" ")[0]), None)
                return
            if args.endswith("<unfinished ...>"):
                self._begun[found["pid"]] = call, args.removesuffix("<unfinished ...>").rstrip(), begun
                return
        elif found["pid"] in self._begun:
            call, args, begun = self._begun.pop(found["pid"])
            args += found["rest"]
        else:
            return
        ended = _ENDED.match(args)
        if ended is not None and (value := int(ended["value"])) >= 0:
            words = [word for word in (one[1].strip() for one in _ARGUMENT.finditer(ended["args"])) if word]
            handler = getattr(self, f"_{call}", None)
            if handler is not None:
                handler(words, value, begun)
            elif self._about_us(words):
                raise NotImplementedError(f"{call} below the root cannot be taped")

    def hold_all(self, kept: Path) -> None:
        """Hold on to the files that are there in the end, and fill in the writes that strace had cut short."""
        self._hold_below(self._tape.root, self._root, kept)
        for node, number, offset, length in self._cut_short:
            if node.kept is None:
                raise NotImplementedError("a long write to a file that is gone in the end cannot be taped")
            with node.kept.open("rb") as file:
                file.seek(offset)
                data = file.read(length)
            step = self._tape.steps[number]
            if not isinstance(step, Change) or len(data) != length or not data.startswith(step.data):
                raise RuntimeError("what is in the file is not what was written")
            self._tape.steps[number] = Change(node, "write", offset, data)

    def _hold_below(self, node: Node, path: Path, kept: Path) -> None:
        if node.folder:
            for name, below in self._names(node).items():
                self._hold_below(below, path / name, kept)
        elif path.is_file():
            _hold(node, path, kept)

    def _names(self, folder: Node) -> dict[str, Node]:
        """A folder's names as they are at this point of the tape."""
        return self._live.setdefault(folder, dict(folder.entries))

    def _about_us(self, words: list[str]) -> bool:
        numbers = [int(word) for word in words[:3] if word.isdecimal()]
        return any(number in self._descriptors for number in numbers[:1])

    def _add(self, change: Change) -> None:
        self._tape.steps.append(change)

    def _rename_in(self, folder: Node, *names: tuple[str, Node | None]) -> None:
        live = self._names(folder)
        for name, node in names:
            if node is None:
                live.pop(name, None)
            else:
                live[name] = node
        self._add(Change(folder, "names", names=names))

    # --- paths

    def _place(self, base: str, text: str) -> tuple[Node, str] | None:
        """The folder and the name that a path means; None if that is not below the root."""
        path = _string(text).decode(errors="surrogateescape")
        if path.startswith("/"):
            if path == str(self._root):
                return self._tape.root, "."
            if not path.startswith(f"{self._root}/"):
                return None
            at, parts = self._tape.root, path[len(str(self._root)) + 1 :].split("/")
        else:
            opened = self._descriptors.get(int(base)) if base.isdecimal() else None
            if opened is None:
                return None
            at, parts = opened[0], path.split("/")
        parts = [part for part in parts if part not in ("", ".")]
        for part in parts[:-1]:
            below = self._names(at).get(part)
            if below is None:
                return None
            at = below
        return at, parts[-1] if parts else "."

    def _node(self, place: tuple[Node, str] | None) -> Node | None:
        if place is None:
            return None
        return place[0] if place[1] == "." else self._names(place[0]).get(place[1])

    # --- calls: words of the arguments, what was returned, the tape's length when it began

    def _openat(self, words: list[str], value: int, begun: int) -> None:
        place = self._place(words[0], words[1])
        node = self._node(place)
        if place is None:
            self._descriptors.pop(value, None)
            return
        if "O_TMPFILE" in words[2]:
            node = Node(False)
        elif node is None:
            node = Node(False)
            self._rename_in(place[0], (place[1], node))
        elif "O_TRUNC" in words[2]:
            self._resized(node, 0)
        self._descriptors[value] = (node, self._size(node) if "O_APPEND" in words[2] else 0)

    def _size(self, node: Node) -> int:
        return self._sizes.get(node, len(node.data))

    def _resized(self, node: Node, size: int) -> None:
        self._sizes[node] = size
        self._add(Change(node, "size", size))

    def _open(self, words: list[str], value: int, begun: int) -> None:
        self._openat(["AT_FDCWD", *words], value, begun)

    def _dup(self, words: list[str], value: int, begun: int) -> None:
        if (opened := self._descriptors.get(int(words[0]))) is not None:
            self._descriptors[value] = opened
        else:
            self._descriptors.pop(value, None)

    _dup2 = _dup3 = _dup

    def _fcntl(self, words: list[str], value: int, begun: int) -> None:
        if words[1].startswith("F_DUPFD"):
            self._dup(words, value, begun)

    def _write(self, words: list[str], value: int, begun: int) -> None:
        descriptor = int(words[0])
        if descriptor in self._descriptors:
            node, position = self._descriptors[descriptor]
            self._descriptors[descriptor] = (node, position + value)
            self._written(node, position, words[1], value)

    def _pwrite64(self, words: list[str], value: int, begun: int) -> None:
        if (opened := self._descriptors.get(int(words[0]))) is not None:
            self._written(opened[0], int(words[3]), words[1], value)

    def _written(self, node: Node, offset: int, text: str, length: int) -> None:
        data = _string(text)[:length]
        if len(data) < length:
            self._cut_short.append((node, len(self._tape.steps), offset, length))
        self._sizes[node] = max(self._size(node), offset + length)
        self._add(Change(node, "write", offset, data))

    def _ftruncate(self, words: list[str], value: int, begun: int) -> None:
        if (opened := self._descriptors.get(int(words[0]))) is not None:
            self._resized(opened[0], int(words[1]))

    def _fsync(self, words: list[str], value: int, begun: int) -> None:
        if (opened := self._descriptors.get(int(words[0]))) is not None:
            self._tape.steps.append(Sync(opened[0], begun))

    _fdatasync = _fsync

    def _utimensat(self, words: list[str], value: int, begun: int) -> None:
        opened = self._descriptors.get(int(words[0])) if words[0].isdecimal() else None
        times = _NANOSECONDS.findall(words[2])
        if opened is not None and len(times) == 2:
            self._add(Change(opened[0], "time", int(times[1][0]) * 1_000_000_000 + int(times[1][1])))

    def _linkat(self, words: list[str], value: int, begun: int) -> None:
        source = _string(words[1]).decode(errors="surrogateescape")
        through = re.fullmatch(r"/proc/self/fd/(\d+)", source)
        opened = self._descriptors.get(int(through[1])) if through else None
        node = opened[0] if opened else self._node(self._place(words[0], words[1]))
        place = self._place(words[2], words[3])
        if node is not None and place is not None:
            self._rename_in(place[0], (place[1], node))

    def _renameat2(self, words: list[str], value: int, begun: int) -> None:
        old, new = self._place(words[0], words[1]), self._place(words[2], words[3])
        if old is None or new is None:
            return
        if old[0] is not new[0]:
            raise NotImplementedError("a move from folder to folder cannot be taped")
        moved, there = self._node(old), self._node(new)
        exchanged = len(words) > 4 and "EXCHANGE" in words[4]
        self._rename_in(old[0], (old[1], there if exchanged else None), (new[1], moved))

    def _renameat(self, words: list[str], value: int, begun: int) -> None:
        self._renameat2(words, value, begun)

    def _rename(self, words: list[str], value: int, begun: int) -> None:
        self._renameat2(["AT_FDCWD", words[0], "AT_FDCWD", words[1]], value, begun)

    def _unlinkat(self, words: list[str], value: int, begun: int) -> None:
        if (place := self._place(words[0], words[1])) is not None:
            self._rename_in(place[0], (place[1], None))

    def _unlink(self, words: list[str], value: int, begun: int) -> None:
        self._unlinkat(["AT_FDCWD", words[0]], value, begun)

    _rmdir = _unlink

    def _mkdirat(self, words: list[str], value: int, begun: int) -> None:
        if (place := self._place(words[0], words[1])) is not None:
            self._rename_in(place[0], (place[1], Node(True)))

    def _mkdir(self, words: list[str], value: int, begun: int) -> None:
        self._mkdirat(["AT_FDCWD", words[0]], value, begun)


def _string(text: str) -> bytes:
    """The bytes of a string as `strace -xx` writes it."""
    return bytes.fromhex(text.strip('".').replace("\\x", ""))


def empty(folder: Path) -> None:
    """Remove all that is in a folder."""
    for path in folder.iterdir():
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()
