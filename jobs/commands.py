"""The setting TANDEM_COMMANDS: the commands that `command.run` may run, and the arguments they take. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from scheduling import text_template
from scheduling.errors import Misconfigured, Problem, escaped

# Of one argument: far below what execve(2) takes.
_MOST_CHARACTERS: Final = 4000

Name = Annotated[str, Field(pattern=f"^{text_template.NAME}$", max_length=50)]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=_MOST_CHARACTERS)]


class Command(BaseModel):
    """One command. `argv` begins with an absolute path; a placeholder `{name}` in an element stands for that argument.

    Arguments without a placeholder are appended, in the order in which they are declared. An argument is described by
    a regular expression that must match the whole value, or by the list of allowed values. `timeout` is in seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    argv: Annotated[list[Text], Field(min_length=1, max_length=100)]
    arguments: dict[Name, str | list[Text]] = {}
    timeout: Annotated[float, Field(gt=0, le=86_400)] = 60
    env: dict[str, Text] = {}
    cwd: Annotated[str, Field(pattern=r"^/[^\x00]*$")] = "/"

    @field_validator("argv")
    @classmethod
    def _absolute(cls, argv: list[str]) -> list[str]:
        if not argv[0].startswith("/") or text_template.names(argv[0]):
            raise ValueError("the first element must be the absolute path of a program")
        return argv

    @field_validator("arguments")
    @classmethod
    def _valid_expressions(cls, arguments: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for name, allowed in arguments.items():
            try:
                re.compile(allowed if isinstance(allowed, str) else "")
            except re.error as exc:
                raise ValueError(f"the regular expression of {name} is not valid: {exc}") from exc
        return arguments

    @model_validator(mode="after")
    def _places(self) -> Command:
        unknown = self._placed() - set(self.arguments)
        if unknown:
            raise ValueError(f"argv names arguments that are not described: {', '.join(sorted(unknown))}")
        return self

    def problems(self, given: Mapping[str, str]) -> Iterator[Problem]:
        """What is wrong with the given arguments. No message repeats a value: it may be secret."""
        for name in given.keys() - self.arguments.keys():
            known = ", ".join(self.arguments) or "none"
            yield Problem(f"arguments.{escaped(name)}", "unknown_argument", f"The command's arguments are: {known}.")
        for name, allowed in self.arguments.items():
            if name not in given:
                yield Problem(f"arguments.{name}", "missing", "The command needs this argument.")
            elif not _fits(given[name], allowed):
                yield Problem(f"arguments.{name}", "not_allowed", f"Write {_words(allowed)}.")

    def filled(self, given: Mapping[str, str]) -> list[str]:
        """The program and its arguments; `given` has no `problems`."""
        placed = self._placed()
        argv = [text_template.filled(element, given) for element in self.argv]
        return argv + [given[name] for name in self.arguments if name not in placed]

    def _placed(self) -> set[str]:
        """The arguments that have a place in `argv`."""
        return {name for element in self.argv for name in text_template.names(element)}


def parsed(setting: Mapping[str, Any]) -> dict[str, Command]:
    """The commands by name. Raises Misconfigured, naming the entry and its fault."""
    found = {}
    for name, about in setting.items():
        try:
            found[name] = Command.model_validate(about)
        except ValidationError as exc:
            first = exc.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Misconfigured(f"TANDEM_COMMANDS[{name!r}] is not usable: {where}: {first['msg']}.") from exc
    return found


def _fits(value: str, allowed: str | list[str]) -> bool:
    if len(value) > _MOST_CHARACTERS or "\x00" in value:
        return False
    if isinstance(allowed, list):
        return value in allowed
    # A program would take a value that begins with - for an option. An expression that begins with - allows it.
    if value.startswith("-") and not allowed.removeprefix("\\").startswith("-"):
        return False
    return re.fullmatch(allowed, value) is not None


def _words(allowed: str | list[str]) -> str:
    if isinstance(allowed, list):
        return f"one of {', '.join(allowed)}"[:500]
    return f"a text that matches {allowed[:300]}; it may begin with - only if that expression does"
