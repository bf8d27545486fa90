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


def read(definition: object, **options: str) -> list[Node]:
    """The nodes of a sound definition. Raises InvalidRequest."""
    nodes, problems = definitions.read(definition, **options)
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


def test_every_node_knows_its_place_in_the_request() -> None:
    inner = {"group": [{**LEAF, "name": "a"}, LEAF], "name": "inner", "on_success": {"chain": [LEAF]}}
    nodes = read({"chord": {"tasks": [inner], "callback": LEAF}, "on_failure": LEAF}, where="parameters.w")
    assert [(node.where.removeprefix("parameters.w"), node.name, node.parent, node.last) for node in nodes] == [
        ("", "", None, 7),
        (".chord.tasks.0", "inner", 0, 5),
        (".chord.tasks.0.group.0", "a", 1, 2),
        (".chord.tasks.0.group.1", "a.job", 1, 3),
        (".chord.tasks.0.on_success", "", 1, 5),
        (".chord.tasks.0.on_success.chain.0", "a.job", 4, 5),
        (".chord.callback", "a.job", 0, 6),
        (".on_failure", "a.job", 0, 7),
    ]
    assert [dict(node.fields) for node in nodes if node.kind is not NodeKind.TASK] == [{}, {}, {}]


def test_the_fields_of_a_leaf_are_those_of_a_task() -> None:
    asked = {**LEAF, "retries": 3, "timeout": "PT5M", "soft_timeout": 30, "priority": 9, "queue": None}
    assert read(asked)[0].fields == {
        "job": "a.job", "retries": {"max": 3}, "timeout": 300, "soft_timeout": 30, "priority": 9,
    }  # fmt: skip


def test_a_name_that_is_no_text_is_left_out_and_the_rest_is_read() -> None:
    nodes, problems = definitions.read({"chain": [LEAF], "name": 5})
    assert ([node.name for node in nodes], [problem.field for problem in problems]) == (
        ["", "a.job"],
        ["workflow.name"],
    )


