"""Read the environment. Each variable has a type; a missing or malformed one stops the start and says what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
Choice = TypeVar("Choice", bound=str)

# A secret is one line. No more than this is read of its file, which may be a wrong one.
_MOST_SECRET_BYTES: Final = 65_536

_TRUE: Final = {"1", "true", "yes", "on"}
_FALSE: Final = {"0", "false", "no", "off"}


class Environment:
    """Typed look-ups in a mapping of variables. Every error names the variable and says what to write, never its value.

    Instead of a variable `NAME`, `NAME_FILE` may be set: the path of a file that holds the value, as for the secrets of
    Docker and Kubernetes. White space around the value is removed.

    `names` collects every name that was looked up, `NAME` and `NAME_FILE`: the wrapper script of cron lines passes
    these variables on.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.names: set[str] = set()

    def text(self, name: str, default: str | None = None, *, hint: str = "") -> str:
        """The variable as text. If it is missing or empty, `default`; without one ImproperlyConfigured is raised."""
        value = self._value(name)
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set. {hint}".strip())
        return default

    def integer(self, name: str, default: int, *, low: int = 0, high: int = 2**31 - 1) -> int:
        """A whole number from `low` to `high`."""

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

    def choice(self, name: str, default: Choice, choices: tuple[Choice, ...]) -> Choice:
        """One of `choices`; case counts."""

        def read(value: str) -> Choice:
            for choice in choices:
                if choice == value:
                    return choice
            raise ValueError

        return self._read(name, default, read, f"one of {', '.join(choices)}")

    def names_list(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """Names separated by commas, without empty ones."""
        value = self.text(name, ",".join(default))
        return [part.strip() for part in value.split(",") if part.strip()]

    def path(self, name: str, default: Path) -> Path:
        """An absolute path. A relative one starts at the working directory."""
        return Path(self.text(name, str(default))).expanduser().absolute()

    def beginning_with(self, prefix: str) -> dict[str, str]:
        """The values of all variables whose names begin so, also those with _FILE, by the rest of their names."""
        rests = {name.removeprefix(prefix).removesuffix("_FILE") for name in self._variables if name.startswith(prefix)}
        return {rest: self.text(prefix + rest, "") for rest in sorted(rests) if rest}

    def _value(self, name: str) -> str:
        in_file = f"{name}_FILE"
        self.names |= {name, in_file}
        value, path = (self._variables.get(one, "").strip() for one in (name, in_file))
        if not path:
            return value
        if value:
            raise ImproperlyConfigured(f"{name} and {in_file} are both set: keep one of them.")
        return _content(Path(path), in_file)

    def _read(self, name: str, default: T, read: Callable[[str], T], expected: str) -> T:
        value = self.text(name, "")
        if not value:
            return default
        try:
            return read(value)
        except ValueError as exc:
            raise ImproperlyConfigured(f"{name} is not usable: write {expected}.") from exc


def _content(path: Path, name: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            value = file.read(_MOST_SECRET_BYTES).strip()
    except (OSError, UnicodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
        raise ImproperlyConfigured(f"{name} names a file that cannot be read ({reason}): {path}") from exc
    if not value:
        raise ImproperlyConfigured(f"{name} names a file that is empty: {path}")
    return value
