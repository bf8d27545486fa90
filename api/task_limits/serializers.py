"""How is a limit of tasks shown?"""

from __future__ import annotations

from rest_framework import serializers

from api.fields import Instant
from scheduling.limit_states import LimitState


class TaskLimitOutput(serializers.Serializer[LimitState]):
    """A limit, and the tasks under it that may be seen."""

    target = serializers.CharField(help_text="job:NAME, queue:NAME, key:NAME, or key:* for each key of its own.")
    concurrency = serializers.IntegerField(
        source="limit.concurrency", allow_null=True, help_text="How many may run at once; null: any number."
    )
    rate = serializers.CharField(source="limit.rate", help_text="How many may start: 10/m; empty: any number.")
    burst = serializers.IntegerField(
        source="limit.burst", allow_null=True, help_text="How many may start at once; null: as many as the rate says."
    )
    running = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="How many are queued and have no place.")
    next_look_at = Instant(
        source="look_at", allow_null=True, help_text="When the rate lets the next one start; null: when one ends."
    )
