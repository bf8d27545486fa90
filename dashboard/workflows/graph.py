"""A workflow as a drawn graph, from left to right. Pure: the numbers are worked out here, the template only draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

# The size of a task, and the room between two of them.
WIDTH: Final = 190
# As above.
HEIGHT: Final = 52
# Room for the curve of a line.
GAP_X: Final = 46
# As little as keeps two tasks apart.
GAP_Y: Final = 16
# So that no frame is cut off.
MARGIN: Final = 8

_CALLBACKS: Final = {"on_success": "if it succeeds", "on_failure": "if it fails"}


@dataclass(frozen=True, slots=True)
class Place:
    """A task where it is drawn: its left upper corner. `node` is that of `scheduling.workflows.tree`."""

    node: Mapping[str, Any]
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Edge:
    """From a task to the one that waits for it. `path` is an SVG path; `when` says on which end of the first, if not
    on any.
    """

    path: str
    when: str


@dataclass(slots=True)
class Graph:
    """All of the picture."""

    width: float = 0
    height: float = 0
    places: list[Place] = field(default_factory=list)
    lines: list[Edge] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """A node that is placed: its first and its last tasks."""

    heads: list[Place]
    tails: list[Place]


def tasks(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The tasks of a node in the order in which they may run, callbacks included."""
    if node["kind"] == "task":
        yield node
    for member in node.get("members", ()):
        yield from tasks(member)
    for name in ("callback", *_CALLBACKS):
        if name in node:
            yield from tasks(node[name])


def graph(root: Mapping[str, Any]) -> Graph:
    """The picture of a workflow, whose tree `scheduling.workflows.tree` has made."""
    made = Graph()
    _place(made, root, 0, 0)
    columns, rows = _size(root)
    made.width = columns * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN
    made.height = rows * (HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN
    return made


def _size(node: Mapping[str, Any]) -> tuple[int, int]:
    """How many columns and rows a node takes, with its callbacks, which stand below it."""
    columns, rows = _bare_size(node)
    for name in _CALLBACKS:
        if name in node:
            more = _size(node[name])
            columns, rows = max(columns, _bare_size(node)[0] + more[0]), rows + more[1]
    return columns, rows


def _bare_size(node: Mapping[str, Any]) -> tuple[int, int]:
    sizes = [_size(member) for member in node.get("members", ())]
    if node["kind"] == "chain":
        return sum(size[0] for size in sizes) or 1, max((size[1] for size in sizes), default=1)
    if not sizes:
        return 1, 1
    columns, rows = max(size[0] for size in sizes), sum(size[1] for size in sizes)
    if "callback" in node:
        last = _size(node["callback"])
        return columns + last[0], max(rows, last[1])
    return columns, rows


def _place(made: Graph, node: Mapping[str, Any], x: float, y: float) -> _Part:
    """Place a node with its left upper corner at column `x`, row `y`."""
    part = _place_bare(made, node, x, y)
    columns, rows = _bare_size(node)
    below = y + rows
    for name, when in _CALLBACKS.items():
        if name in node:
            callback = _place(made, node[name], x + columns, below)
            _join(made, part.tails, callback.heads, when)
            below += _size(node[name])[1]
    return part


def _place_bare(made: Graph, node: Mapping[str, Any], x: float, y: float) -> _Part:
    members = node.get("members", ())
    if node["kind"] == "task" or not members:
        place = Place(node, MARGIN + x * (WIDTH + GAP_X), MARGIN + y * (HEIGHT + GAP_Y))
        made.places.append(place)
        return _Part([place], [place])
    if node["kind"] == "chain":
        return _place_chain(made, members, x, y)
    return _place_group(made, node, x, y)


def _place_chain(made: Graph, members: Any, x: float, y: float) -> _Part:
    rows = max(_size(member)[1] for member in members)
    parts = []
    for member in members:
        columns, own = _size(member)
        parts.append(_place(made, member, x, y + (rows - own) / 2))
        x += columns
    for one, next_one in pairwise(parts):
        _join(made, one.tails, next_one.heads)
    return _Part(parts[0].heads, parts[-1].tails)


def _place_group(made: Graph, node: Mapping[str, Any], x: float, y: float) -> _Part:
    below, parts = y, []
    for member in node["members"]:
        parts.append(_place(made, member, x, below))
        below += _size(member)[1]
    heads = [head for part in parts for head in part.heads]
    tails = [tail for part in parts for tail in part.tails]
    if "callback" not in node:
        return _Part(heads, tails)
    columns = max(_size(member)[0] for member in node["members"])
    own = _size(node["callback"])[1]
    last = _place(made, node["callback"], x + columns, y + max(0, (below - y - own) / 2))
    _join(made, tails, last.heads)
    return _Part(heads, last.tails)


def _join(made: Graph, tails: list[Place], heads: list[Place], when: str = "") -> None:
    made.lines += [Edge(_path(tail, head), when) for tail in tails for head in heads]


def _path(start: Place, end: Place) -> str:
    """A curve from the right side of one task to the left side of the other."""
    x1, y1 = start.x + WIDTH, start.y + HEIGHT / 2
    x2, y2 = end.x, end.y + HEIGHT / 2
    bend = max((x2 - x1) / 2, GAP_X / 2)
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
