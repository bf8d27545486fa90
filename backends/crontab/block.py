"""How our block is put into the bytes of a crontab, taken out, and mended. Pure: bytes in, bytes out.

Our block is between two marker comments behind all lines of people. So its assignments cannot change a line that is
not ours: an assignment is in force for the lines after it (crontab(5)). Everything that is not ours is foreign: its
bytes and its order never change. The block of another installation is foreign, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backends.crontab import owner as owners
from backends.crontab.owner import Mark, Owner
from scheduling.difference import DifferenceKind
from scheduling.errors import BackendError

# Debian's cron ignores a table of more than 10,000 lines, comments included. `crontab` adds three lines to a table.
MOST_LINES: Final = 9_990

_JOINED: Final = b", with the line break above"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a table, and the line that it is about. Bytes that are not UTF-8 are shown as escapes."""

    kind: DifferenceKind
    text: str


@dataclass(frozen=True, slots=True)
class Parts:
    """A table in parts: `before` and `after` are foreign, `block` is the inside of our block (our lines in it).

    `joined`: the line break at the end of `before` is ours, because the table had none; `before` is without it.
    `after` holds blocks of other installations, and nothing else.
    """

    before: bytes
    block: bytes
    after: bytes
    joined: bool
    # For each line of the table (they end at line feeds), whether it is foreign.
    is_foreign: tuple[bool, ...]
    faults: tuple[Fault, ...]

    @property
    def foreign(self) -> bytes:
        """The table without our block."""
        line_break = b"\n" if self.joined and self.after else b""
        return self.before + line_break + self.after


def split(table: bytes, owner: Owner, *, known: bytes = b"") -> Parts:
    """Split a table into its parts.

    `known` is the inside of the block as it should be. It helps to tell lines apart in a block that was edited.
    """
    lines = table.split(b"\n")
    reading = _Reading(lines, owner, known)
    ends = [line + b"\n" for line in lines[:-1]] + [lines[-1]]
    stays = reading.first_behind()
    before = b"".join(line for place, line in enumerate(ends) if reading.foreign[place] and place < stays)
    after = b"".join(line for place, line in enumerate(ends) if reading.foreign[place] and place >= stays)
    cut = before.removesuffix(b"\n")
    joined = bool(cut) and reading.joined_at(stays)
    return Parts(
        cut if joined else before,
        b"".join(line + b"\n" for line in reading.block()),
        after,
        joined,
        tuple(reading.foreign),
        tuple(reading.faults()),
    )


def splice(table: bytes, block: bytes, owner: Owner) -> bytes:
    """The table with `block` (whole lines, or empty for no block) as our block; faults of the table are mended.

    The block goes to the end, but it stays before blocks of other installations that follow it. Lines of people in our
    block come before it.
    `splice(splice(table, block, owner), b"", owner) == table` for every table without a line of ours. Raises
    BackendError if the result would have more lines than cron reads.
    """
    parts = split(table, owner, known=block)
    if not block:
        return parts.foreign
    joined = parts.joined or (bool(parts.before) and not parts.before.endswith(b"\n"))
    begin, end = markers(block, owner, joined=joined)
    line_break = b"\n" if joined else b""
    spliced = parts.before + line_break + begin + b"\n" + block + end + b"\n" + parts.after
    count = spliced.count(b"\n")
    if count > MOST_LINES:
        raise BackendError(
            f"The crontab would have {count:,} lines, and cron reads no table of more than 10,000: "
            "move schedules to another backend or another host."
        )
    return spliced


def faults(table: bytes, owner: Owner, *, known: bytes = b"") -> tuple[Fault, ...]:
    """What is wrong with the table, in the order of its lines; the next `splice` mends it. `known` as in `split`."""
    return split(table, owner, known=known).faults


def foreign_places(table: bytes, owner: Owner) -> list[int]:
    """For each foreign line, its place (from 0) among all lines of the table."""
    return [place for place, is_foreign in enumerate(split(table, owner).is_foreign) if is_foreign]


def markers(block: bytes, owner: Owner, *, joined: bool) -> tuple[bytes, bytes]:
    """The two marker lines around a block."""
    inside = block.removesuffix(b"\n").split(b"\n")
    what = f"{owner.id}: {len(inside)} lines, {owners.digest(inside)}".encode()
    return _begin(what, joined=joined), b"# --- END Tandem " + what + b" ---"


def _begin(what: bytes, *, joined: bool) -> bytes:
    written = b"written by a program" + (_JOINED if joined else b"")
    return b"# --- BEGIN Tandem " + what + b"; " + written + b"; edit the schedules instead ---"


