"""Template tags of the dashboard's parts: times, statuses, strips of outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.readable import LOOKS, duration, relative
from dashboard.timeline.window import WIDTH
from scheduling import clock
from scheduling.errors import InvalidTrigger
from scheduling.models import AuditEntry, Task
from scheduling.outcomes import Outcome
from scheduling.timing import zone

register = template.Library()

# Marks of a strip that say when it was, if one points at them: what did not go well.
_TOLD: Final = {"bad", "warn"}
# Subjects of the audit log that have a page of their own, under this name.
_PAGES: Final = {"schedule", "task", "workflow"}
# What is shown where there is no value: a dash.
NOTHING: Final = "\N{EN DASH}"


@register.simple_tag
def when(at: datetime | None, empty: str = NOTHING) -> str | SafeString:
    """A time as a <time> element: relative to now, with the absolute time in UTC as its title."""
    if at is None:
        return empty
    text = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return format_html(
        '<time datetime="{}" title="{}" class="nowrap">{}</time>', at.isoformat(), text, relative(at, clock.estimate())
    )


@register.simple_tag
def moment(at: datetime | None) -> str | SafeString:
    """A time in UTC as digits, and how far it is from now; a dash where there is none."""
    if at is None:
        return NOTHING
    return format_html(
        '<span class="mono nowrap">{}</span> UTC <span class="soft">{}</span>', f"{at:%Y-%m-%d %H:%M:%S}", when(at)
    )


@register.filter
def lasted(span: timedelta | None) -> str:
    """A duration as people read it; a dash where there is none."""
    return NOTHING if span is None else duration(span)


@register.filter
def seconds(number: int) -> str:
    """A number of seconds as people read it."""
    return duration(timedelta(seconds=number))


@register.simple_tag
def ran(task: Task) -> str:
    """How long a task ran, or runs already; a dash where it has not started."""
    if task.started_at is None:
        return NOTHING
    return duration((task.finished_at or clock.estimate()) - task.started_at)


@register.simple_tag
def span(start: datetime, end: datetime) -> str:
    """The time between two instants, as people read it."""
    return duration(end - start)


@register.inclusion_tag("dashboard/parts/status.html")
def status(value: str) -> dict[str, Any]:
    """The badge of a task's status: a word, an icon and a colour."""
    return {"look": LOOKS[value], "value": value}


@register.inclusion_tag("dashboard/parts/strip.html")
def strip(outcomes: Sequence[Outcome], places: int = 20) -> dict[str, Any]:
    """The latest outcomes as a strip of marks, oldest first, the newest at the right."""
    looks = [LOOKS[outcome.status] for outcome in outcomes]
    free = places - len(looks)
    marks = [
        (f"M{7 * (free + index)} {18 - look.height}h5v{look.height}h-5z", look, outcome)
        for index, (look, outcome) in enumerate(zip(looks, outcomes, strict=True))
    ]
    # What went well is one path for all: a page of fifty strips stays small.
    paths: dict[str, str] = {"mark-none": "".join(f"M{7 * index} 15h5v3h-5z" for index in range(free))}
    for path, look, _ in marks:
        if look.tone not in _TOLD:
            name = f"mark-{look.tone}{' mark-hollow' if look.hollow else ''}"
            paths[name] = paths.get(name, "") + path
    words = [look.word.lower() for look in looks]
    counted = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    return {
        "paths": [(name, path) for name, path in paths.items() if path],
        "told": [mark for mark in marks if mark[1].tone in _TOLD],
        "width": 7 * places,
        "said": f"Last {len(looks)}: {counted}" if looks else "No runs yet",
    }


@register.simple_tag(takes_context=True)
def query(context: Any, **changes: Any) -> str:
    """The query of the present address with these parameters changed; an empty value takes a parameter out."""
    found = {name: values for name, values in context["request"].GET.lists() if name not in changes}
    for name, value in changes.items():
        if value not in {None, ""}:
            found[name] = [str(value)]
    return f"?{urlencode(found, doseq=True)}"


@register.filter
def of(found: Mapping[str, Any] | str, name: str) -> Any:
    """The value of a dictionary by a name that a template works out; empty where it has none, or is not there."""
    return found.get(name, "") if isinstance(found, Mapping) else ""


@register.filter
def split(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


@register.simple_tag
def local(at: datetime, timezone: str) -> str:
    """An instant in the zone of a schedule; in UTC where this machine does not know the zone."""
    try:
        return own_zone(at.astimezone(zone(timezone)))
    except InvalidTrigger:
        return f"{at:%a %Y-%m-%d %H:%M} UTC"


@register.filter
def own_zone(at: datetime) -> str:
    """A time in the zone that it has. Django's `date` would turn it into UTC."""
    return f"{at:%a %Y-%m-%d %H:%M:%S}" if at.second else f"{at:%a %Y-%m-%d %H:%M}"


@register.filter
def words(name: str) -> str:
    """A name of the API as words: `would_create` as `would create`."""
    return name.replace("_", " ")


@register.simple_tag
def share(place: int, places: int) -> str:
    """Where a column begins across a picture, as a share of its width."""
    return f"{100 * place / places:.2f}%"


@register.simple_tag
def from_top(height: int, of_bar: float) -> str:
    """Where a bar that stands on a line at `height` begins."""
    return f"{height - of_bar:.1f}"


@register.simple_tag
def page_named(name: str) -> str:
    """The address of a page of the dashboard, by a name that a template gets."""
    return reverse(f"dashboard:{name}")


@register.simple_tag
def actor_of(entry: AuditEntry) -> str:
    """Who made a change: the user, and the token or the part of Tandem that acted."""
    actor = entry.actor
    if actor is None:
        return "Tandem"
    through = f"token {actor.token}" if actor.token else "" if actor.kind == "user" else actor.kind
    return f"{actor.user} ({through})" if actor.user and through else actor.user or through


@register.simple_tag
def subject_of(entry: AuditEntry) -> str | SafeString:
    """What was changed, as a link to its page where it has one."""
    name = entry.name or entry.subject_id
    if entry.subject not in _PAGES or not entry.subject_id.isdecimal():
        return name
    address = reverse(f"dashboard:{entry.subject}", args=[int(entry.subject_id)])
    return format_html('<a href="{}">{}</a>', address, name)


@register.filter
def percent(x: float) -> str:
    """A place across a timeline as a share of its width."""
    return f"{100 * x / WIDTH:g}%"
