"""What is asked about an expression, and the answer."""

from rest_framework import serializers

from api.fields import StrictSerializer, Text, Whole
from api.schedules.serializers import OccurrenceOutput
from scheduling.review import MOST_NEXT, OnBackend, Review


class DescribeInput(StrictSerializer):
    """An expression and the zone it is meant in."""

    cron = Text(trim_whitespace=False, max_length=10_000)
    timezone = Text(default="UTC", max_length=64)
    count = Whole(default=5, min_value=1, max_value=MOST_NEXT)


class OnBackendOutput(serializers.Serializer[OnBackend]):
    """What a backend would install; the schedule's number shows as 0."""

    backend = serializers.CharField()
    entries = serializers.ListField(child=serializers.CharField())
    refused_because = serializers.ListField(child=serializers.CharField())


class DescribeOutput(serializers.Serializer[Review]):
    """An expression, read."""

    expression = serializers.CharField()
    timezone = serializers.CharField()
    words = serializers.CharField()
    next_occurrences = OccurrenceOutput(many=True)
    backends = OnBackendOutput(many=True)
    tzdata = serializers.CharField()