class _Reading:
    """Who owns each line of a table, and what is wrong with it."""

    def __init__(self, lines: Sequence[bytes], owner: Owner, known: bytes) -> None:
        self.lines = lines
        # What stands behind the last line break is no line, if it is empty.
        self.count = len(lines) - (not lines[-1])
        self.owner = owner
        self.known = known.removesuffix(b"\n").split(b"\n") if known else []
        found = owners.marks(lines)
        others = [pair for pair in owners.pairs(found) if pair[0].owner_id != owner.id]
        self.opaque = {place for first, last in others for place in range(first.place, last.place + 1)}
        self.marks = [mark for mark in found if mark.owner_id == owner.id and mark.place not in self.opaque]
        self.pairs = owners.pairs(self.marks)
        # A mark alone proves lines by its digest. So does a copy of the block without its marks.
        self.proven = {place for mark in self.marks for place in owners.proven(lines, mark)} - self.opaque
        self.bare_copies = self._bare_copies()
        self.inside = {p for first, last in self.pairs for p in range(first.place + 1, last.place)} - self.opaque
        self.foreign = [True] * len(lines)
        self._take_ours()

    def _take_ours(self) -> None:
        for mark in self.marks:
            self.foreign[mark.place] = False
        for place in self.proven | self.bare_copies:
            self.foreign[place] = False
        for first, last in self.pairs:
            places = [p for p in range(first.place + 1, last.place) if self.foreign[p] and p in self.inside]
            known = self.known if len(places) == last.place - first.place - 1 else ()
            answers = owners.of_line_by_line([self.lines[place] for place in places], self.owner, known)
            for place, is_ours in zip(places, answers, strict=True):
                self.foreign[place] = not is_ours
        for place in self._strays():
            self.foreign[place] = False

    def _strays(self) -> list[int]:
        """The places of lines with our command outside of our block."""
        command, held = self.owner.command, self.inside | self.proven | self.bare_copies | self.opaque
        return [
            place
            for place, line in enumerate(self.lines)
            if command in line and place not in held and owners.runs_us(line, self.owner)
        ]

    def _bare_copies(self) -> set[int]:
        """The places of lines that are together exactly the known block, where it has no marks."""
        found = set[int]()
        if not any(owners.runs_us(line, self.owner) for line in self.known):
            return found
        texts, size = [owners.bare(line) for line in self.lines], len(self.known)
        for place, text in enumerate(texts):
            if text == self.known[0] and texts[place : place + size] == self.known:
                found.update(range(place, place + size))
        return found - self.proven - self.opaque

    def first_behind(self) -> int:
        """The place where the blocks of other installations begin that our block stays before.

        It is the end of the table if our block has to go there.
        """
        end = len(self.lines)
        last = max((mark.place for mark in self.marks), default=end)
        behind = [place for place in range(last + 1, self.count) if self.foreign[place]]
        return last if behind and all(place in self.opaque for place in behind) else end

    def joined_at(self, stays: int) -> bool:
        """Whether the line break before our block is ours: the mark says so, and no foreign line came between."""
        return any(
            _JOINED in self.lines[first.place]
            and self._is_whole(first)
            and not any(self.foreign[first.place : min(stays, self.count)])
            for first, _ in self.pairs
        )

    def block(self) -> list[bytes]:
        """Our lines in our block."""
        held = sorted(self.inside | self.proven)
        return [owners.bare(self.lines[place]) for place in held if not self.foreign[place]]

    def faults(self) -> list[Fault]:
        found = self._faults_of_markers() + self._faults_inside()
        found += [(place, DifferenceKind.MOVED) for place in self._strays()]
        return [Fault(kind, self.lines[place].decode("utf-8", "backslashreplace")) for place, kind in sorted(found)]

    def _faults_of_markers(self) -> list[tuple[int, DifferenceKind]]:
        paired = {mark.place for pair in self.pairs for mark in pair}
        found = [
            (mark.place, DifferenceKind.MARKERS)
            for mark in self.marks
            if mark.place not in paired or not self._is_whole(mark)
        ]
        if self.bare_copies - self.inside:
            found.append((min(self.bare_copies - self.inside), DifferenceKind.MARKERS))
        return found + [(first.place, DifferenceKind.DOUBLED) for first, _ in self.pairs[1:]]

    def _faults_inside(self) -> list[tuple[int, DifferenceKind]]:
        seen, found = set[bytes](), []
        for place in sorted(self.inside):
            line = owners.bare(self.lines[place])
            if self.foreign[place]:
                found.append((place, DifferenceKind.FOREIGN_INSIDE))
            elif place not in self.proven and owners.is_disabled(line, self.owner):
                found.append((place, DifferenceKind.DISABLED))
            elif line in seen and owners.runs_us(line, self.owner):
                found.append((place, DifferenceKind.DOUBLED))
            seen.add(line)
        return found

    def _is_whole(self, mark: Mark) -> bool:
        """Whether the mark's line has every byte that we wrote."""
        what = f"{mark.owner_id}: {mark.count} lines, {mark.digest}".encode()
        if not mark.begins:
            return self.lines[mark.place] == b"# --- END Tandem " + what + b" ---"
        return self.lines[mark.place] in {_begin(what, joined=joined) for joined in (False, True)}
