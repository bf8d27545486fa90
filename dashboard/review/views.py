"""Read a crontab line by line in plain words, and adopt lines of it as schedules."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from dashboard.language import language_of
from dashboard.page import Page
from dashboard.review.day import TALLEST, columns
from scheduling import clock
from scheduling.backend import backend_names
from scheduling.errors import TandemError
from scheduling.review import adoption
from scheduling.review.accounts import user_names
from scheduling.review.crontab_text import Form
from scheduling.review.foreign_table import ForeignTable, foreign_table
from scheduling.review.report import MOST_BYTES, Report, of_crontab
from scheduling.review.report_lines import ReportLine, ReportOptions
from scheduling.roles import Role
from scheduling.routing import AUTO
from scheduling.storable import storable_text
from scheduling.timing import zone
from scheduling.timing.zones import known_zones
from scheduling.words import language_name, languages
from scheduling.words.warnings import warning_text

# Lines that are shown: the page stays below 100 kB. The API and `manage.py review` show all of them.
MOST_LINES: Final = 150
# Next occurrences of each line.
NEXT: Final = 2
_FORMS: Final[dict[str, Form | None]] = {"auto": None, "user": "user", "system": "system"}
# What needs the role operator.
_WRITES: Final = {"plan", "adopt"}
_TOLD: Final = {"entry", "at_start", "error"}


class Review(Page):
    """A crontab that is pasted, uploaded, or the one of this machine."""

    section = "review"
    template_name = "dashboard/review.html"

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponseBase:
        """Review it; with `do` plan show what adopting the chosen lines would do, with adopt do it."""
        wanted = request.POST.get("do", "review")
        if wanted in _WRITES and not self.may(Role.OPERATOR):
            raise PermissionDenied
        try:
            table = foreign_table() if request.POST.get("source") == "installed" or wanted == "installed" else None
            content = self._reviewed(table, wanted)
        except TandemError as exc:
            return self._show({"refusal": exc.detail}, status=400)
        adopted = content["adopted"]
        if wanted == "adopt":
            return self._adopted(adopted)
        would = adopted is not None and any(each.outcome == "would_create" for each in adopted.lines)
        return self._show({**content, "can_adopt": would})

    def content(self) -> dict[str, Any]:
        """What the form offers, and what was sent with it."""
        sent = self.request.POST
        language = sent.get("language", "")
        return {
            "languages": _languages(),
            "language": language if language in languages() else language_of(self.request),
            "zones": sorted(known_zones()),
            "timezone": sent.get("timezone", "UTC"),
            "forms": {"auto": "Find out", "user": "A user's (crontab -l)", "system": "A system's (/etc/crontab)"},
            "form": sent.get("form", "auto"),
            "text": _text(self.request),
            "backends": (AUTO, *backend_names()),
            "here": settings.TANDEM_CRONTAB if settings.TANDEM_CRONTAB != "none" else "",
        }

    def _reviewed(self, table: ForeignTable | None, wanted: str) -> dict[str, Any]:
        """The report, and the outcome of an adoption if one was asked for. Raises TandemError."""
        offered, now = self.content(), clock.now()
        report = of_crontab(
            offered["text"] if table is None else table.read(),
            form=_FORMS.get(offered["form"]),
            timezone=offered["timezone"] if table is None else table.zone(),
            users=user_names(),
            options=ReportOptions(count=NEXT, language=offered["language"]),
            now=now,
        )
        return {
            **_shown(report, offered["language"]),
            "columns": columns(report.lines, now=now),
            "tallest": TALLEST,
            "installed": table is not None,
            # At first every line is chosen; after a look at what would follow, those that were.
            "chosen": self._lines() if wanted in _WRITES else None,
            "backend": self.request.POST.get("backend", AUTO),
            "adopted": self._adopt(report, table, wanted, offered["language"]) if wanted in _WRITES else None,
        }

    def _adopt(self, report: Report, table: ForeignTable | None, wanted: str, language: str) -> adoption.Adopted:
        sent = self.request.POST
        options: dict[str, Any] = {
            "only": self._lines(),
            "backend": sent.get("backend", AUTO),
            "language": language,
            "now": clock.now(),
        }
        if wanted == "plan":
            return adoption.plan(report, **options)
        return adoption.apply(report, comment_out=table if sent.get("comment_out") else None, **options)

    def _lines(self) -> set[int]:
        sent = self.request.POST.getlist("line")
        return {int(number) for number in sent if number.isdecimal() and len(number) < 10}

    def _adopted(self, adopted: adoption.Adopted) -> HttpResponseBase:
        made = sum(1 for each in adopted.lines if each.outcome == "created")
        if adopted.error:
            messages.error(self.request, adopted.error, extra_tags="bad")
        messages.success(self.request, f"{made} of {len(adopted.lines)} lines became schedules.", extra_tags="good")
        return redirect(reverse("dashboard:schedules"))

    def _show(self, content: dict[str, Any], *, status: int = 200) -> HttpResponse:
        return self.render_to_response({**self.get_context_data(**self.kwargs), **content}, status=status)


def _languages() -> list[tuple[str, str]]:
    """The code and the name of each language; two with one name are told by their codes."""
    named = {code: language_name(code) for code in languages()}
    often = Counter(named.values())
    return [(code, f"{name} ({code})" if often[name] > 1 else name) for code, name in named.items()]


def _shown(report: Report, language: str) -> dict[str, Any]:
    lines = [line for line in report.lines if line.kind in _TOLD]
    return {
        "report": report,
        "entries": report.count("entry", "at_start"),
        "errors": report.count("error"),
        "lines": [_line(line, language) for line in lines[:MOST_LINES]],
        "left_out": max(0, len(lines) - MOST_LINES),
        "about_all": [warning_text(warning, language) for warning in report.warnings],
    }


def _line(line: ReportLine, language: str) -> dict[str, Any]:
    local = zone(line.timezone) if line.next_occurrences else None
    return {
        "number": line.number,
        "kind": str(line.kind),
        # An installed crontab may hold bytes that are not UTF-8.
        "text": storable_text(line.text),
        "words": line.words,
        "error": line.error,
        "command": storable_text(line.command),
        "next": [at.astimezone(local) for at in line.next_occurrences],
        "warnings": [warning_text(warning, language) for warning in line.warnings],
    }


def _text(request: HttpRequest) -> str:
    """The crontab of a form: the file if one was chosen. One byte more than is allowed is read, and then refused."""
    upload = request.FILES.get("file")
    if upload is not None:
        # The report is made of it, and the page shows it.
        upload.seek(0)
        return storable_text(upload.read(MOST_BYTES + 1).decode("utf-8", "surrogateescape"))
    # Browsers send each line end as CR LF, whatever the crontab had.
    return request.POST.get("crontab", "").replace("\r\n", "\n")
