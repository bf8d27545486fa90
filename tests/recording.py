"""An executor and a backend that implement the contracts in memory, for tests without servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pytest_django import Settings

from scheduling.backend import Capabilities, SchedulerBackend, WriteResult, backend
from scheduling.entry import Entry
from scheduling.errors import BackendError, Problem
from scheduling.executor import Executor, Submission
from scheduling.findings import Finding
from scheduling.models import Schedule, Task

SETTINGS_EXECUTORS = {
    "worker": "tests.recording.RecordingExecutor",
    "inline": "scheduling.execution.inline.InlineExecutor",
}


class RecordingExecutor(Executor):
    """Remembers the tasks that were handed over. With `error` it acts as a broker that is away."""

    name = "worker"
    in_process = False

    def __init__(self) -> None:
        self.submitted: list[tuple[int, int]] = []
        self.error = ""

    def submit(self, tasks: Sequence[Task]) -> Submission:
        if self.error:
            return Submission([], self.error)
        self.submitted += [(task.pk, task.attempt) for task in tasks]
        return Submission(tasks)


class MemoryBackend(SchedulerBackend):
    """Keeps entries in a dictionary. With `error` it acts as an engine that cannot be read or written."""

    name = "memory"
    capabilities = Capabilities(seconds=True, executors=("worker", "inline"), per_host=False)

    def __init__(self) -> None:
        self._held: dict[int, list[Entry]] = {}
        self.error = ""

    def check(self, schedule: Schedule) -> list[Problem]:
        if schedule.job == "demo.refused":
            return [Problem("job", "refused", "memory refuses this job")]
        return []

    def entries(self, schedule: Schedule) -> list[Entry]:
        return [Entry(f"wake {schedule.pk} at {schedule.cron or schedule.every} {schedule.timezone}", (schedule.pk,))]

    def install(self, schedule: Schedule) -> WriteResult:
        self._reach()
        self._held[schedule.pk] = self.entries(schedule) if schedule.next_due_at is not None else []
        return WriteResult.DONE

    def remove(self, schedule: Schedule) -> WriteResult:
        self._reach()
        self._held.pop(schedule.pk, None)
        return WriteResult.DONE

    def sync(self) -> None:
        self._reach()
        self._held = {schedule.pk: self.entries(schedule) for schedule in self._active()}

    def desired(self) -> list[Entry]:
        return [entry for schedule in self._active() for entry in self.entries(schedule)]

    def inspect(self) -> list[Entry]:
        self._reach()
        return [entry for held in self._held.values() for entry in held]

    def health(self) -> Finding:
        return Finding(self.name, ok=not self.error, detail=self.error or "in memory")

    def _active(self) -> list[Schedule]:
        return list(Schedule.objects.filter(routed_to=self.name, next_due_at__isnull=False))

    def _reach(self) -> None:
        if self.error:
            raise BackendError(self.error)


Memory = TypeVar("Memory", bound=MemoryBackend)


def in_memory(settings: Settings, kind: type[Memory]) -> Memory:
    """Executors in memory, and a backend `memory` of this kind beside `beat` and `crontab`."""
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    settings.TANDEM_BACKENDS = {
        "beat": "backends.beat.backend.BeatBackend",
        "memory": f"{kind.__module__}.{kind.__qualname__}",
        "crontab": "backends.crontab.backend.CrontabBackend",
    }
    found = backend("memory")
    assert isinstance(found, kind)
    return found
