"""Reads the definition of a workflow: nested JSON becomes a list of numbered nodes, or a list of problems. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scheduling.errors import Problem, escaped
from scheduling.models import NodeKind, NodeRole
from scheduling.workflows.placeholders import RESULT, placeholders_in, problem_with_placeholder
from scheduling.workflows.task_fields import TASK_FIELDS, read_task_fields

# Nobody reads a deeper tree; it also ends what is nested without end.
DEEPEST: Final = 10
# All of them are stored in the one transaction that answers the request.
MOST_MEMBERS: Final = 1000
# Members and callbacks together.
MOST_TASKS: Final = 3000


@dataclass(frozen=True, slots=True)
class Node:
    """One node. Nodes are numbered from 0, from the top down: `number` to `last` are the node and all nodes below it.

    `where` is the dotted path of the node in the request. `fields` are the fields of the task, for a node that is one;
    those that cannot be read are left out, and named in `faulty`.
    """

    number: int
    last: int
    parent: int | None
    role: NodeRole
    kind: NodeKind
    name: str
    where: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    faulty: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Position:
    """The position of a node in the definition.

    `member` is False inside callbacks. `result` and `error`: whether a result or an error is handed on to this node.
    """

    where: str
    role: NodeRole
    parent: int | None = None
    depth: int = 1
    member: bool = True
    result: bool = False
    error: bool = False

    def below(self, number: int, where: str, role: NodeRole, **handed: bool) -> _Position:
        """The position of a child."""
        member = self.member and role is NodeRole.MEMBER
        return replace(
            self, where=f"{self.where}.{where}", role=role, parent=number, depth=self.depth + 1, member=member, **handed
        )


def read(definition: object, *, where: str = "workflow") -> tuple[list[Node], list[Problem]]:
    """The nodes of a definition, in order of their numbers, and every problem of its structure.

    With problems the nodes are those that could be read. It does not check whether the jobs exist, or whether the
    parameters fit the jobs.
    """
    reader = _Reader()
    reader.node(definition, _Position(where, NodeRole.ROOT))
    if not reader.problems and reader.members > MOST_MEMBERS:
        detail = f"A workflow has at most {MOST_MEMBERS:,} members: this one has {reader.members:,}."
        reader.problems.append(Problem(where, "too_many_members", detail))
    tasks = sum(node.kind is NodeKind.TASK for node in reader.nodes)
    if not reader.problems and tasks > MOST_TASKS:
        detail = f"A workflow has at most {MOST_TASKS:,} tasks, callbacks included: this one has {tasks:,}."
        reader.problems.append(Problem(where, "too_many_tasks", detail))
    return reader.nodes, reader.problems


class _Reader:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.problems: list[Problem] = []
        self.members = 0

    def node(self, given: object, at: _Position) -> None:
        """Read a node and all nodes below it."""
        kinds = [kind for kind in ("job", *list(NodeKind)[1:]) if isinstance(given, Mapping) and kind in given]
        if not isinstance(given, Mapping) or len(kinds) != 1:
            self._problem(at.where, "not_a_node", "Write an object with exactly one of job, chain, group and chord.")
            return
        if at.depth > DEEPEST:
            self._problem(at.where, "too_deep", f"A workflow is at most {DEEPEST} levels deep.")
            return
        kind = NodeKind.TASK if kinds == ["job"] else NodeKind(kinds[0])
        number = len(self.nodes)
        name = given.get("name", "")
        self.nodes.append(
            Node(number, number, at.parent, at.role, kind, name if isinstance(name, str) else "", at.where)
        )
        if kind is NodeKind.TASK:
            self._task(number, given, at)
        else:
            self._composed(kind, number, given, at)
        for role, handed in (
            (NodeRole.ON_SUCCESS, {"result": True}),
            (NodeRole.ON_FAILURE, {"result": False, "error": True}),
        ):
            if given.get(role) is not None:
                self.node(given[role], at.below(number, role, role, **handed))
        self.nodes[number] = replace(self.nodes[number], last=len(self.nodes) - 1)

    def _task(self, number: int, given: Mapping[str, Any], at: _Position) -> None:
        self.members += at.member
        self._check_names(given, at.where, TASK_FIELDS)
        fields, faults = read_task_fields(given)
        self.problems += [Problem(f"{at.where}.{name}", "invalid", detail) for name, detail in faults.items()]
        self.nodes[number] = replace(
            self.nodes[number],
            fields=fields,
            faulty=frozenset(faults),
            name=fields.get("name") or str(fields.get("job", "")),
        )
        # Also where another field is wrong: everything is said at once.
        parameters = given.get("parameters")
        for placeholder in placeholders_in(parameters):
            where = ".".join((at.where, "parameters", *map(escaped, placeholder.where)))
            is_handed_on = at.result if placeholder.name == RESULT else at.error
            malformed = problem_with_placeholder(parameters, placeholder)
            if malformed:
                self._problem(where, "not_a_place", malformed)
            elif not is_handed_on:
                self._problem(where, "nothing_handed_on", _NOTHING_HANDED_ON[placeholder.name])

    def _composed(self, kind: NodeKind, number: int, given: Mapping[str, Any], at: _Position) -> None:
        self._check_names(given, at.where, (kind, "name"))
        if not isinstance(given.get("name", ""), str) or len(given.get("name", "")) > 200:
            self._problem(f"{at.where}.name", "invalid", "Write a text of at most 200 characters.")
        inside: Any = given[kind]
        if kind is not NodeKind.CHORD:
            self._list(inside, kind, at, number, chained=kind is NodeKind.CHAIN)
            return
        where = f"{at.where}.chord"
        inside = inside if isinstance(inside, Mapping) else {}
        lists = [name for name in ("group", "tasks") if name in inside]
        if len(lists) != 1 or "callback" not in inside or len(inside) > 2:
            self._problem(where, "not_a_chord", "Write an object with two members: group (a list) and callback.")
            return
        self._list(inside[lists[0]], f"chord.{lists[0]}", at, number, chained=False)
        self.node(inside["callback"], at.below(number, "chord.callback", NodeRole.CALLBACK, result=True))

    def _list(self, given: object, where: str, at: _Position, number: int, *, chained: bool) -> None:
        if not isinstance(given, list) or not given:
            self._problem(f"{at.where}.{where}", "no_members", "Write a list with at least one member.")
            return
        if len(given) > MOST_MEMBERS:
            self._problem(f"{at.where}.{where}", "too_many_members", f"Write at most {MOST_MEMBERS:,} members.")
            return
        for index, member in enumerate(given):
            handed = {"result": True} if chained and index else {}
            self.node(member, at.below(number, f"{where}.{index}", NodeRole.MEMBER, **handed))

    def _check_names(self, given: Mapping[str, Any], where: str, names: tuple[str, ...]) -> None:
        known = (*names, "on_success", "on_failure")
        for name in given:
            if name not in known:
                detail = f"There is no such member: choose from {', '.join(known)}."
                self._problem(f"{where}.{escaped(name)}", "unknown", detail)

    def _problem(self, where: str, code: str, detail: str) -> None:
        self.problems.append(Problem(where, code, detail))


_NOTHING_HANDED_ON: Final = {
    "$result": "No result is handed on to this task: use $result after a member of a chain, in callback or on_success.",
    "$error": "No error is handed on to this task: use $error in on_failure.",
}
