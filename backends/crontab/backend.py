"""The backend `crontab`: its entries are lines of a host's crontab, one for each schedule."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from backends.crontab import checks, entries, host_report, lines, reader_health, system_zone, targets, wrapper
from backends.crontab.block import split
from backends.crontab.spool import plan
from backends.crontab.spool.store import here
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
        return [lines.entry(line, wrapper.command_of(wrapper.path()))]

    def install(self, schedule: Schedule) -> Outcome:
        target = self.target()
        if schedule.host != settings.TANDEM_HOST:
            # The schedule may have moved away from this machine. Then its line here is removed at once.
            if target is not None and self._has_line_of(schedule):
                self.mend(target)
            return Outcome.LATER
        if target is None:
            raise BackendError("This machine has no crontab (TANDEM_CRONTAB is none).")
        self.mend(target)
        return Outcome.DONE

    def remove(self, schedule: Schedule) -> Outcome:
        # A schedule that moved to a backend without hosts has no host any more. Its line may be on this machine.
        here = schedule.host == settings.TANDEM_HOST
        if not here and schedule.host:
            return Outcome.LATER
        target = self.target()
        changed = target is not None and self.mend(target, without=schedule.pk)
        return Outcome.DONE if here or changed else Outcome.LATER

    def sync(self) -> None:
        target = self.target()
        if target is None:
            return
        self.mend(target)
        host_report.report(target, now=timezone.now())

    def desired(self) -> list[Entry]:
        target = self.target()
        if target is None:
            return []
        command = wrapper.command_of(wrapper.path())
        return [lines.entry(line, command) for line in self._lines(target)]

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

    def mend(self, target: Target, *, without: int | None = None) -> bool:
        """Bring our lines in the crontab up to date with the database. Returns False if they were up to date already.

        The schedule with the id `without` gets no line, even if the database says that it must have one. Raises
        BackendError.
        """
        wrapper.install()
        plan.write(here())
        return Writer(target, Path(settings.VAR)).bring(lambda: self._block(target, without))

    def _has_line_of(self, schedule: Schedule) -> bool:
        return any(entry.schedule_id == schedule.pk for entry in self.inspect())

    def _block(self, target: Target, without: int | None) -> bytes:
        command = wrapper.command_of(wrapper.path())
        wanted = [line for line in self._lines(target) if line.schedule_id != without]
        return lines.render(wanted, command=command, zone=target.zone())

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
