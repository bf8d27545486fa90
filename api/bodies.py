"""What is wrong with a body? All faults are named at once: what cannot be read, and what is not allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from scheduling.errors import InvalidRequest, Problem

# Problems that are found at one member and may come from another: if that one cannot be read, they say nothing.
_COME_FROM: Final[Mapping[str, frozenset[str]]] = {
    "one_trigger": frozenset({"cron", "every"}),
    "needs_inline": frozenset({"backend", "executor"}),
    "no_backend": frozenset({"backend", "executor", "cron", "every"}),
    "unsupported_executor": frozenset({"backend", "executor"}),
    "contradicts_catch_up": frozenset({"catch_up", "overlap"}),
    "contradicts_database_away": frozenset({"database_away", "grace"}),
    "expires_before_start": frozenset({"scheduled_time"}),
    "not_below_timeout": frozenset({"timeout"}),
}


class FaultyBody(ValidationError):
    """A body with members that cannot be read. `problems` are those of the other members."""

    def __init__(self, faults: Any, problems: tuple[Problem, ...]) -> None:
        super().__init__(faults)
        self.problems = problems


def read(asked: serializers.Serializer[Any], check: Callable[..., object] | None = None) -> dict[str, Any]:
    """The values of a body. Raises FaultyBody with all that is wrong.

    `check` is called with the values of the sound members if others cannot be read, and raises InvalidRequest. A sound
    body is not checked here: whoever stores it does that.
    """
    if asked.is_valid():
        return dict(asked.validated_data)
    faults = asked.errors
    raise FaultyBody(faults, tuple(_problems(asked, frozenset(faults), check)) if check else ())


def _problems(
    asked: serializers.Serializer[Any], faulty: frozenset[str], check: Callable[..., object]
) -> list[Problem]:
    """What `check` says about the sound members of the body."""
    if not isinstance(asked.initial_data, Mapping):
        return []
    sound = {name: value for name, value in asked.initial_data.items() if name in asked.fields and name not in faulty}
    readable = type(asked)(data=sound, partial=True)
    if not readable.is_valid():
        return []
    try:
        check(**readable.validated_data)
    except InvalidRequest as exc:
        return [problem for problem in exc.problems if not _unsure(problem, faulty)]
    return []


def _unsure(problem: Problem, faulty: frozenset[str]) -> bool:
    """Whether the problem may come from a member that cannot be read."""
    member = problem.field.split(".")[0]
    return member in faulty or bool(faulty & _COME_FROM.get(problem.code, frozenset()))
