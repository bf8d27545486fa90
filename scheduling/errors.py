"""The one family of errors. The docstring of a class is its default message; `code` is what the API shows."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


class TandemError(Exception):
    """Tandem could not do this."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or inspect.cleandoc(type(self).__doc__ or "")
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what was asked: where, a stable code for programs, and words for people.

    `field` is a dotted path into the request (`cron`, `parameters.url`), each name in it as `escaped`; empty for the
    request as a whole.
    """

    field: str
    code: str
    detail: str


def escaped(name: object) -> str:
    """A name as it stands in the dotted path of a Problem: a dot of its own does not part it."""
    return str(name).replace("\\", "\\0").replace(".", "\\1")


class InvalidRequest(TandemError):
    """The request cannot be accepted as it stands."""

    code = "invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.detail for problem in self.problems) or None)


class InvalidTrigger(TandemError):
    """This is not a time at which anything could run.

    `field` names the part at fault (`minute`, `hour`, `day-of-month`, `month`, `day-of-week`, `expression`, `zone`,
    `seconds`, `anchor`), `text` is the offending part as written (shortened), `instead` what to write, or empty.
    """

    code = "invalid_trigger"

    def __init__(self, detail: str, *, field: str, text: str = "", instead: str = "") -> None:
        self.field = field
        self.text = text
        self.instead = instead
        super().__init__(detail)


class NotFound(TandemError):
    """There is no such thing."""

    code = "not_found"


class Conflict(TandemError):
    """The present state does not allow this."""

    code = "conflict"


class StaleVersion(Conflict):
    """Somebody else changed this meanwhile: read it again, then repeat your change."""

    code = "stale_version"


class BackendError(TandemError):
    """The backend did not do what it was asked."""

    code = "backend_error"


class Misconfigured(TandemError):
    """The settings do not fit together."""

    code = "misconfigured"
