"""The jobs that can be run: registered functions, each with a name and a schema for its parameters."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from scheduling.errors import InvalidRequest, Misconfigured, NotFound, Problem, escaped
from scheduling.storable import Json, problem_with

MOST_PARAMETER_BYTES: Final = 100_000

JobFunction = TypeVar("JobFunction", bound=Callable[..., Any])


class UnknownJob(NotFound):
    """There is no such job."""

    code = "unknown_job"


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A registered function: `function(context, **parameters)`, parameters checked against `model`."""

    name: str
    function: Callable[..., Any]
    model: type[BaseModel]
    summary: str
    description: str

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of the parameters object."""
        return self.model.model_json_schema()

    def check(self, parameters: object) -> dict[str, Json]:
        """The parameters as they will be stored; raises InvalidRequest naming each part at fault."""
        storable = problem_with(parameters, most_bytes=MOST_PARAMETER_BYTES)
        if storable:
            raise InvalidRequest([Problem("parameters", "not_storable", f"This {storable}.")])
        if not isinstance(parameters, Mapping):
            raise InvalidRequest([Problem("parameters", "not_an_object", "Write a JSON object.")])
        try:
            self.model.model_validate(parameters)
        except ValidationError as exc:
            raise InvalidRequest(_problem(error, self) for error in exc.errors(include_url=False)) from exc
        return dict(parameters)

    def run(self, context: object, parameters: Mapping[str, Json]) -> object:
        """Call the function. Raises whatever it raises, and InvalidRequest when the parameters no longer fit."""
        self.check(parameters)
        checked = self.model.model_validate(parameters)
        return self.function(context, **{name: getattr(checked, name) for name in type(checked).model_fields})


_jobs: dict[str, JobDefinition] = {}


def job(name: str) -> Callable[[JobFunction], JobFunction]:
    """Register a function as the job `name` (`group.verb`).

    Its first parameter is the JobContext, the others are keyword-only with type hints: they are the schema. The
    docstring's
    first line is the summary. Raises Misconfigured for a name that is taken and for a signature that is no schema.
    """

    def register(function: JobFunction) -> JobFunction:
        present = _jobs.get(name)
        if present is not None and present.function.__module__ != function.__module__:
            raise Misconfigured(
                f"Two jobs are called {name}: in {present.function.__module__} and {function.__module__}."
            )
        text = inspect.getdoc(function) or ""
        _jobs[name] = JobDefinition(name, function, _model(name, function), text.partition("\n")[0], text)
        return function

    return register


def definition(name: str) -> JobDefinition:
    """The job called `name`; raises UnknownJob with the nearest names."""
    found = _jobs.get(name)
    if found is None:
        near = difflib.get_close_matches(name, _jobs, n=3)
        raise UnknownJob(f"There is no job {name[:100]!r}" + (f": did you mean {' or '.join(near)}?" if near else "."))
    return found


def definitions() -> list[JobDefinition]:
    """Every job, by name."""
    return [_jobs[name] for name in sorted(_jobs)]


def _model(name: str, function: Callable[..., Any]) -> type[BaseModel]:
    hints = typing.get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    _context, *parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY or parameter.name not in hints:
            raise Misconfigured(f"Job {name}: make its parameter {parameter.name} keyword-only, with a type hint.")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return create_model(name, __config__=ConfigDict(extra="forbid", hide_input_in_errors=True), **fields)


def _problem(error: Any, definition: JobDefinition) -> Problem:
    where = ".".join(["parameters", *(escaped(part) for part in error["loc"] if part != "[key]")])
    detail = str(error["msg"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(definition.model.model_fields) or "none"
        detail = f"{definition.name} has no such parameter: it takes {known}."
    return Problem(where, str(error["type"]), detail)
