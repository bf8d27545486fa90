"""How is a job shown?"""

from typing import Any

from rest_framework import serializers

from scheduling.registry import JobDefinition


class JobOutput(serializers.Serializer[Any]):
    """A job that a task or schedule can run."""

    name = serializers.CharField()
    summary = serializers.CharField()
    description = serializers.CharField()
    parameters = serializers.SerializerMethodField(help_text="The JSON Schema of the parameters.")

    def get_parameters(self, job: JobDefinition) -> dict[str, Any]:
        return job.schema()
