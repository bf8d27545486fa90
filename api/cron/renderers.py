"""Reports for people and for spreadsheets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

from scheduling.review.formats import comma_separated, table
from scheduling.review.report import Report


class _ReportRenderer(BaseRenderer):
    """Renders the Report that a view answers with; an error stays the JSON that its content type says it is."""

    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if not isinstance(data, Report):
            return bytes(JSONRenderer().render(data))
        return self.text(data).encode()

    @abstractmethod
    def text(self, report: Report) -> str:
        """The body."""


class TableRenderer(_ReportRenderer):
    """Columns that fit a hundred cells."""

    media_type = "text/plain"
    format = "txt"

    def text(self, report: Report) -> str:
        return table(report)


class CsvRenderer(_ReportRenderer):
    """RFC 4180."""

    media_type = "text/csv"
    format = "csv"

    def text(self, report: Report) -> str:
        return comma_separated(report)
