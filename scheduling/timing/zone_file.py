"""The offsets of a zone from UTC, read from its compiled file (TZif, RFC 9636). Bytes in, minutes out. Pure.

zoneinfo reads the same files, but does not say when clocks change; PEP 615 names the format.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date

from scheduling.timing.instants import EPOCH_ORDINAL, FIRST_MINUTE, MINUTES_A_DAY
from scheduling.timing.yearly_changes import YearlyChanges, yearly_changes

# Magic, version, 15 unused bytes, and six counts: of UT/local and standard/wall indicators, leap seconds, changes,
# kinds of local time, and characters of names (RFC 9636, section 3.1).
_HEADER = struct.Struct(">4sc15x6I")
# A kind of local time: seconds ahead of UTC, whether it is summer time, and where its name is (section 3.2).
_KIND = struct.Struct(">i?B")
_MINUTE = 60
_NEVER = FIRST_MINUTE * _MINUTE


@dataclass(frozen=True, slots=True)
class Offsets:
    """When the clocks of a zone change, and how many minutes they are ahead of UTC.

    Each of `changes` (seconds since 1970, ascending) begins the kind of the same place in `kinds`. `offsets` are the
    minutes ahead of UTC of each kind; old offsets have seconds, and are rounded down. `before` is the offset before all
    changes, `yearly` the rule after them.
    """

    changes: array[int]
    kinds: bytes
    offsets: tuple[int, ...]
    before: int
    yearly: YearlyChanges | None

    def between(self, begin: int, end: int) -> list[tuple[int, int]]:
        """The offset at the UTC minute `begin`, and each new one before the minute `end`, as pairs (minute, offset).

        A clock that changes within a minute changes at the next whole minute.
        """
        known, found = self.before, {}
        for second, offset in self._around(begin * _MINUTE, end * _MINUTE):
            minute = -(-second // _MINUTE)
            if minute <= begin:
                known = offset
            elif minute < end:
                found[minute] = offset
        pairs = [(begin, known)]
        for minute, offset in found.items():
            if offset != pairs[-1][1]:
                pairs.append((minute, offset))
        return pairs

    def _around(self, begin: int, end: int) -> list[tuple[int, int]]:
        """What the clock is at the second `begin`, unless that is `before`, and its changes until `end` or later."""
        first, last = bisect_right(self.changes, begin), bisect_left(self.changes, end)
        found = [(self.changes[at], self.offsets[self.kinds[at]]) for at in range(max(first - 1, 0), last)]
        if self.yearly is None or last < len(self.changes):
            return found
        listed = self.changes[-1] if self.changes else _NEVER
        first_year = _year(max(begin, listed))
        ruled = [change for year in range(first_year, _year(end - 1) + 1) for change in self.yearly.in_year(year)]
        if first_year > _year(listed):
            # Before the first change of a year, clocks show what they show after the last one of any year.
            found = [(begin, ruled[1][1] // _MINUTE)]
        return found + [(second, ahead // _MINUTE) for second, ahead in ruled if second > listed]


def read_offsets(data: bytes) -> Offsets:
    """The offsets in a zone file. Raises ValueError for other data, and for a file that is cut short."""
    try:
        return _read(data)
    except (struct.error, IndexError) as error:
        raise ValueError(f"not a whole zone file: {error}") from error


def _read(data: bytes) -> Offsets:
    magic, version, *counts = _HEADER.unpack_from(data)
    if magic != b"TZif":
        raise ValueError("not a zone file: it does not begin with TZif")
    at, width = _HEADER.size, 4
    if version != b"\0":
        # The first block is for readers of the 1980s. The second one says the same and more, with 8 bytes for a time.
        at += _size(counts, width)
        _, _, *counts = _HEADER.unpack_from(data, at)
        at, width = at + _HEADER.size, 8
    _, _, _, changes, kinds, _ = counts
    found = array("q" if width == 8 else "i", data[at : at + changes * width])
    if sys.byteorder == "little":
        found.byteswap()
    kinds_from = at + changes * (width + 1)
    read = [_KIND.unpack_from(data, kinds_from + index * _KIND.size) for index in range(kinds)]
    offsets = tuple(seconds // _MINUTE for seconds, _, _ in read)
    # As zoneinfo has it: the first kind that is not summer time.
    before = next((offset for offset, (_, summer, _) in zip(offsets, read, strict=True) if not summer), offsets[0])
    rule = data[at + _size(counts, width) :].strip(b"\n").decode("ascii") if width == 8 else ""
    return Offsets(
        found, data[at + changes * width : kinds_from], offsets, before, yearly_changes(rule) if rule else None
    )


def _size(counts: list[int], width: int) -> int:
    """The bytes of a block whose times have `width` bytes."""
    ut, standard, leaps, changes, kinds, characters = counts
    return changes * (width + 1) + kinds * _KIND.size + characters + leaps * (width + 4) + standard + ut


def _year(second: int) -> int:
    return date.fromordinal(min(max(second // (MINUTES_A_DAY * _MINUTE) + EPOCH_ORDINAL, 1), date.max.toordinal())).year
