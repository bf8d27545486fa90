"""What can be done with one schedule: run, pause, resume, skip, backfill, move. What would follow is shown first."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from dashboard.language import language_of
from dashboard.page import Page
from dashboard.schedules.one import plans
from dashboard.schedules.one.plans import Given, Plan
from scheduling import clock, queries, schedules, skip_and_backfill
from scheduling.backend import backend_names
from scheduling.errors import InvalidRequest, TandemError
from scheduling.models import Host, Schedule
from scheduling.roles import Role

# The browser offers them while one types a name; any other name can be written, too.
_MOST_HOSTS = 100


class ConfirmedAction(Page):
    """GET shows what would follow, with the fields to ask for something else. POST does it.

    The confirmation names what was shown. Where something else would follow by now, that is shown instead.
    """

    section = "schedules"
    role = Role.OPERATOR
    template_name = "dashboard/confirm.html"
    verb: ClassVar[str]
    about: ClassVar[str]

    def content(self) -> dict[str, Any]:
        """The plan, or the faults of what was asked for."""
        schedule, now = queries.schedule(self.pk), clock.now()
        given = self.request.POST if self.request.method == "POST" else self.request.GET
        shown = {"schedule": schedule, "verb": self.verb, "about": self.about, "days": plans.DAYS}
        shown |= {"given": given, **self.offer(schedule, given, now)}
        try:
            return {**shown, "plan": self.plan(schedule, given, now)}
        except InvalidRequest as exc:
            return {**shown, "faults": {problem.field: [problem.detail] for problem in exc.problems}}

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponseBase:
        """Do what was shown. A refusal of the domain is a message on the page of the schedule."""
        context = self.get_context_data(**self.kwargs)
        plan: Plan | None = context.get("plan")
        if plan is None or not plan.mark:
            return self.render_to_response(context, status=HTTPStatus.BAD_REQUEST)
        if plan.mark != request.POST.get("mark"):
            return self.render_to_response({**context, "has_changed": True}, status=HTTPStatus.CONFLICT)
        try:
            messages.success(request, self.act(context["schedule"], request.POST, clock.now()), extra_tags="good")
        except TandemError as exc:
            messages.error(request, exc.detail, extra_tags="bad")
        return redirect(reverse("dashboard:schedule", args=[self.pk]))

    def offer(self, schedule: Schedule, given: Given, now: datetime) -> dict[str, Any]:
        """The fields of the form, by name, with what they hold; `fields` names the part of the template."""
        return {"fields": ""}

    def plan(self, schedule: Schedule, given: Given, now: datetime) -> Plan:
        """What would follow. Raises InvalidRequest."""
        raise NotImplementedError

    def act(self, schedule: Schedule, given: Given, now: datetime) -> str:
        """Do it, and return one sentence for the message. Raises TandemError."""
        raise NotImplementedError


class RunNow(ConfirmedAction):
    """Runs a schedule once, now."""

    verb = "Run now"
    about = "Its occurrences stay as they are."

    def plan(self, schedule: Schedule, given: Given, now: datetime) -> Plan:
        return plans.of_run(schedule, given, now=now)

    def act(self, schedule: Schedule, given: Given, now: datetime) -> str:
        task, delivery = schedules.trigger(schedule.pk, now=now)
        return f"Task {task.pk} of {task.name} was created: {delivery}."


class Pause(ConfirmedAction):
    """Stops a schedule until it is resumed."""

    verb = "Pause"
    about = "Let nothing be due until somebody resumes it."

    def plan(self, schedule: Schedule, given: Given, now: datetime) -> Plan:
        return plans.of_pause(schedule, given, now=now)

    def act(self, schedule: Schedule, given: Given, now: datetime) -> str:
        return f"{schedules.pause(schedule.pk, now=now).name} is paused: nothing is due until you resume it."


class Resume(ConfirmedAction):
    """Lets a paused schedule run again."""

    verb = "Resume"
    about = "Let it run again."

    def plan(self, schedule: Schedule, given: Given, now: datetime) -> Plan:
        return plans.of_resume(schedule, given, now=now)

    def act(self, schedule: Schedule, given: Given, now: datetime) -> str:
        return f"{schedules.resume(schedule.pk, now=now).name} runs again."


class Skip(ConfirmedAction):
    """Leaves out the next occurrences."""

    verb = "Skip"
    about = "Leave out its next occurrences, and go on after them."

    def offer(self, schedule: Schedule, given: Given, now: datetime) -> dict[str, Any]:
        return {"fields": "count", "count": given.get("count", "1"), "most": skip_and_backfill.MOST}

    def plan(self, schedule: Schedule, given: Given, now: datetime) -> Plan:
        return plans.of_skip(schedule, given, now=now)

    def act(self, schedule: Schedule, given: Given, now: datetime) -> str:
        found = skip_and_backfill.skip(schedule.pk, int(given.get("count", "1")), now=now)
        return f"{len(found)} occurrence{'s' if len(found) != 1 else ''} of {schedule.name} will not run."


class Backfill(ConfirmedAction):
    """Runs past occurrences that never became a task."""

    verb = "Backfill"
    about = "Run what was due in the past and never became a task, as before it was made, or while it was paused."

    def offer(self, schedule: Schedule, given: Given, now: datetime) -> dict[str, Any]:
        usual = plans.offered(schedule, now=now)
        shown = {name: given.get(name) or usual[name] for name in usual}
        return {"fields": "range", **shown, "spans": plans.spans(schedule, now=now)}

    def plan(self, schedule: Schedule, given: Given, now: datetime) -> Plan:
        return plans.of_backfill(schedule, given, now=now)

    def act(self, schedule: Schedule, given: Given, now: datetime) -> str:
        wanted = plans.between(schedule, given, now=now)
        found = skip_and_backfill.backfill(schedule.pk, now=now, **wanted)
        return f"{len(found)} past occurrence{'s' if len(found) != 1 else ''} of {schedule.name} run now."


class Move(ConfirmedAction):
    """Moves a schedule to another backend."""

    verb = "Move"
    about = "Let another clock wake it. Its history, its tasks and its next occurrences stay."

    def offer(self, schedule: Schedule, given: Given, now: datetime) -> dict[str, Any]:
        others = [name for name in backend_names() if name != schedule.routed_to]
        hosts = Host.objects.order_by("name").values_list("name", flat=True)[:_MOST_HOSTS]
        chosen = given.get("to") or next(iter(others), schedule.routed_to)
        return {
            "fields": "where",
            "backends": backend_names(),
            "to": chosen,
            "host": given.get("host", ""),
            "hosts": hosts,
        }

    def plan(self, schedule: Schedule, given: Given, now: datetime) -> Plan:
        return plans.of_move(schedule, given, now=now, language=language_of(self.request))

    def act(self, schedule: Schedule, given: Given, now: datetime) -> str:
        wanted = plans.where_to(schedule, given)
        moved = schedules.update(schedule.pk, now=now, version=schedule.version, **wanted)
        return f"{moved.name} is on {moved.routed_to}{f' on {moved.host}' if moved.host else ''} from now on."
