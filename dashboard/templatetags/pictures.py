"""Template tags of the drawn parts: boxes of a graph, results as a folding tree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from typing import Any, Final

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.readable import LOOKS, duration
from dashboard.workflows.graph import Place
from scheduling.outcomes import Outcome

register = template.Library()

# The line of durations: units from one run to the next, so that twenty fit below a strip.
_STEP: Final = 3
# Its height: less than a line of small text.
_TALL: Final = 12
# Fewer runs show no trend.
_FEWEST: Final = 6
# By so much the newer half must differ from the older one: less is chance.
_DIFFERS: Final = 0.25


@register.inclusion_tag("dashboard/parts/trend.html")
def trend(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How long the latest runs took: their median, a line from the oldest to the newest, and in a word how it goes."""
    spans = [each.lasted.total_seconds() for each in outcomes if each.lasted is not None]
    if not spans:
        return {}
    top = max(spans) or 1.0
    points = [f"{_STEP * number} {_TALL - _TALL * span / top:.0f}" for number, span in enumerate(spans)]
    middle = len(spans) // 2
    older, newer = (median(half) for half in (spans[:middle] or spans, spans[middle:]))
    said = "longer" if newer > older * (1 + _DIFFERS) else "shorter" if newer < older * (1 - _DIFFERS) else "steady"
    return {
        "median": duration(timedelta(seconds=median(spans))),
        "path": f"M{'L'.join(points)}" if len(spans) >= _FEWEST else "",
        "width": _STEP * (len(spans) - 1),
        "tall": _TALL,
        "said": said if len(spans) >= _FEWEST else "",
    }


@register.simple_tag
def graph_box(place: Place, width: int, height: int, fitting: int) -> SafeString:
    """A task of a graph: a link to its page, with its name, its status as a word, and a mark of the status' shape."""
    node, look = place.node, LOOKS[place.node["status"]]
    name = str(node["name"] or node.get("job", ""))
    shown = name if len(name) <= fitting else name[: fitting - 1] + "\N{HORIZONTAL ELLIPSIS}"
    hollow = " mark-hollow" if look.hollow else ""
    inside = format_html(
        '<title>{}: {}</title><rect class="box" width="{}" height="{}" rx="8"/>'
        '<rect class="mark-{}{}" x="10" y="{}" width="6" height="{}" rx="1.500"/>'
        '<text class="name" x="26" y="22">{}</text><text class="tick" x="26" y="40">{}</text>',
        name, look.word, width, height, look.tone, hollow, 34 - 1.2 * look.height, 1.2 * look.height, shown, look.word,
    )  # fmt: skip
    at = f"translate({place.x:g} {place.y:g})"
    if node.get("task") is None:
        return format_html('<g transform="{}">{}</g>', at, inside)
    address = reverse("dashboard:task", args=[node["task"]])
    return format_html('<a href="{}" transform="{}" class="task-box">{}</a>', address, at, inside)
