"""Make a schedule, change one, and see what it would do while one types."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from dashboard.language import language_of
from dashboard.page import Page
from dashboard.schedules.edit import context, form
from scheduling import clock, queries, schedules
from scheduling.errors import InvalidRequest, StaleVersion
from scheduling.models import Schedule
from scheduling.review.preview import preview
from scheduling.roles import Role

# Days that the difference of a change shows.
DAYS: Final = 30
# Occurrences of each kind in that difference; the counts are of all.
SHOWN: Final = 8
# Members of a form that the next form sends by itself.
_ASIDE: Final = {"csrfmiddlewaretoken", "do"}


class _Form(Page):
    """What both forms have in common: they show what was entered, what is wrong with it, and what it would do."""

    section = "schedules"
    role = Role.OPERATOR
    template_name = "dashboard/schedule_form.html"

    def get(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        return self.show(self.first())

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponseBase:
        """Save where that was asked for and nothing is wrong; else show the form again."""
        given = form.entered(request.POST)
        if request.POST.get("do") not in {"save", "confirm"} or "phrase" in request.POST:
            return self.show(given)
        fields, problems = form.fields(given, before=self.before())
        if problems:
            return self.show(given, problems)
        try:
            return self.save(given, fields)
        except InvalidRequest as exc:
            return self.show(given, exc.problems)

    def first(self) -> form.Entered:
        """What the form shows at first."""
        raise NotImplementedError

    def before(self) -> Schedule | None:
        """What is changed; None for a new schedule."""
        return None

    def save(self, given: form.Entered, fields: Any) -> HttpResponseBase:
        """Store it, and lead to its page. Raises InvalidRequest."""
        raise NotImplementedError

    def show(self, given: form.Entered, problems: Any = None, **more: Any) -> HttpResponse:
        """The form. With `problems` each stands at its field, together with those that only a look at all finds."""
        shown = context.shown(self.request, given, self.before())
        if problems is not None:
            shown["faults"] = context.faults([*problems, *shown["problems"]])
        page = {**self.get_context_data(**self.kwargs), **shown, **context.choices(self.request, given), **more}
        refused = HTTPStatus.CONFLICT if "stale" in more else HTTPStatus.BAD_REQUEST
        return self.render_to_response(page, status=HTTPStatus.OK if problems is None and not more else refused)


class NewSchedule(_Form):
    """The form for a new schedule."""

    def first(self) -> form.Entered:
        return form.blank()

    def save(self, given: form.Entered, fields: Any) -> HttpResponseBase:
        made = schedules.create(now=clock.now(), **fields)
        messages.success(self.request, f"{made.name} was created.", extra_tags="good")
        return redirect(reverse("dashboard:schedule", args=[made.pk]))


class EditSchedule(_Form):
    """The form for a schedule that is stored. What a change would do is shown before it is made."""

    def first(self) -> form.Entered:
        return form.of(queries.schedule(self.pk))

    def before(self) -> Schedule:
        return queries.schedule(self.pk)

    def save(self, given: form.Entered, fields: Any) -> HttpResponseBase:
        now, version = clock.now(), given.values.get("version", "")
        try:
            _expect(self.before(), version)
            if self.request.POST.get("do") != "confirm":
                return self._difference(fields)
            found = schedules.update(self.pk, now=now, version=int(version), **fields)
        except StaleVersion:
            return self.show(given, stale=_differing(given, form.of(self.before())))
        messages.success(self.request, f"{found.name} was changed.", extra_tags="good")
        return redirect(reverse("dashboard:schedule", args=[found.pk]))

    def _difference(self, fields: Any) -> HttpResponse:
        language = language_of(self.request)
        found = preview(self.pk, days=DAYS, now=clock.now(), language=language, **fields)
        self.template_name = "dashboard/schedule_difference.html"
        sent = [(name, value) for name, values in self.request.POST.lists() for value in values if name not in _ASIDE]
        shown = {"found": found, "sent": sent, "schedule": self.before(), "days": DAYS, "most": SHOWN}
        return self.render_to_response({**self.get_context_data(**self.kwargs), **shown})


class Preview(_Form):
    """What the form would do as it stands: the part of the page that is asked for while one types."""

    template_name = "dashboard/parts/schedule_trial.html"

    def before(self) -> Schedule | None:
        given = self.request.POST.get("schedule", "")
        return queries.schedule(int(given)) if given.isdecimal() and len(given) < 19 else None

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        shown = context.shown(request, form.entered(request.POST), self.before())
        return self.render_to_response({**shown, "typing": True})


class Parameters(_Form):
    """The fields of a job's parameters: the part of the page that is asked for when another job is chosen."""

    template_name = "dashboard/parts/schedule_parameters.html"

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        return self.render_to_response(context.parameter_fields(form.entered(request.POST)))


def _expect(stored: Schedule, version: str) -> None:
    """Raises StaleVersion where the form was made from another version than the one that is stored."""
    if version != str(stored.version):
        raise StaleVersion


def _differing(mine: form.Entered, theirs: form.Entered) -> list[tuple[str, str, str]]:
    """The fields that both have, with what is stored and what was entered, where these differ."""
    names = [name for name in theirs.values if theirs.values[name] != mine.values.get(name, theirs.values[name])]
    found = [(name.replace("_", " "), theirs.values[name], mine.values[name]) for name in names]
    if theirs.weekdays != tuple(sorted(mine.weekdays)) and mine.values.get("kind") == "build":
        found.append(("weekdays", ",".join(theirs.weekdays), ",".join(mine.weekdays)))
    return found or [("nothing in this form", "", "")]
