"""What the drill asks for over REST: schedules that fire all the time, on both backends, and what became of them."""

from __future__ import annotations

import json
import time
from typing import Final

from stack.environment import Failure
from tests.compose.proxy import Client
from tests.compose.stack import Stack
from tests.rest_client import Json

WORK: Final[Json] = {"job": "demo.process_data", "parameters": {"pause": 0}}
# A minute of cron, and the start of a process on a busy machine.
_CRON_SECONDS: Final = 180.0
_BOTH: Final[Json] = {"group": [{"name": "left", **WORK}, {"name": "right", **WORK}]}
WORKFLOW: Final[Json] = {"chain": [{"name": "first", **WORK}, _BOTH]}


class Load:
    """Schedules on Beat and on cron, each with `catch_up: all`: nothing that was due may be missing."""

    def __init__(self, stack: Stack, client: Client) -> None:
        self._stack, self._client, self.schedules = stack, client, dict[str, int]()

    def begin(self) -> None:
        """Ask for the schedules."""
        every: Json = {**WORK, "catch_up": "all", "overlap": "allow", "on_lost": "retry"}
        self.schedule("beat", {**every, "backend": "beat", "every": 2})
        self.schedule("cron", {**every, "backend": "crontab", "cron": "* * * * *"})
        self.schedule("inline", {**every, "backend": "crontab", "cron": "* * * * *", "executor": "inline"})

    def a_workflow(self) -> None:
        """Ask for a workflow, and wait until it is COMPLETED."""
        made = self._made("workflows/", {"name": "drill", "workflow": WORKFLOW})
        self._until_completed(f"workflows/{made['id']}/")

    def a_watched_task(self) -> None:
        """Watch all tasks over WebSocket, ask for one, and see it come to COMPLETED, event by event."""
        with self._client.watch("ws/tasks/") as socket:
            made = self._made("tasks/", {"name": "watched", **WORK})
            seen: list[Json] = []
            while not seen or seen[-1]["status"] != "COMPLETED":
                message = json.loads(socket.recv(timeout=_CRON_SECONDS))
                if message.get("task") == made["id"]:
                    seen.append(message)
        if [one["event"] for one in seen] != list(range(1, len(seen) + 1)):
            raise Failure(f"The events of task {made['id']} have gaps: {seen}")

    def goes_on(self, *names: str) -> None:
        """Wait until something that becomes due from now on is COMPLETED, for each of these schedules."""
        for name in names:
            self._goes_on(name, self._newest(name))

    def all_verified(self) -> None:
        """Wait until `manage.py verify` finds nothing. Raises Failure with what it finds."""
        look = self._stack.findings
        self._stack.until(lambda: not look(), lambda: f"verify: {look()}", _CRON_SECONDS)

    def _goes_on(self, name: str, before: int) -> None:
        self._stack.until(
            lambda: self._newest(name) > before, lambda: f"{name} has completed nothing new: {self.tasks(name)}"
        )

    def change(self, name: str, fields: Json) -> None:
        """Change a schedule."""
        status, answer = self._client.ask("PATCH", f"schedules/{self.schedules[name]}/", fields)
        if status not in {200, 202}:
            raise Failure(f"PATCH of {name} with {fields}: {status} {answer}")

    def remove(self, name: str) -> None:
        """Delete a schedule."""
        self._client.ask("DELETE", f"schedules/{self.schedules.pop(name)}/")

    def task(self, number: int) -> Json:
        """A task, with all that is known of it."""
        return self._client.ask("GET", f"tasks/{number}/")[1]

    def hosts(self) -> list[Json]:
        """The machines that have reported a crontab."""
        found: list[Json] = self._client.ask("GET", "hosts/")[1].get("results", [])
        return found

    def _newest(self, name: str) -> int:
        done = [task["id"] for task in self.tasks(name) if task["status"] == "COMPLETED"]
        return max(done, default=0)

    def tasks(self, name: str) -> list[Json]:
        """The newest tasks of a schedule."""
        _, answer = self._client.ask("GET", f"schedules/{self.schedules[name]}/tasks/")
        found: list[Json] = answer.get("results", [])
        return found

    def schedule(self, name: str, wanted: Json) -> None:
        """Ask for a schedule; `name` is its name here."""
        self.schedules[name] = self._made("schedules/", {"name": f"drill {name}", **wanted})["id"]

    def _made(self, path: str, body: Json) -> Json:
        """Ask until there is an answer: a web that starts, or a database that is away, gives none."""
        deadline = time.monotonic() + _CRON_SECONDS
        while True:
            status, answer = self._client.ask("POST", path, body)
            if status in {201, 202}:
                return answer
            if status not in {0, 502, 503, 504} or time.monotonic() > deadline:
                raise Failure(f"POST {path}: {status} {answer}")
            time.sleep(0.5)

    def _until_completed(self, path: str) -> None:
        self._stack.until(
            lambda: self._client.ask("GET", path)[1].get("status") == "COMPLETED",
            lambda: f"{path} is not COMPLETED: {self._client.ask('GET', path)}",
        )
