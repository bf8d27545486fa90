"""When schedules are due: triggers, their occurrences, and time zones. Nothing here reads a clock."""

from __future__ import annotations

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.fields import Field
from scheduling.timing.planned import Planned
from scheduling.timing.zones import clock_zone, known_zones, tzdata_version, zone

Trigger = Cron | Every

__all__ = ["Cron", "Every", "Field", "Planned", "Trigger", "clock_zone", "known_zones", "tzdata_version", "zone"]
