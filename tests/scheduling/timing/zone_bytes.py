"""Small zone files, written for tests (TZif, RFC 9636)."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def zone_bytes(rule: str, changes: Sequence[tuple[int, int]] = (), *, first: int = 0, version: bytes = b"2") -> bytes:
    """A zone file with this rule at its end. `changes`: seconds since 1970, and seconds ahead of UTC from then on.

    Until its first change, the zone is `first` seconds ahead of UTC.
    """
    kinds = [first, *(ahead for _, ahead in changes)]
    width = ">i" if version == b"\0" else ">q"

    def block() -> bytes:
        head = struct.pack(">4sc15x6I", b"TZif", version, 0, 0, 0, len(changes), len(kinds), 4)
        times = b"".join(struct.pack(width, second) for second, _ in changes)
        listed = b"".join(struct.pack(">i?B", ahead, 0, 0) for ahead in kinds)
        return head + times + bytes(range(1, len(kinds))) + listed + b"ABC\0"

    if version == b"\0":
        return block()
    empty = struct.pack(">4sc15x6I", b"TZif", version, 0, 0, 0, 0, 1, 4) + struct.pack(">i?B", 0, 0, 0) + b"ABC\0"
    return empty + block() + f"\n{rule}\n".encode()
