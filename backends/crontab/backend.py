"""The backend `crontab`: its entries are lines of a host's crontab. Schedules that need the same line share it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from backends.crontab import (
    checks,
    entries,
    flavours,
    foreign_lines,
    host_report,
    installation,
    lines,
    programs,
    reader_health,
    system_zone,
    targets,
    wrapper,
)
from backends.crontab.block import MOST_LINES, Fault, faults, split
from backends.crontab.flavours import Flavour
from backends.crontab.spool import plan
from backends.crontab.spool.store import here
from backends.crontab.targets import FileTarget, Target
from backends.crontab.writer import Writer
from scheduling.backend import Capabilities, Foreign, SchedulerBackend, WriteResult
from scheduling.difference import Difference, DifferenceKind
from scheduling.entry import Entry
from scheduling.errors import BackendError, Problem, TandemError
from scheduling.findings import Finding
from scheduling.models import Host, Schedule

# All that lines are made of: there may be ten thousand schedules.
TRIGGER_FIELDS: Final = ("id", "name", "cron", "every", "timezone", "anchor")


class CrontabBackend(SchedulerBackend):
    """Writes the lines in this host's crontab. The agents of the other hosts write the lines there."""

    name = "crontab"
    capabilities = Capabilities(seconds=False, executors=("inline", "worker"), per_host=True)

    def check(self, schedule: Schedule) -> list[Problem]:
        host = schedule.host or settings.TANDEM_HOST
        return checks.of_trigger(schedule) + checks.of_host(host, self.target())

    def many_checks(self) -> AbstractContextManager[None]:
        return checks.reading_once()

    def foreign(self, *, most: int) -> Sequence[Foreign]:
        """The entries of this host's crontab outside of our block."""
        return foreign_lines.entries(most)

    def entries(self, schedule: Schedule) -> list[Entry]:
        """The schedule's own lines. Where those of all schedules do not fit, `desired` is one line for all."""
        zone_name = self._zone(schedule)
        target = self.target() if schedule.host == settings.TANDEM_HOST else None
        debian = target is None or _cron_of(target).catches_up
        groups = entries.groups_of([schedule], zone_name=zone_name, now=timezone.now(), debian=debian)
        return self._entries_of(groups, target)

    def wasted_wake_ups(self, schedule: Schedule) -> int | None:
        zone_name = self._zone(schedule)
        return entries.wake_ups_of(schedule, zone_name=zone_name, now=timezone.now()).wasted

    def install(self, schedule: Schedule) -> WriteResult:
        return self.install_all([schedule])[schedule.pk]

    def install_all(self, schedules: Sequence[Schedule]) -> dict[int, WriteResult]:
        here = {one.pk for one in schedules if one.host == settings.TANDEM_HOST}
        target = self.target()
        if target is None and here:
            raise BackendError("This machine has no crontab (TANDEM_CRONTAB is none).")
        if target is not None and not target.writable():
            return {one.pk: WriteResult.LATER for one in schedules}
        # A schedule may have moved away from this machine. Then it is taken out of the table here at once.
        if target is not None:
            self.mend(target)
        return {one.pk: WriteResult.DONE if one.pk in here else WriteResult.LATER for one in schedules}

    def remove(self, schedule: Schedule) -> WriteResult:
        return self._remove([schedule])

    def remove_all(self, schedules: Sequence[Schedule]) -> None:
        self._remove(schedules)

    def sync(self) -> None:
        target = self.target()
        if target is None:
            return
        if target.writable():
            self.mend(target)
        elif split(target.read(), installation.owner(target)).block != self.block(target):
            raise BackendError(f"{target.describe()} is not up to date: run `manage.py crontab_agent --once` as root.")
        host_report.report(target, now=timezone.now())

    def desired(self) -> list[Entry]:
        target = self.target()
        if target is None:
            return []
        return self._entries_of(self._groups(target), target)

    def inspect(self) -> list[Entry]:
        target = self.target()
        return [] if target is None else lines.read(split(target.read(), installation.owner(target)).block)

    def differences(self) -> list[Difference]:
        """What is wrong with our block besides lines that are missing or left over."""
        target = self.target()
        if target is None:
            return []
        found = faults(target.read(), installation.owner(target), known=self.block(target))
        ids_of = {entry.text: entry.schedule_ids for entry in self.desired()} if found else {}
        return [_difference(fault, ids_of) for fault in found]

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

    def mend(self, target: Target, *, without: Collection[int] = ()) -> bool:
        """Bring our lines in the crontab up to date with the database. Returns False if they were up to date already.

        The schedules with the ids in `without` are left out, even if the database says that they must have lines.
        Raises BackendError.
        """
        wrapper.install(user=target.user)
        plan.write(here())
        writer = Writer(target, Path(settings.VAR))
        return writer.bring(lambda: self.block(target, without=without), installation.owner(target))

    def block(self, target: Target, *, without: Collection[int] = ()) -> bytes:
        """The inside of our block as the database says that it has to be. `without` as in `mend`."""
        command = wrapper.command_of(wrapper.path())
        return lines.render(self._groups(target, without), command=command, zone=target.zone(), user=target.user)

    def _remove(self, schedules: Sequence[Schedule]) -> WriteResult:
        # A schedule that moved to a backend without hosts has no host any more. Its line may be on this machine.
        here = any(one.host == settings.TANDEM_HOST for one in schedules)
        if not here and all(one.host for one in schedules):
            return WriteResult.LATER
        target = self.target()
        if target is not None and not target.writable():
            return WriteResult.LATER
        changed = target is not None and self.mend(target, without={one.pk for one in schedules})
        return WriteResult.DONE if here or changed else WriteResult.LATER

    def _entries_of(self, groups: Sequence[lines.Group], target: Target | None) -> list[Entry]:
        user = "" if target is None else target.user
        return lines.entries_of(groups, wrapper.command_of(wrapper.path()), user=user)

    def _groups(self, target: Target, without: Collection[int] = ()) -> list[lines.Group]:
        cron = _cron_of(target)
        foreign = split(target.read(), installation.owner(target)).foreign.count(b"\n")
        room = min(MOST_LINES, cron.most_entries or MOST_LINES) - entries.LINES_AROUND - foreign
        active = self._active(settings.TANDEM_HOST).exclude(pk__in=without).only(*TRIGGER_FIELDS)
        return entries.groups_of(active, zone_name=target.zone(), now=timezone.now(), room=room, debian=cron.catches_up)

    def _active(self, host: str) -> QuerySet[Schedule]:
        return Schedule.objects.filter(routed_to=self.name, host=host, next_due_at__isnull=False)

    def _zone(self, schedule: Schedule) -> str:
        """The zone of its host's cron. For a host that never reported it is UTC; `check` refuses such a host."""
        host, target = schedule.host or settings.TANDEM_HOST, self.target()
        if host == settings.TANDEM_HOST and target is not None:
            return target.zone()
        # Read together with the schedule by scheduling.queries.schedules.
        known: str | None = getattr(schedule, "host_zone", None)
        return known or host_report.zone_of(host) or "UTC"


def _cron_of(target: Target) -> Flavour:
    """The cron that runs the lines of this machine's table. Our own runner does what Debian's does."""
    return flavours.DEBIAN if isinstance(target, FileTarget) else flavours.recognize(programs.version())


def _difference(fault: Fault, ids_of: Mapping[str, tuple[int, ...]]) -> Difference:
    text = fault.text.strip()
    line = text.lstrip("# \t") if fault.kind is DifferenceKind.DISABLED else text
    # What is of a person, or a marker, should be nowhere in our block.
    wanted = line if fault.kind is DifferenceKind.DISABLED and line in ids_of else ""
    return Difference(fault.kind, text, ids_of.get(line, ()), instead_of=wanted)
