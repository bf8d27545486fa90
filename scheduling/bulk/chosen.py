"""Which rows does a request for many mean, and where does it say so?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from scheduling.errors import InvalidRequest, Problem, TandemError
from scheduling.phrases import phrase

# One transaction's worth, whose locks are held for a second or so.
MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """The ids of the rows that a request means. `listed`: it names them in `ids`, in this order; else by filters."""

    ids: tuple[int, ...]
    listed: bool = True

    @classmethod
    def matching(cls, rows: QuerySet[Any]) -> Chosen:
        """All of these rows, by id. Raises InvalidRequest where there are more than MOST."""
        ids = tuple(rows.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
        if len(ids) > MOST:
            detail = phrase(
                "More than {most:,} match: narrow the filters, and ask for some of them at a time.", most=MOST
            )
            raise InvalidRequest([Problem("", "too_many", detail)])
        return cls(ids, listed=False)

    def refusal(self, refused: Mapping[int, TandemError], members: str = "") -> InvalidRequest:
        """The error that says why some of the rows are refused, by their places in the list.

        What is wrong with all of them alike is said once, at the member of `members` where the request has it.
        """
        alike = _alike(refused) if members and len(refused) == len(self.ids) else None
        if alike is not None:
            return InvalidRequest(Problem(f"{members}.{one.field}", one.code, one.detail) for one in alike)
        place = {pk: number for number, pk in enumerate(self.ids)}
        return InvalidRequest(
            Problem(
                f"ids.{place[pk]}" if self.listed else "",
                one.code,
                phrase("{row}: {problem}", row=pk, problem=_with_field(one)),
            )
            for pk in self.ids
            if pk in refused
            for one in problems_of(refused[pk])
        )


def problems_of(error: TandemError) -> Sequence[Problem]:
    """What an error of one row says."""
    if isinstance(error, InvalidRequest):
        return error.problems
    return [Problem("", error.code, error.detail)]


def below(where: str, problems: Sequence[Problem]) -> list[Problem]:
    """The problems of a part of the request, as those of the request. `where` is the path of the part."""
    return [Problem(f"{where}.{one.field}" if one.field else where, one.code, one.detail) for one in problems]


def _with_field(problem: Problem) -> str:
    return (
        phrase("{field}: {problem}", field=problem.field, problem=problem.detail) if problem.field else problem.detail
    )


def _alike(refused: Mapping[int, TandemError]) -> Sequence[Problem] | None:
    """What all of the rows are refused for, if it is the same, and each problem is one of a field."""
    groups: dict[tuple[Problem, ...], int] = defaultdict(int)
    for error in refused.values():
        groups[tuple(problems_of(error))] += 1
    [first, *others] = groups
    return None if others or not all(problem.field for problem in first) else first
