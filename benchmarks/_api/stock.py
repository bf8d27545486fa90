"""A plain viewset over PeriodicTask, and a plain view that sends a task: what a team writes first."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from django.urls import include, path
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")

app = Celery("stock", broker=os.environ["BROKER_URL"])
app.conf.task_default_queue = "stock"


@app.task(name="bench.nothing", ignore_result=True)
def nothing() -> None:
    """Do nothing."""


class CrontabField(serializers.ModelSerializer[CrontabSchedule]):
    """The fields of a crontab; one that is there is used again, as the admin does."""

    timezone = serializers.CharField(default="UTC")

    class Meta:
        model = CrontabSchedule
        fields = FIELDS


class PeriodicTaskSerializer(serializers.ModelSerializer[PeriodicTask]):
    """A PeriodicTask with its crontab."""

    crontab = CrontabField()

    class Meta:
        model = PeriodicTask
        exclude = ("interval", "solar", "clocked")

    def create(self, validated_data: dict[str, Any]) -> PeriodicTask:
        crontab, _ = CrontabSchedule.objects.get_or_create(**validated_data.pop("crontab"))
        return PeriodicTask.objects.create(crontab=crontab, **validated_data)

    def update(self, instance: PeriodicTask, validated_data: dict[str, Any]) -> PeriodicTask:
        if "crontab" in validated_data:
            validated_data["crontab"], _ = CrontabSchedule.objects.get_or_create(**validated_data["crontab"])
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save()
        return instance


class PeriodicTaskViewSet(ModelViewSet[PeriodicTask]):
    """List, get, create, change."""

    queryset = PeriodicTask.objects.select_related("crontab").order_by("-id")
    serializer_class = PeriodicTaskSerializer


class SendView(APIView):
    """Send a task."""

    def post(self, _: Request) -> Response:
        sent = nothing.apply_async()
        return Response({"id": sent.id}, status=status.HTTP_201_CREATED)


router = DefaultRouter()
router.register("schedules", PeriodicTaskViewSet)
urlpatterns = [path("api/tasks/", SendView.as_view()), path("api/", include(router.urls))]
