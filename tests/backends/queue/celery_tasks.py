"""Celery tasks of a user's application, as TANDEM_CELERY_JOBS may name them. They do not use Tandem."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery import Task, current_task, shared_task
from celery.exceptions import Ignore
from celery.utils.log import get_task_logger
from pydantic import BaseModel

if TYPE_CHECKING:
    from decimal import Decimal

log = get_task_logger(__name__)


class Parcel(BaseModel):
    """Something to send."""

    weight: int
    to: str


class Watched(Task):  # type: ignore[type-arg]  # as applications write it
    """A base class with handlers and a call of its own."""

    heard: list[str] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.heard.append("call")
        return super().__call__(*args, **kwargs)

    def before_start(self, task_id: str, *_: Any) -> None:
        self.heard.append(f"before {task_id}")

    def on_success(self, retval: Any, *_: Any) -> None:
        self.heard.append(f"success {retval}")

    def on_failure(self, exc: Exception, *_: Any) -> None:
        self.heard.append(f"failure {exc}")

    def after_return(self, status: str, *_: Any) -> None:
        self.heard.append(f"after {status}")


@shared_task
def add(x: int, y: int = 2) -> int:
    """Add two numbers.

    Slowly.
    """
    log.info("adding")
    return x + y


@shared_task(bind=True, max_retries=2)
def about_me(self: Any, /, *extra: Any, when: datetime | None = None, untyped=None, **more: Any) -> dict[str, Any]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as applications write it
    """Say who runs."""
    return {
        "name": self.name,
        "id": self.request.id,
        "retries": self.request.retries,
        "current": current_task.name,
        "when": when,
        "untyped": untyped,
        "rest": [*extra, *more],
    }


@shared_task(bind=True, max_retries=2)
def comes_back(self: Any, seconds: float, *, as_time: bool = False) -> None:
    """Ask for another attempt."""
    when = {"eta": datetime.now(UTC) + timedelta(seconds=seconds)} if as_time else {"countdown": seconds}
    raise self.retry(exc=LookupError("not there yet"), **when)


@shared_task(autoretry_for=(ConnectionError,), default_retry_delay=7, retry_backoff=False, max_retries=1)
def autoretries(kind: str) -> None:
    """Fail."""
    raise {"connection": ConnectionError, "value": ValueError}[kind]("no")


@shared_task(base=Watched)
def watched(*, fail: bool = False) -> str:
    """Be watched."""
    if fail:
        raise ValueError("as asked")
    return "fine"


@shared_task(pydantic=True)
def ships(parcel: Parcel) -> Parcel:
    """Ship a parcel."""
    return Parcel(weight=parcel.weight + 1, to=parcel.to)


@shared_task
def says_odd_things(what: str) -> object:
    """Return what JSON has no word for, or nothing at all."""
    if what == "ignore":
        raise Ignore
    return {"time": datetime(2026, 1, 2, tzinfo=UTC), "set": {1}, "object": object()}[what]


@shared_task
def hinted_for_checkers_only(number: Decimal) -> int:
    """Add one."""
    return int(number) + 1


@shared_task
def by_position_only(x: int, /) -> int:
    """Cannot be called by name."""
    return x


not_a_task = 42
