"""Reading the definition of a workflow."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling.errors import InvalidRequest
from scheduling.models import NodeKind, NodeRole
from scheduling.workflows import definition as definitions
from scheduling.workflows.definition import DEEPEST, MOST_MEMBERS, Node

LEAF = {"job": "a.job"}
HANDED = {"job": "a.job", "parameters": {"x": {"$result": True}}}
ERROR = {"job": "a.job", "parameters": {"x": {"$error": "error"}}}


def read(definition: object) -> list[Node]:
    """The nodes of a sound definition. Raises InvalidRequest."""
    nodes, problems = definitions.read(definition)
    if problems:
        raise InvalidRequest(problems)
    return nodes


def test_a_definition_becomes_nodes_numbered_from_the_top_down() -> None:
    nodes = read(
        {
            "chain": [LEAF, {"chord": {"group": [LEAF, LEAF], "callback": HANDED}, "on_failure": ERROR}],
            "name": "all",
            "on_success": HANDED,
        }
    )
    assert [(node.number, node.last, node.parent, node.role, node.kind) for node in nodes] == [
        (0, 7, None, NodeRole.ROOT, NodeKind.CHAIN),
        (1, 1, 0, NodeRole.MEMBER, NodeKind.TASK),
        (2, 6, 0, NodeRole.MEMBER, NodeKind.CHORD),
        (3, 3, 2, NodeRole.MEMBER, NodeKind.TASK),
        (4, 4, 2, NodeRole.MEMBER, NodeKind.TASK),
        (5, 5, 2, NodeRole.CALLBACK, NodeKind.TASK),
        (6, 6, 2, NodeRole.ON_FAILURE, NodeKind.TASK),
        (7, 7, 0, NodeRole.ON_SUCCESS, NodeKind.TASK),
    ]
    assert nodes[5].where == "workflow.chain.1.chord.callback"
    assert (nodes[0].name, nodes[1].name) == ("all", "a.job")


def test_the_fields_of_a_leaf_are_those_of_a_task() -> None:
    asked = {**LEAF, "retries": 3, "timeout": "PT5M", "soft_timeout": 30, "priority": 9, "queue": None}
    assert read(asked)[0].fields == {
        "job": "a.job", "retries": {"max": 3}, "timeout": 300, "soft_timeout": 30, "priority": 9,
    }  # fmt: skip


def nested(depth: int) -> dict[str, Any]:
    """Chains in chains, `depth` levels with the fields."""
    found: dict[str, Any] = LEAF
    for _ in range(depth - 1):
        found = {"chain": [found]}
    return found


WRONG: list[tuple[object, list[tuple[str, str]]]] = [
    (None, [("workflow", "not_a_node")]),
    ({}, [("workflow", "not_a_node")]),
    ({"chain": [LEAF], "group": [LEAF]}, [("workflow", "not_a_node")]),
    ({"chain": []}, [("workflow.chain", "no_members")]),
    ({"group": LEAF}, [("workflow.group", "no_members")]),
    ({"chain": [LEAF, 7, LEAF, {}]}, [("workflow.chain.1", "not_a_node"), ("workflow.chain.3", "not_a_node")]),
    ({"chord": [LEAF]}, [("workflow.chord", "not_a_chord")]),
    ({"chord": {"group": [LEAF]}}, [("workflow.chord", "not_a_chord")]),
    ({"chord": {"group": [LEAF], "tasks": [LEAF], "callback": LEAF}}, [("workflow.chord", "not_a_chord")]),
    ({"chord": {"tasks": [], "callback": 1}},
     [("workflow.chord.tasks", "no_members"), ("workflow.chord.callback", "not_a_node")]),
    ({"job": 5}, [("workflow.job", "invalid")]),
    ({**LEAF, "retires": 1}, [("workflow.retires", "unknown")]),
    ({**LEAF, "a.b": 1}, [("workflow.a\\1b", "unknown")]),
    ({"chain": [LEAF], "name": 5}, [("workflow.name", "invalid")]),
    ({**LEAF, "priority": "high", "timeout": "5 minutes", "parameters": []},
     [("workflow.parameters", "invalid"), ("workflow.priority", "invalid"), ("workflow.timeout", "invalid")]),
    ({**LEAF, "timeout": "PT0.5S"}, [("workflow.timeout", "invalid")]),
    ({**LEAF, "on_success": {"chain": 1}}, [("workflow.on_success.chain", "no_members")]),
    (HANDED, [("workflow.parameters.x", "nothing_handed_on")]),
    (ERROR, [("workflow.parameters.x", "nothing_handed_on")]),
    ({"group": [LEAF, HANDED]}, [("workflow.group.1.parameters.x", "nothing_handed_on")]),
    ({**LEAF, "on_failure": HANDED}, [("workflow.on_failure.parameters.x", "nothing_handed_on")]),
    ({**LEAF, "on_success": ERROR}, [("workflow.on_success.parameters.x", "nothing_handed_on")]),
    ({"chain": [LEAF, {**LEAF, "parameters": {"l": [1, {"$result": ""}]}}]},
     [("workflow.chain.1.parameters.l.1", "not_a_place")]),
    ({"chain": [LEAF, {**LEAF, "parameters": {"l": {"$result": "a..b"}}}]},
     [("workflow.chain.1.parameters.l", "not_a_place")]),
    ({"chain": [LEAF, {**LEAF, "parameters": {"l": {"$result": True, "b": 1}}}]},
     [("workflow.chain.1.parameters.l", "not_a_place")]),
    (nested(DEEPEST + 1), [("workflow" + ".chain.0" * DEEPEST, "too_deep")]),
    ({"group": [LEAF] * (MOST_MEMBERS + 1)}, [("workflow.group", "too_many_members")]),
    ({"group": [{"group": [LEAF] * 501}] * 2}, [("workflow", "too_many_members")]),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "problems"), WRONG)
def test_everything_wrong_with_a_definition_is_said(definition: object, problems: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(definition)
    assert [(problem.field, problem.code) for problem in refused.value.problems] == problems
    assert all(problem.detail for problem in refused.value.problems)


RIGHT: list[dict[str, Any]] = [
    {"chain": [LEAF, HANDED]},
    {"chain": [LEAF, {"group": [HANDED, {"chain": [HANDED]}]}]},
    {"chain": [LEAF], "on_success": HANDED, "on_failure": ERROR},
    {**LEAF, "on_failure": {"chain": [ERROR, {"group": [HANDED, ERROR]}]}},
    {"chord": {"tasks": [LEAF], "callback": HANDED}},
    {"chord": {"group": [LEAF] * MOST_MEMBERS, "callback": LEAF}},
    nested(DEEPEST),
]


@pytest.mark.parametrize("definition", RIGHT)
def test_what_is_handed_on_may_stand_where_something_comes_before(definition: dict[str, Any]) -> None:
    assert read(definition)[0].last + 1 == len(read(definition))
