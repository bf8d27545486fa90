"""Reading the environment: a variable has a type, and a missing or malformed one stops the start with what to set."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

_TRUE: Final = {"1", "true", "yes", "on"}
_FALSE: Final = {"0", "false", "no", "off"}


class Environment:
    """Typed look-ups in a mapping of variables. Every error names the variable and says what to write; never its value.

    The names that were asked for are remembered in `names`: they are what a cron line's wrapper has to pass on.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.names: set[str] = set()

    def text(self, name: str, default: str | None = None, *, hint: str = "") -> str:
        """The variable as it stands, or `default`; without a default an absent or empty one is an error."""
        self.names.add(name)
        value = self._variables.get(name, "").strip()
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set. {hint}".strip())
        return default

    def integer(self, name: str, default: int, *, low: int = 0, high: int = 2**31 - 1) -> int:
        """A whole number between `low` and `high`."""

        def read(value: str) -> int:
            number = int(value) if re.fullmatch(r"-?[0-9]{1,10}", value) else None
            if number is None or not low <= number <= high:
                raise ValueError
            return number

        return self._read(name, default, read, f"a whole number from {low} to {high}")

    def boolean(self, name: str, default: bool) -> bool:  # noqa: FBT001 - the default of a flag is a flag
        """`1/true/yes/on` or `0/false/no/off`, in any case."""

        def read(value: str) -> bool:
            if value.lower() not in _TRUE | _FALSE:
                raise ValueError
            return value.lower() in _TRUE

        return self._read(name, default, read, "one of 1, true, yes, on, 0, false, no, off")

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of `choices`, as written."""

        def read(value: str) -> str:
            if value not in choices:
                raise ValueError
            return value

        return self._read(name, default, read, f"one of {', '.join(choices)}")

    def names_list(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """Comma-separated names without empty ones."""
        value = self.text(name, ",".join(default))
        return [part.strip() for part in value.split(",") if part.strip()]

    def path(self, name: str, default: Path) -> Path:
        """An absolute path; a relative one counts from the working directory."""
        return Path(self.text(name, str(default))).expanduser().absolute()

    def _read(self, name: str, default: T, read: Callable[[str], T], expected: str) -> T:
        value = self.text(name, "")
        if not value:
            return default
        try:
            return read(value)
        except ValueError as exc:
            raise ImproperlyConfigured(f"{name} is not usable: write {expected}.") from exc
