"""How existing Celery tasks become jobs, without a change to them. The setting TANDEM_CELERY_JOBS names them.

They are claimed and recorded in the ledger like any job; Celery sends no message for them. A retry that the task asks
for with `self.retry` or `autoretry_for` becomes a waiting row in the ledger, not a message with an ETA.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from billiard.einfo import ExceptionInfo
from celery import Task
from celery._state import _task_stack  # type: ignore[attr-defined]  # what makes a task `current_task`; no public way
from celery.app.task import Task as BaseTask
from celery.exceptions import Ignore
from celery.exceptions import Retry as CeleryRetry
from django.conf import settings
from django.utils.module_loading import import_string

from scheduling import registry
from scheduling.errors import Misconfigured
from scheduling.job_context import JobContext
from scheduling.retry_policy import MOST_RETRIES, Retry, RetryPolicy
from scheduling.storable import Json

_BY_NAME: Final = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


def register() -> None:
    """Register a job for each entry of TANDEM_CELERY_JOBS. Raises Misconfigured for an entry that names no Celery task,
    or one that can be no job.
    """
    for name, path in settings.TANDEM_CELERY_JOBS.items():
        task = _task(name, path)
        # As in Celery, a failed attempt is retried only if the task itself asks for it.
        most = MOST_RETRIES if task.max_retries is None else min(int(task.max_retries), MOST_RETRIES)
        offer = registry.job(name, retries=RetryPolicy(max=most), retry_on=())
        offer(_function(task))


def shown_name(job: str) -> str:
    """The name of a job in Flower and in a worker's log. A job that is a Celery task has that task's name there."""
    path = settings.TANDEM_CELERY_JOBS.get(job)
    return job if path is None else str(_task(job, path).name)


def _task(name: str, path: str) -> Task[..., Any]:
    try:
        found = import_string(path)
    except ImportError as exc:
        raise Misconfigured(f"TANDEM_CELERY_JOBS[{name!r}] names {path}, which cannot be imported: {exc}") from exc
    if not isinstance(found, BaseTask):
        raise Misconfigured(f"TANDEM_CELERY_JOBS[{name!r}] names {path}, which is no Celery task.")
    return found


def _function(task: Task[..., Any]) -> Callable[..., Json]:
    """The task as the function of a job: the context, then the task's parameters, keyword-only.

    A parameter without a type hint takes any JSON. `*args` and `**kwargs` are left out. Raises Misconfigured for a
    parameter that can only be given by position.
    """
    from pydantic import JsonValue  # noqa: PLC0415 - as in scheduling/registry.py

    # For a task with bind=True `task.run` is a bound method: `self` is not among its parameters.
    offered = [given for given in inspect.signature(task.run).parameters.values() if _offered(task, given)]

    def function(context: JobContext, **parameters: Any) -> Json:
        from pydantic_core import to_jsonable_python  # noqa: PLC0415 - as in scheduling/registry.py

        result: Json = to_jsonable_python(_called(task, context, parameters))
        return result

    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_ONLY)
    keywords = [given.replace(kind=inspect.Parameter.KEYWORD_ONLY) for given in offered]
    hints = _hints(task)
    function.__signature__ = inspect.Signature([context, *keywords])  # type: ignore[attr-defined]  # inspect reads it
    function.__annotations__ = {given.name: hints.get(given.name, JsonValue) for given in offered}
    function.__doc__ = inspect.getdoc(task.run)
    return function


def _offered(task: Task[..., Any], parameter: inspect.Parameter) -> bool:
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise Misconfigured(f"The Celery task {task.name} takes {parameter.name} by position only: it can be no job.")
    return parameter.kind in _BY_NAME


def _hints(task: Task[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(task.run, include_extras=True)
    except NameError:
        # A hint uses a name that is imported for type checkers only. Celery ignores type hints, so they are not needed.
        return {}


def _called(task: Task[..., Any], context: JobContext, parameters: Mapping[str, Any]) -> object:
    """Run the task in this process as a Celery worker does: with its request, its handlers and its retries."""
    request_id = f"tandem-{context.task_id}-{context.attempt}"
    kwargs = dict(parameters)
    with _as_current(task, request_id, kwargs, retries=context.attempt - 1):
        task.before_start(request_id, (), kwargs)
        try:
            # If the task's class has its own __call__, a worker calls that instead of run (celery.app.trace).
            plain = type(task).__call__ is BaseTask.__call__
            result = task.run(**kwargs) if plain else task(**kwargs)
        except Ignore:
            return None
        except CeleryRetry as exc:
            task.on_retry(exc, request_id, (), kwargs, ExceptionInfo())
            raise Retry(str(exc), after=_seconds(exc)) from exc
        except Exception as exc:
            einfo = ExceptionInfo()
            task.on_failure(exc, request_id, (), kwargs, einfo)
            task.after_return("FAILURE", exc, request_id, (), kwargs, einfo)
            raise
        task.on_success(result, request_id, (), kwargs)
        task.after_return("SUCCESS", result, request_id, (), kwargs, None)  # type: ignore[arg-type]  # as a worker does
        return result


@contextmanager
def _as_current(task: Task[..., Any], request_id: str, kwargs: dict[str, Any], *, retries: int) -> Iterator[None]:
    """Make the task Celery's current task, with its own request.

    The request is eager, so that `self.retry` raises an exception and sends no message.
    """
    _task_stack.push(task)
    task.push_request(
        id=request_id,
        root_id=request_id,
        task=task.name,
        args=(),
        kwargs=kwargs,
        retries=retries,
        called_directly=False,
        is_eager=True,
        delivery_info={"is_eager": True},
    )
    try:
        yield
    finally:
        task.pop_request()
        _task_stack.pop()


def _seconds(retry: CeleryRetry) -> float | None:
    """The seconds to wait before the retry; None if the task named no delay. Celery keeps seconds or a time."""
    when: Any = retry.when
    if isinstance(when, datetime):
        due = when if when.tzinfo else when.replace(tzinfo=UTC)
        return (due - datetime.now(UTC)).total_seconds()
    return None if when is None else float(when)
