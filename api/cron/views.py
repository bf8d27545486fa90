"""`/api/cron/`: what do expressions and crontabs mean, and which crontab lines can become schedules?"""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.bodies import read
from api.cron.imports import AdoptedOutput, ImportInput
from api.cron.parsers import CrontabParser
from api.cron.renderers import CsvRenderer, TableRenderer
from api.cron.reports import ReportOutput, ReviewInput, report_members
from api.cron.serializers import FORMS, DescribeInput, DescribeOutput
from api.fields import StrictSerializer, Whole
from api.language import READING, in_language, language_of, reading_of
from api.parsers import BoundedJSONParser
from api.writing import asks_dry_run, write
from scheduling import owners, queries
from scheduling.review import adoption
from scheduling.review.accounts import user_names
from scheduling.review.crontab_text import Form
from scheduling.review.expression import review_cron, review_every
from scheduling.review.foreign_table import foreign_table
from scheduling.review.report import Report, of_crontab, of_schedules
from scheduling.review.report_lines import MOST_NEXT, ReportOptions
from scheduling.roles import Role

_REPORTS: Final = {
    (200, "application/json"): ReportOutput,
    (200, "text/plain"): OpenApiTypes.STR,
    (200, "text/csv"): OpenApiTypes.STR,
}
_COUNT: Final = OpenApiParameter("count", int, description="Next occurrences for each schedule; 3 if not given.")


class DescribeView(APIView):
    """What a cron expression or an interval means. Stores nothing."""

    action = "describe"
    # Shows only what it is sent.
    for_bound = True
    roles = {"describe": Role.VIEWER}

    @extend_schema(
        tags=["cron"],
        summary="Describe an expression",
        request=DescribeInput,
        responses=DescribeOutput,
        parameters=READING,
    )
    def post(self, request: Request) -> Response:
        """The expression in plain words, its next occurrences, how often it runs, what each backend would install, and
        warnings.
        """
        asked = DescribeInput(data=request.data)
        asked.is_valid(raise_exception=True)
        given, reading = asked.validated_data, reading_of(request)
        options: dict[str, Any] = {"count": given["count"], "now": timezone.now(), **reading}
        if "cron" in given:
            found = review_cron(given["cron"], given["timezone"], **options)
        else:
            found = review_every(given["every"], given["timezone"], **options)
        return in_language(Response(DescribeOutput(found, context=reading).data), reading["language"])


class _Count(StrictSerializer):
    """How many next occurrences for each schedule."""

    count = Whole(default=3, min_value=0, max_value=MOST_NEXT)


class ReviewView(APIView):
    """A whole crontab, or all schedules, in plain words. Stores nothing and runs nothing."""

    action = "review"
    # Its schedules come through the door.
    for_bound = True
    roles = {"review": Role.VIEWER}
    parser_classes = [BoundedJSONParser, CrontabParser]
    renderer_classes = [JSONRenderer, TableRenderer, CsvRenderer]

    @extend_schema(
        tags=["cron"],
        summary="Review a whole crontab",
        request={"application/json": ReviewInput, "text/plain": OpenApiTypes.STR},
        responses=_REPORTS,
        parameters=[
            *READING,
            OpenApiParameter("form", str, enum=FORMS, description="For a text/plain body."),
            OpenApiParameter("timezone", str, description="For a text/plain body."),
            OpenApiParameter("count", int, description="For a text/plain body."),
        ],
    )
    def post(self, request: Request) -> Response:
        """For each line: plain words, the environment, the next occurrences, warnings and errors. Also the minutes at
        which many lines start.
        """
        asked = ReviewInput(data=request.data)
        asked.is_valid(raise_exception=True)
        given, reading = asked.validated_data, reading_of(request)
        report = of_crontab(
            given["crontab"],
            form=_form(given["form"]),
            timezone=given["timezone"],
            users=user_names(),
            options=ReportOptions(count=given["count"], **reading),
            now=timezone.now(),
        )
        return _answer(request, report, reading["language"])

    @extend_schema(
        operation_id="cron_review_schedules",
        tags=["cron"],
        summary="Review all schedules",
        responses=_REPORTS,
        parameters=[*READING, _COUNT],
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """The same report for the first 10,000 schedules, by id."""
        given = request.query_params.get("count", "3")
        asked = _Count(data={"count": int(given) if given.isdecimal() and len(given) < 4 else given})
        asked.is_valid(raise_exception=True)
        reading = reading_of(request)
        wanted = ReportOptions(count=asked.validated_data["count"], **reading)
        report = of_schedules(queries.schedules().order_by("pk").iterator(), options=wanted, now=timezone.now())
        return _answer(request, report, reading["language"])


class ImportView(APIView):
    """Turns crontab lines into schedules, if TANDEM_CRON_IMPORT allows their commands. Commands are never run."""

    action = "import"
    # As above. The crontab of a machine is refused below.
    for_bound = True
    roles = {"import": Role.ADMIN}

    @extend_schema(
        tags=["cron"],
        summary="Adopt lines of a crontab",
        request=ImportInput,
        responses=AdoptedOutput,
        parameters=READING[:1],
    )
    @write()
    def post(self, request: Request) -> Response:
        """Makes a schedule of each line whose command the setting TANDEM_CRON_IMPORT allows. With `dry_run` (the
        default) it only shows what would happen. With `comment_out` it first writes a backup of the crontab.
        """
        given, language = read(ImportInput(data=request.data)), language_of(request)
        if given["installed"] and not owners.unbound():
            raise PermissionDenied("The crontab of a machine belongs to no owner: send the text as `crontab`.")
        dry_run = given["dry_run"] or asks_dry_run(request)
        now, table = timezone.now(), foreign_table() if given["installed"] else None
        report = of_crontab(
            given["crontab"] if table is None else table.read(),
            form=_form(given["form"]),
            timezone=given.get("timezone", "UTC" if table is None else table.zone()),
            users=user_names(),
            options=ReportOptions(count=0, language=language),
            now=now,
        )
        options: dict[str, Any] = {"only": given.get("lines"), "backend": given["backend"], "language": language}
        if dry_run:
            adopted = adoption.plan(report, now=now, **options)
        else:
            adopted = adoption.apply(report, comment_out=table if given["comment_out"] else None, now=now, **options)
        return in_language(Response(AdoptedOutput(adopted, context={"dry_run": dry_run}).data), language)


def _form(asked: str) -> Form | None:
    """The form that was asked for; None for `auto`."""
    return "user" if asked == "user" else "system" if asked == "system" else None


def _answer(request: Request, report: Report, language: str) -> Response:
    """The response: JSON members, or the report itself, from which the other renderers make their text."""
    as_json = isinstance(request.accepted_renderer, JSONRenderer)
    return in_language(Response(report_members(report, language) if as_json else report), language)
