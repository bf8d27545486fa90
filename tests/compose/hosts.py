"""Three more cron hosts with zones and users of their own. One is killed for good, and what the pages promise holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, reset_tzpath

from stack.environment import Failure
from tests.compose.load import WORK, Load
from tests.compose.stack import Stack
from tests.rest_client import Json

ZONES: Final = {"howe": "Australia/Lord_Howe", "casablanca": "Africa/Casablanca", "greenwich": "Etc/UTC"}
USERS: Final = {"howe": "anna", "casablanca": "badr", "greenwich": "carla"}
_POLICIES: Final = ("any_host", "worker", "wait")
_NETWORK: Final = "tandem_hosts"
_OVERLAY: Final = "tests/compose/hosts.yml"
# A wake-up that does not come is stood in for after 90 seconds; and a busy machine.
_STOOD_IN_SECONDS: Final = 300.0


class Hosts:
    """The hosts beside a stack. `lost` is the one that is killed."""

    def __init__(self, stack: Stack, load: Load, lost: str, say: Callable[[str], None]) -> None:
        self._stack, self._load, self._lost, self._say = stack, load, lost, say

    def drill(self) -> None:
        """Start them, see each run what is due there, kill one, and see what becomes of its schedules."""
        self._compose("build", *ZONES)
        self._compose("create", "--no-build", *ZONES)
        self._stack.engine.docker("network", "connect", "--alias", "postgres", _NETWORK, "tandem-postgres-1")
        try:
            # Started by themselves: `up` would start what they do not need anew, without this network.
            self._compose("start", *ZONES)
            self._stack.until(lambda: not self._not_reported(), lambda: f"hosts: {self._not_reported()}")
            self._say(f"hosts: {', '.join(ZONES)} have reported, with their zones")
            self._each_runs_its_own()
            self._one_is_lost()
        finally:
            self._compose("rm", "--stop", "--force", *ZONES)
            self._stack.engine.docker("network", "disconnect", _NETWORK, "tandem-postgres-1")
            self._stack.engine.docker("network", "rm", _NETWORK)
        self._load.all_verified()

    def _each_runs_its_own(self) -> None:
        """On each host a line of its own cron, for a time in the zone of another host, at the minute it names."""
        # The zones of the package tzdata, as in the images: this machine may have those of another release.
        reset_tzpath(())
        zones = [*ZONES.values()]
        due = (datetime.now(UTC) + timedelta(minutes=3)).replace(second=0, microsecond=0)
        for host, zone in zip(ZONES, [*zones[1:], zones[0]], strict=True):
            local = due.astimezone(ZoneInfo(zone))
            cron = f"{local.minute} {local.hour} {local.day} {local.month} *"
            self._load.schedule(host, {**self._line(host), "cron": cron, "timezone": zone})
        for host in ZONES:
            self._ran_at(host, due)
            self._load.remove(host)
        self._say(f"hosts: each ran at {due:%H:%M} UTC, by its cron and its user, a time of another zone")

    def _ran_at(self, host: str, due: datetime) -> None:
        self._stack.until(
            lambda: [task for task in self._load.tasks(host) if task["status"] == "COMPLETED"],
            lambda: f"{host}: {self._load.tasks(host)}",
            _STOOD_IN_SECONDS,
        )
        [task] = self._load.tasks(host)
        told = self._load.task(task["id"])
        if (told["host"], told["woken_by"], datetime.fromisoformat(told["due_at"])) != (host, "crontab", due):
            raise Failure(f"Due at {due}, and on {host} by its cron: {told}")
        table = self._stack.engine.docker(
            "exec", f"tandem-{host}-1", "ls", "-l", f"/var/spool/cron/crontabs/{USERS[host]}"
        )
        if USERS[host] not in table.split()[2]:
            raise Failure(f"The crontab on {host} is of somebody else: {table}")

    def _one_is_lost(self) -> None:
        for policy in _POLICIES:
            line = {**self._line(self._lost), "cron": "* * * * *", "on_host_lost": policy}
            self._load.schedule(policy, line)
        self._load.goes_on(*_POLICIES)
        self._stack.engine.docker("kill", f"tandem-{self._lost}-1")
        killed = datetime.now(UTC)
        self._say(f"hosts: {self._lost} is killed for good")
        self._stack.until(lambda: self._told(self._lost)["silent"], lambda: f"not lost: {self._told(self._lost)}")
        for policy in ("any_host", "worker"):
            self._is_taken_over(policy, killed)
        if any(self._after(task, killed) for task in self._load.tasks("wait")):
            raise Failure(f"What was to wait for {self._lost} has run: {self._load.tasks('wait')}")
        doctor = self._stack.manage("doctor").stdout
        if not any(self._lost in line and "silent" in line for line in doctor.splitlines()):
            raise Failure(f"doctor does not say that {self._lost} is silent:\n{doctor}")
        self._load.all_verified()
        self._say(f"hosts: others ran what {self._lost} had to, as each schedule says; doctor tells")
        self._move_away()

    def _is_taken_over(self, policy: str, killed: datetime) -> None:
        self._stack.until(
            lambda: any(self._after(task, killed) for task in self._load.tasks(policy)),
            lambda: f"on_host_lost={policy}: {self._load.tasks(policy)}",
            _STOOD_IN_SECONDS,
        )

    def _move_away(self) -> None:
        """As the page says: its schedules get another host."""
        other = next(host for host in ZONES if host != self._lost)
        for policy in _POLICIES:
            self._load.change(policy, {"host": other})
            self._load.goes_on(policy)
            self._load.remove(policy)
        self._say(f"hosts: the schedules of {self._lost} run on {other}")

    def _after(self, task: Json, killed: datetime) -> bool:
        due = datetime.fromisoformat(task["due_at"])
        return bool(task["status"] == "COMPLETED" and due > killed and task["host"] != self._lost)

    def _line(self, host: str) -> Json:
        return {**WORK, "backend": "crontab", "executor": "inline", "host": host, "overlap": "allow"}

    def _not_reported(self) -> list[str]:
        """The hosts that have not reported their zone."""
        return [f"{host}: {self._told(host)}" for host, zone in ZONES.items() if self._told(host).get("zone") != zone]

    def _told(self, host: str) -> Json:
        found = [one for one in self._load.hosts() if one["name"] == host]
        return found[0] if found else {}

    def _compose(self, *words: str) -> None:
        self._stack.compose("-f", _OVERLAY, *words)
