"""Template tags of the drawn parts: boxes of a graph, results as a folding tree."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.readable import LOOKS
from dashboard.workflows.graph import Place

register = template.Library()


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
