"""How is a report sent as text for people, and as CSV for spreadsheets?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

from scheduling.review.formats import comma_separated, table
from scheduling.review.report import Report


class _ReportRenderer(BaseRenderer):
    """Renders the Report that a view returns. An error is rendered as JSON, as its content type says."""

    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if not isinstance(data, Report):
            return bytes(JSONRenderer().render(data))
        return self.text(data).encode()

    @abstractmethod
    def text(self, report: Report) -> str:
        """The report as text."""


class TableRenderer(_ReportRenderer):
    """Plain text, at most 100 characters wide."""

    media_type = "text/plain"
    format = "txt"

    def text(self, report: Report) -> str:
        return table(report)


class CsvRenderer(_ReportRenderer):
    """CSV (RFC 4180)."""

    media_type = "text/csv"
    format = "csv"

    def text(self, report: Report) -> str:
        return comma_separated(report)