def test_a_task_names_its_fields_that_cannot_be_read() -> None:
    [node], problems = definitions.read({"job": 5, "timeout": "soon", "queue": "slow"})
    assert (node.name, sorted(node.faulty), dict(node.fields)) == ("", ["job", "timeout"], {})
    assert {problem.field for problem in problems} == {"workflow.job", "workflow.timeout"}


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
    ({**LEAF, "priority": "5"}, [("workflow.priority", "invalid")]),
    ({**LEAF, "on_success": {"chain": 1}}, [("workflow.on_success.chain", "no_members")]),
    (HANDED, [("workflow.parameters.x", "nothing_handed_on")]),
    (ERROR, [("workflow.parameters.x", "nothing_handed_on")]),
    ({"group": [LEAF, HANDED]}, [("workflow.group.1.parameters.x", "nothing_handed_on")]),
    ({"chord": {"group": [LEAF, HANDED], "callback": LEAF}},
     [("workflow.chord.group.1.parameters.x", "nothing_handed_on")]),
    ({**LEAF, "on_failure": HANDED}, [("workflow.on_failure.parameters.x", "nothing_handed_on")]),
    ({**LEAF, "on_success": ERROR}, [("workflow.on_success.parameters.x", "nothing_handed_on")]),
    ({"chain": [LEAF, {**LEAF, "parameters": {"l": [1, {"$result": ""}]}}]},
     [("workflow.chain.1.parameters.l.1", "not_a_place")]),
    ({"chain": [LEAF, {**LEAF, "parameters": {"l": {"$result": "a..b"}}}]},
     [("workflow.chain.1.parameters.l", "not_a_place")]),
    ({"chain": [LEAF, {**LEAF, "parameters": {"l": {"$result": True, "b": 1}}}]},
     [("workflow.chain.1.parameters.l", "not_a_place")]),
    ({"chain": [LEAF, {**LEAF, "on_failure": HANDED}]},
     [("workflow.chain.1.on_failure.parameters.x", "nothing_handed_on")]),
    ({"chain": [ERROR, HANDED]}, [("workflow.chain.0.parameters.x", "nothing_handed_on")]),
    ({"chord": {"group": [HANDED], "callback": ERROR}},
     [("workflow.chord.group.0.parameters.x", "nothing_handed_on"),
      ("workflow.chord.callback.parameters.x", "nothing_handed_on")]),
    ({"chain": [LEAF], "priority": 1}, [("workflow.priority", "unknown")]),
    ({"chord": {"group": [LEAF], "callback": LEAF}, "chain": None}, [("workflow", "not_a_node")]),
    ({"chord": {"group": [LEAF], "callback": LEAF, "x": 1}}, [("workflow.chord", "not_a_chord")]),
    ({"chord": {"callback": LEAF}}, [("workflow.chord", "not_a_chord")]),
    ({"chain": [LEAF], "name": "x" * 201}, [("workflow.name", "invalid")]),
    ({**LEAF, "name": "x" * 201}, [("workflow.name", "invalid")]),
    ({"job": 5, "name": 5, "parameters": HANDED["parameters"]},
     [("workflow.job", "invalid"), ("workflow.name", "invalid"), ("workflow.parameters.x", "nothing_handed_on")]),
    ({**nested(DEEPEST - 1), "on_success": nested(DEEPEST)},
     [("workflow.on_success" + ".chain.0" * (DEEPEST - 1), "too_deep")]),
    ({"group": [{**LEAF, "on_success": LEAF, "on_failure": LEAF}] * MOST_MEMBERS, "on_success": LEAF},
     [("workflow", "too_many_tasks")]),
    ({"group": [{"group": [LEAF] * 501}] * 2, "x": 1}, [("workflow.x", "unknown")]),
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
    {**LEAF, "on_success": None, "on_failure": None, "name": None, "parameters": None},
    {**LEAF, "on_failure": {**LEAF, "on_success": {"chain": [ERROR, HANDED]}}},
    {"chain": [LEAF], "name": "x" * 200},
    {"group": [LEAF] * MOST_MEMBERS, "on_success": {"group": [LEAF, LEAF]}},
    {"chord": {"group": [LEAF] * MOST_MEMBERS, "callback": {"group": [LEAF, LEAF]}}},
    {"group": [{**LEAF, "on_success": LEAF, "on_failure": LEAF}] * MOST_MEMBERS},
]


@pytest.mark.parametrize("definition", RIGHT)
def test_what_is_handed_on_may_stand_where_something_comes_before(definition: dict[str, Any]) -> None:
    assert read(definition)[0].last + 1 == len(read(definition))


SAID = [
    ({"job": 5}, "Write a text."),
    ({**LEAF, "name": "x" * 201}, "Write a text of at most 200 characters."),
    ({**LEAF, "description": "x" * 10_001}, "Write a text of at most 10,000 characters."),
    ({**LEAF, "priority": "high"}, "Write a whole number."),
    ({**LEAF, "priority": True}, "Write a whole number."),
    ({**LEAF, "parameters": []}, "Write a JSON object."),
    ({**LEAF, "timeout": "PT0.5S"}, "whole seconds"),
    ({"chain": [LEAF], "retries": 1}, "choose from chain, name, on_success, on_failure."),
    ({**LEAF, "retires": 1}, "choose from job, parameters, name, description, priority, queue, limit_key,"),
    (HANDED, "use $result after a member of a chain, in callback or on_success."),
    (ERROR, "use $error in on_failure."),
    ({"group": [{"group": [LEAF] * 501}] * 2}, "at most 1,000 members: this one has 1,002."),
    ({"group": [{**LEAF, "on_success": LEAF, "on_failure": LEAF}] * MOST_MEMBERS, "on_success": LEAF},
     "at most 3,000 tasks, callbacks included: this one has 3,001."),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "words"), SAID)
def test_a_problem_says_what_to_write(definition: object, words: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(definition)
    [problem] = refused.value.problems
    assert words in problem.detail


@pytest.mark.parametrize(
    ("retries", "read_as"), [(0, {"max": 0}), (3, {"max": 3}), (True, True), ({"max": 1}, {"max": 1})]
)
def test_retries_may_be_a_number(retries: object, read_as: object) -> None:
    assert read({**LEAF, "retries": retries})[0].fields["retries"] == read_as
