"""Mixed load over REST: tasks, schedules on both backends, workflows, and what people do to them."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from tests.rest_client import Json, RestClient

_PAUSE_SECONDS: Final = 0.4
# Schedules that are changed while they work; beside them there are some that nobody touches.
_MOST_SCHEDULES: Final = 8


class Load:
    """Asks for something a few times a second inside the block. What was promised is kept for the reckoning."""

    def __init__(self, client: RestClient, runs: str, seed: int) -> None:
        self.answers: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self.tasks: list[int] = []
        self.workflows: list[int] = []
        self._client, self._runs, self._chance = client, runs, random.Random(seed)  # noqa: S311 - a drill, no secret
        self._schedules: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_on)

    def begin(self) -> None:
        """Make the schedules that nobody changes, on both backends and with each overlap."""
        of_beat: Json = {"backend": "beat", "catch_up": "all", "overlap": "allow"}
        of_cron: Json = {**of_beat, "backend": "crontab", "cron": "* * * * *", "on_lost": "retry"}
        slow = {"parameters": self._parameters(seconds=2.0)}
        nodes: Json = {"chain": [self._work(), {"group": [self._work(), self._work()]}]}
        wanted: dict[str, Json] = {
            "allow": {**of_beat, "every": 2, "on_lost": "retry"},
            "queue": {**of_beat, "every": 5, "overlap": "queue", **slow},
            "skip": {**of_beat, "every": 3, "overlap": "skip", "catch_up": "latest", "retries": {"max": 2}, **slow},
            "replace": {**of_beat, "every": 3, "overlap": "replace", "catch_up": "none", **slow},
            "workflows": {**of_beat, "every": 15, "job": "workflow.start", "parameters": {"workflow": nodes}},
            "inline": {**of_cron, "executor": "inline", **slow},
            "woken": {**of_cron, "executor": "worker"},
        }
        for name, fields in wanted.items():
            status, answer = self._client.ask("POST", "schedules/", {**self._work(), "name": name, **fields})
            if status != 201:
                raise AssertionError(f"{name}: {status} {answer}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask_on(self) -> None:
        actions = [self._task, self._later, self._cancel, self._retry, self._trigger, self._workflow, self._of_workflow]
        actions += [self._schedule, self._edit, self._pause, self._move, self._delete]
        weights = [9, 4, 3, 3, 2, 2, 1, 2, 2, 2, 3, 0.3]
        while not self._over.wait(_PAUSE_SECONDS):
            self._chance.choices(actions, weights)[0]()

    def _task(self) -> None:
        slow = {"parameters": self._parameters(seconds=3.0)}
        fields: Json = self._chance.choice([{}, {"priority": 9}, {"on_lost": "retry"}, {"executor": "inline"}, slow])
        self._keep(self.tasks, self._ask("POST", "tasks/", {**self._work(), **fields}))

    def _later(self) -> None:
        at = datetime.now(UTC) + timedelta(seconds=self._chance.randint(1, 20))
        failing = {"parameters": self._parameters(fails=1), "retries": {"max": 2, "base": 1}}
        self._keep(
            self.tasks, self._ask("POST", "tasks/", {**self._work(), "scheduled_time": at.isoformat(), **failing})
        )

    def _cancel(self) -> None:
        self._of(self.tasks, "POST", "tasks/{}/cancel/")

    def _retry(self) -> None:
        self._of(self.tasks, "POST", "tasks/{}/retry/")

    def _workflow(self) -> None:
        failing = {**self._work(), "parameters": self._parameters(fails=1)}
        parts: Json = {"chain": [self._work(), {"group": [self._work(), failing]}], "on_failure": self._work()}
        self._keep(self.workflows, self._ask("POST", "workflows/", {"name": "a workflow", "workflow": parts}))

    def _of_workflow(self) -> None:
        self._of(self.workflows, "POST", "workflows/{}/" + self._chance.choice(["cancel/", "retry/"]))

    def _schedule(self) -> None:
        if len(self._schedules) < _MOST_SCHEDULES:
            fields: Json = self._chance.choice([{"every": 60}, {"cron": "* * * * *", "backend": "crontab"}])
            self._keep(self._schedules, self._ask("POST", "schedules/", {**self._work(), **fields}))

    def _edit(self) -> None:
        change: Json = self._chance.choice([{"every": 60}, {"every": 120}, {"cron": "*/2 * * * *"}, {"priority": 1}])
        self._of(self._schedules, "PATCH", "schedules/{}/", change)

    def _pause(self) -> None:
        self._of(self._schedules, "POST", "schedules/{}/" + self._chance.choice(["pause/", "resume/", "resume/"]))

    def _move(self) -> None:
        self._of(self._schedules, "POST", "schedules/{}/move/", {"backend": self._chance.choice(["beat", "crontab"])})

    def _trigger(self) -> None:
        self._of(self._schedules, "POST", "schedules/{}/trigger/")

    def _delete(self) -> None:
        if self._schedules:
            self._ask("DELETE", f"schedules/{self._schedules.pop(0)}/")

    def _of(self, ids: list[int], method: str, path: str, body: Json | None = None) -> None:
        """Ask for something about one of the newest."""
        if ids:
            self._ask(method, path.format(self._chance.choice(ids[-10:])), body)

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        status, answer = self._client.ask(method, path, body)
        self.answers[str(status)] += 1
        # What is away is said with 503; what has changed meanwhile, with 404 or 409.
        if status in {400, 401, 403} or 500 <= status != 503:
            self.unexpected.append(f"{method} {path}: {status} {str(answer)[:300]}")
        return answer if status in {201, 202} else {}

    def _keep(self, ids: list[int], answer: Json) -> None:
        if "id" in answer:
            ids.append(answer["id"])

    def _work(self) -> Json:
        return {"name": "work", "job": "chaos.work", "parameters": self._parameters()}

    def _parameters(self, **more: object) -> Json:
        return {"path": self._runs, **more}
