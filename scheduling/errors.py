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
    """One problem of a request: the field, a stable code for programs, and a text for people.

    `field` is a dotted path into the request (`cron`, `parameters.url`). Each name in the path is `escaped`. It is
    empty when the problem concerns the request as a whole.
    """

    field: str
    code: str
    detail: str


def escaped(name: object) -> str:
    """The name for use in the dotted path of a Problem. A dot in the name does not split the path."""
    return str(name).replace("\\", "\\0").replace(".", "\\1")


class InvalidRequest(TandemError):
    """The request cannot be accepted as it stands."""

    code = "invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.detail for problem in self.problems) or None)


class InvalidTrigger(TandemError):
    """This is not a valid trigger.

    `field` names the wrong part (`minute`, `hour`, `day-of-month`, `month`, `day-of-week`, `expression`, `zone`,
    `seconds`, `anchor`). `text` is that part as written (shortened). `instead` is what to write, or ''.
    """

    code = "invalid_trigger"

    def __init__(self, detail: str, *, field: str, text: str = "", instead: str = "") -> None:
        self.field = field
        self.text = text
        self.instead = instead
        super().__init__(detail)


class NotFound(TandemError):
    """This does not exist."""

    code = "not_found"


class Conflict(TandemError):
    """The current state does not allow this."""

    code = "conflict"


class StaleVersion(Conflict):
    """Somebody else has changed this. Read it again, then repeat your change."""

    code = "stale_version"


class BackendError(TandemError):
    """The backend could not do this."""

    code = "backend_error"


class Misconfigured(TandemError):
    """The settings do not fit together."""

    code = "misconfigured"
