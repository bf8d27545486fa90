"""Where the tasks of a workflow are drawn, and which lines join them."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.workflows.graph import GAP_X, HEIGHT, WIDTH, graph, tasks


def task(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "task", "name": name, "status": "SCHEDULED", "task": 1, **more}


def node(kind: str, *members: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": "", "status": "RUNNING", "members": list(members), **more}


CHAIN = node("chain", task("a"), task("b"), task("c"))
GROUP = node("group", task("a"), task("b"))
CHORD = node("chord", task("a"), task("b"), callback=task("z"))
DEEP = node("chain", task("first"), CHORD, node("group", CHAIN, task("d")), task("last", on_failure=task("tell")))


def columns(tree: dict[str, Any]) -> dict[str, int]:
    return {place.node["name"]: round((place.x - 8) / (WIDTH + GAP_X)) for place in graph(tree).places}


@pytest.mark.parametrize(
    ("tree", "where", "lines"),
    [
        (task("a"), {"a": 0}, 0),
        (CHAIN, {"a": 0, "b": 1, "c": 2}, 2),
        (GROUP, {"a": 0, "b": 0}, 0),
        (CHORD, {"a": 0, "b": 0, "z": 1}, 2),
        (task("a", on_success=task("s"), on_failure=task("f")), {"a": 0, "s": 1, "f": 1}, 2),
    ],
)
def test_what_waits_stands_to_the_right_of_what_it_waits_for(
    tree: dict[str, Any], where: dict[str, int], lines: int
) -> None:
    assert (columns(tree), len(graph(tree).lines)) == (where, lines)


@pytest.mark.parametrize("tree", [task("a"), CHAIN, GROUP, CHORD, DEEP, node("group", CHORD, CHORD)])
def test_no_task_covers_another_and_all_are_inside_of_the_picture(tree: dict[str, Any]) -> None:
    made = graph(tree)
    assert len(made.places) == len(list(tasks(tree)))
    for one in made.places:
        assert 0 <= one.x <= made.width - WIDTH
        assert 0 <= one.y <= made.height - HEIGHT
        for other in made.places:
            apart = abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
            assert one is other or apart, (one, other)


def test_a_line_of_a_callback_says_when_it_is_followed() -> None:
    assert [line.when for line in graph(task("a", on_failure=task("f"))).lines] == ["if it fails"]
    assert {line.when for line in graph(CHORD).lines} == {""}
