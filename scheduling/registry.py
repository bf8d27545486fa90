"""The jobs that can be run: registered functions, each with a name and a schema for its parameters."""

from __future__ import annotations

import difflib
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from django.conf import settings

from scheduling import secret_values
from scheduling.errors import InvalidRequest, Misconfigured, NotFound, Problem, escaped
from scheduling.phrases import phrase
from scheduling.retry_policy import Retry, RetryPolicy
from scheduling.secret_values import MissingSecret
from scheduling.storable import Json, problem_with
from scheduling.task_limits import Limit

if TYPE_CHECKING:
    # It is imported where a job is registered or checked: a beat does neither, and pydantic is a tenth of its memory.
    from pydantic import BaseModel

# Every task of a schedule holds a copy.
MOST_PARAMETER_BYTES: Final = 100_000

JobFunction = TypeVar("JobFunction", bound=Callable[..., Any])
Rule = Callable[..., Iterable[Problem]]


class UnknownJob(NotFound):
    """There is no such job."""

    code = "unknown_job"


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A registered function. The call is `function(context, **parameters)`; `model` checks the parameters."""

    name: str
    function: Callable[..., Any]
    model: type[BaseModel]
    summary: str
    description: str
    retries: RetryPolicy
    retry_on: tuple[type[Exception], ...]
    give_up_on: tuple[type[Exception], ...]
    rule: Rule | None = None
    limit: Limit | None = None

    def worth_a_retry(self, exc: BaseException) -> bool:
        """Whether another attempt may succeed after `exc`."""
        if isinstance(exc, Retry):
            return True
        if isinstance(exc, MissingSecret):
            return bool(settings.TANDEM_RETRY_MISSING_SECRETS)
        return isinstance(exc, self.retry_on) and not isinstance(exc, (*self.give_up_on, InvalidRequest))

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of the parameters object."""
        return self.model.model_json_schema()

    def check(self, parameters: object) -> dict[str, Json]:
        """The parameters to store. Raises InvalidRequest, which names each wrong part."""
        storable = problem_with(parameters, most_bytes=MOST_PARAMETER_BYTES)
        if storable:
            raise InvalidRequest([Problem("parameters", "not_storable", phrase("This {problem}.", problem=storable))])
        if not isinstance(parameters, Mapping):
            raise InvalidRequest([Problem("parameters", "not_an_object", phrase("Write a JSON object."))])
        self._check_values(parameters)
        return dict(parameters)

    def run(self, context: object, parameters: Mapping[str, Json]) -> object:
        """Call the function. Raises what the function raises, and InvalidRequest when the parameters do not fit.

        The size is not checked: a result that a workflow hands on may be larger than a request may be.
        """
        return self.function(context, **self._values(parameters))

    def _check_values(self, parameters: Mapping[str, Any]) -> None:
        """Check the parameters with the values of their secrets. No message shows one."""
        opened = secret_values.opened(parameters)
        if opened.problems:
            raise InvalidRequest(opened.problems)
        with secret_values.hiding(opened.values):
            try:
                self._values(opened.parameters)
            except InvalidRequest as exc:
                problems = [replace(one, detail=secret_values.hidden(one.detail)) for one in exc.problems]
                raise InvalidRequest(problems) from None

    def _values(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The checked keyword arguments of the function."""
        from pydantic import ValidationError  # noqa: PLC0415 - see above

        try:
            # Strict JSON, because the schema says so: true is not a number, and a time is a string.
            checked = self.model.model_validate_json(json.dumps(parameters), strict=True)
        except ValidationError as exc:
            errors = exc.errors(include_url=False)
            raise InvalidRequest(_problem(error, self, parameters) for error in errors) from exc
        values = {str(about.alias): getattr(checked, name) for name, about in self.model.model_fields.items()}
        broken = list(self.rule(**values)) if self.rule else []
        if broken:
            raise InvalidRequest(Problem(f"parameters.{each.field}", each.code, each.detail) for each in broken)
        return values


_jobs: dict[str, JobDefinition] = {}


def job(
    name: str,
    *,
    retries: RetryPolicy | None = None,
    retry_on: tuple[type[Exception], ...] = (Exception,),
    give_up_on: tuple[type[Exception], ...] = (),
    rule: Rule | None = None,
    limit: Limit | None = None,
) -> Callable[[JobFunction], JobFunction]:
    """Register a function as the job `name` (`group.verb`).

    The function's first parameter is the JobContext. The others are keyword-only, and their type hints are the schema.
    The first line of the docstring is the summary. `retries` is the policy of tasks that do not have their own. An
    exception is worth a retry if it is in `retry_on` and not in `give_up_on`. `rule` is called with the parameters by
    name, after each of them is valid alone. It yields a Problem (the field is the parameter's name) for parameters that
    contradict each other. `limit` holds for the job's tasks unless the setting TANDEM_TASK_LIMITS names the job. Raises
    Misconfigured for a name that is taken, and for a signature that has no schema.
    """

    def register(function: JobFunction) -> JobFunction:
        present = _jobs.get(name)
        if present is not None and present.function.__module__ != function.__module__:
            where = f"in {present.function.__module__} and {function.__module__}"
            raise Misconfigured(f"Two jobs are called {name}: {where}.")
        text = inspect.getdoc(function) or ""
        _jobs[name] = JobDefinition(
            name=name,
            function=function,
            model=_model(name, function),
            summary=text.partition("\n")[0],
            description=text,
            retries=retries or RetryPolicy(),
            retry_on=retry_on,
            give_up_on=give_up_on,
            rule=rule,
            limit=limit,
        )
        return function

    return register


def definition(name: str) -> JobDefinition:
    """The job called `name`. Raises UnknownJob, which suggests similar names."""
    found = _jobs.get(name)
    if found is None:
        near = difflib.get_close_matches(name, _jobs, n=3)
        if near:
            known = ", ".join(near)
            raise UnknownJob(phrase("There is no job {name!r}: did you mean {known}?", name=name[:100], known=known))
        raise UnknownJob(phrase("There is no job {name!r}.", name=name[:100]))
    return found


def definitions() -> list[JobDefinition]:
    """Every job, sorted by name."""
    return [_jobs[name] for name in sorted(_jobs)]


def limits() -> dict[str, Limit]:
    """The limits that jobs declare, by the names of the jobs."""
    return {one.name: one.limit for one in _jobs.values() if one.limit is not None}


def _model(name: str, function: Callable[..., Any]) -> type[BaseModel]:
    from pydantic import ConfigDict, Field, PydanticUserError, create_model  # noqa: PLC0415 - see above
    from pydantic_core import SchemaError  # noqa: PLC0415 - as above

    hints = _hints(name, function)
    fields: dict[str, Any] = {}
    _context, *parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY or parameter.name not in hints:
            raise Misconfigured(f"Job {name}: make its parameter {parameter.name} keyword-only, with a type hint.")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        # The model's field has another name, because a parameter may be called like a pydantic attribute (`json`).
        hint: Any = Annotated[hints[parameter.name], Field(alias=parameter.name)]
        fields[f"parameter_{parameter.name}"] = (hint, default)
    try:
        model = create_model(name, __config__=ConfigDict(extra="forbid", hide_input_in_errors=True), **fields)
        model.model_json_schema()
    except (PydanticUserError, SchemaError) as exc:
        raise Misconfigured(f"Job {name}: a type hint of its parameters has no JSON Schema: {exc}") from exc
    return model


def _hints(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as exc:
        raise Misconfigured(f"Job {name}: {exc} in a type hint; define it at the top level of its module.") from exc


def _problem(error: Any, definition: JobDefinition, parameters: Mapping[str, Any]) -> Problem:
    where = ".".join(["parameters", *(escaped(part) for part in _path(error, parameters))])
    # pydantic puts this before the message of a validator.
    detail = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        known = ", ".join(str(about.alias) for about in definition.model.model_fields.values()) or "none"
        detail = phrase("{job} has no such parameter: it takes {known}.", job=definition.name, known=known)
    return Problem(where, str(error["type"]), detail)


def _path(error: Any, parameters: Mapping[str, Any]) -> list[object]:
    """The path of the error in the parameters. pydantic also names the member of a union that it tried: left out."""
    found: list[object] = []
    here: Any = parameters
    for number, part in enumerate(error["loc"], start=1):
        inside = (isinstance(here, Mapping) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here)
        )
        if inside:
            here = here[part]
            found.append(part)
        elif error["type"] == "missing" and number == len(error["loc"]):
            found.append(part)
    return found
