"""The backend `crontab`: its entries are lines of a host's crontab, one for each schedule."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from backends.crontab import checks, entries, host_report, lines, reader_health, system_zone, targets, wrapper
from backends.crontab.block import split
from backends.crontab.targets import Target
from backends.crontab.writer import Writer
from scheduling.backend import Capabilities, Outcome, SchedulerBackend
from scheduling.entry import Entry
from scheduling.errors import BackendError, Problem, TandemError
from scheduling.findings import Finding
from scheduling.models import Host, Schedule


class CrontabBackend(SchedulerBackend):
    """Writes the lines in this host's crontab. The agents of the other hosts write the lines there."""

    name = "crontab"
    capabilities = Capabilities(seconds=False, executors=("inline", "worker"), per_host=True)

    def check(self, schedule: Schedule) -> list[Problem]:
        host = schedule.host or settings.TANDEM_HOST
        return checks.of_trigger(schedule) + checks.of_host(
            host, self.target(), expected=self._expected(schedule, host)
        )

    def entries(self, schedule: Schedule) -> list[Entry]:
        zone_name = self._zone(schedule.host or settings.TANDEM_HOST)
        line = entries.line_of(schedule, zone_name=zone_name, now=timezone.now())
        target = self.target()
        here = schedule.host == settings.TANDEM_HOST and target is not None
        return [lines.entry(line, wrapper.command_of(wrapper.path()), target.user if here and target else "")]

    def install(self, schedule: Schedule) -> Outcome:
        return self.install_all([schedule])[schedule.pk]

    def install_all(self, schedules: Sequence[Schedule]) -> dict[int, Outcome]:
        here = {one.pk for one in schedules if one.host == settings.TANDEM_HOST}
        target = self.target()
        if target is None and here:
            raise BackendError("This machine has no crontab (TANDEM_CRONTAB is none).")
        if target is not None and not target.writable():
            return {one.pk: Outcome.LATER for one in schedules}
        # A schedule may have moved away from this machine. Then its line here is removed at once.
        if target is not None and (here or self._has_line_of(schedules)):
            self.mend(target)
        return {one.pk: Outcome.DONE if one.pk in here else Outcome.LATER for one in schedules}

    def remove(self, schedule: Schedule) -> Outcome:
        return self._remove([schedule])

    def remove_all(self, schedules: Sequence[Schedule]) -> None:
        self._remove(schedules)

    def sync(self) -> None:
        target = self.target()
        if target is None:
            return
        if target.writable():
            self.mend(target)
        elif split(target.read()).block != self._block(target, ()):
            raise BackendError(f"{target.describe()} is not up to date: run `manage.py crontab_agent --once` as root.")
        host_report.report(target, now=timezone.now())

    def desired(self) -> list[Entry]:
        target = self.target()
        if target is None:
            return []
        command = wrapper.command_of(wrapper.path())
        return [lines.entry(line, command, target.user) for line in self._lines(target)]

    def inspect(self) -> list[Entry]:
        target = self.target()
        return [] if target is None else lines.read(split(target.read()).block)

    def health(self) -> Finding:
        try:
            target = self.target()
            if target is None:
                return Finding("crontab", ok=True, detail="This machine has no crontab (TANDEM_CRONTAB is none).")
            self.inspect()
            error = Host.objects.filter(name=settings.TANDEM_HOST).values_list("error", flat=True).first()
            if error:
                return Finding("crontab", ok=False, detail=error)
            read = reader_health.of_reader(target, folder=Path(settings.VAR))
            differs = system_zone.difference(target.zone(), now=timezone.now())
            return Finding("crontab", ok=False, detail=differs) if read.ok and differs else read
        except TandemError as exc:
            return Finding("crontab", ok=False, detail=exc.detail)
        except (DatabaseError, OSError) as exc:
            return Finding("crontab", ok=False, detail=f"The state of the crontab is unknown: {exc}")

    def target(self) -> Target | None:
        """This host's crontab; None if TANDEM_CRONTAB is none. Raises Misconfigured."""
        return targets.parse(settings.TANDEM_CRONTAB)

    def mend(self, target: Target, *, without: Container[int] = ()) -> bool:
        """Bring our lines in the crontab up to date with the database. Returns False if they were up to date already.

        The schedules with the ids in `without` get no line, even if the database says that they must have one. Raises
        BackendError.
        """
        wrapper.install(user=target.user)
        return Writer(target, Path(settings.VAR)).bring(lambda: self._block(target, without))

    def _remove(self, schedules: Sequence[Schedule]) -> Outcome:
        # A schedule that moved to a backend without hosts has no host any more. Its line may be on this machine.
        here = any(one.host == settings.TANDEM_HOST for one in schedules)
        if not here and all(one.host for one in schedules):
            return Outcome.LATER
        target = self.target()
        if target is not None and not target.writable():
            return Outcome.LATER
        changed = target is not None and self.mend(target, without={one.pk for one in schedules})
        return Outcome.DONE if here or changed else Outcome.LATER

    def _has_line_of(self, schedules: Sequence[Schedule]) -> bool:
        ids = {one.pk for one in schedules}
        return any(entry.schedule_id in ids for entry in self.inspect())

    def _block(self, target: Target, without: Container[int]) -> bytes:
        command = wrapper.command_of(wrapper.path())
        wanted = [line for line in self._lines(target) if line.schedule_id not in without]
        return lines.render(wanted, command=command, zone=target.zone(), user=target.user)

    def _lines(self, target: Target) -> list[lines.BlockLine]:
        active = self._active(settings.TANDEM_HOST)
        return entries.lines_of(active, zone_name=target.zone(), now=timezone.now())

    def _active(self, host: str) -> QuerySet[Schedule]:
        return Schedule.objects.filter(routed_to=self.name, host=host, next_due_at__isnull=False)

    def _expected(self, schedule: Schedule, host: str) -> int:
        return self._active(host).exclude(pk=schedule.pk).count() + 1

    def _zone(self, host: str) -> str:
        """The zone of a host's cron. For a host that never reported it is UTC; `check` refuses such a host."""
        target = self.target()
        if host == settings.TANDEM_HOST and target is not None:
            return target.zone()
        return host_report.zone_of(host) or "UTC"
