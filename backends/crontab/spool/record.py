"""How is a run written down? One JSON object a line, with its checksum: beginning, log, end. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from django.core import serializers
from django.core.serializers.base import DeserializationError

from scheduling.models import Schedule
from scheduling.spooled_run import EndedRun, LoggedLine, Progress, RunEnd, SpooledRun, StartedRun

_TIME: Final = "%Y%m%dT%H%M%SZ"


def name_of(schedule_id: int, due_at: datetime) -> str:
    """The name of the file of an occurrence. That it exists says that the occurrence was begun."""
    return f"{schedule_id}-{due_at.astimezone(UTC).strftime(_TIME)}"


def occurrence_of(name: str) -> tuple[int, datetime] | None:
    """The schedule's id and the time in such a name; None for any other name."""
    schedule_id, _, at = name.partition("-")
    try:
        found = int(schedule_id), datetime.strptime(at, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if name == name_of(*found) else None


def of_start(started: StartedRun) -> bytes:
    """The line of the beginning."""
    values = asdict(started) | {"schedule": dump([started.schedule])}
    return _line("started", values)


def of_line(line: LoggedLine) -> bytes:
    """The line of a line that the job logged."""
    return _line("line", asdict(line))


def of_end(ended: EndedRun) -> bytes:
    """The line of the end."""
    return _line("ended", asdict(ended))


def read(name: str, content: bytes) -> SpooledRun:
    """The run that a file is about. Never raises: a line that is torn or damaged counts as not written.

    The name must be one of `name_of`.
    """
    found = occurrence_of(name)
    if found is None:
        raise ValueError(f"{name!r} is not the name of a run.")
    schedule_id, due_at = found
    parts = list(_parts(content))
    started = next((each for each in parts if isinstance(each, StartedRun)), None)
    ended = next((each for each in parts if isinstance(each, EndedRun)), None)
    if started is not None and started.schedule.pk != schedule_id:
        started = None
    return SpooledRun(
        schedule_id, due_at, started, tuple(each for each in parts if isinstance(each, LoggedLine)), ended
    )


def dump(schedules: Iterable[Schedule]) -> str:
    """Schedules as text, every field of them."""
    return str(serializers.serialize("json", schedules))


def load(text: str) -> list[Schedule]:
    """The schedules in a text of `dump`. Raises DeserializationError for anything else. Asks no database."""
    found = [each.object for each in serializers.deserialize("json", text)]
    return [each for each in found if isinstance(each, Schedule)]


def _parts(content: bytes) -> Iterable[StartedRun | LoggedLine | EndedRun]:
    # What follows the last line break was not written to its end.
    for line in content.split(b"\n")[:-1]:
        try:
            checksum, _, text = line.partition(b" ")
            if checksum != _checksum(text):
                continue
            [(kind, values)] = json.loads(text).items()
            yield _READERS[kind](values)
        except (ValueError, KeyError, TypeError, AttributeError, DeserializationError):
            # Torn by a crash, or by a disk that was full. What can be read still counts.
            continue


def _started(values: dict[str, Any]) -> StartedRun:
    [schedule] = load(values["schedule"])
    at = datetime.fromisoformat(values["started_at"])
    int(values["run_id"], 16)
    return StartedRun(**{**values, "schedule": schedule, "started_at": at})


def _logged(values: dict[str, Any]) -> LoggedLine:
    return LoggedLine(**{**values, "at": datetime.fromisoformat(values["at"])})


def _ended(values: dict[str, Any]) -> EndedRun:
    progress = values.get("progress")
    return EndedRun(
        **{
            **values,
            "how": RunEnd(values["how"]),
            "finished_at": datetime.fromisoformat(values["finished_at"]),
            "progress": None if progress is None else Progress(**progress),
        }
    )


_READERS: Final[dict[str, Any]] = {"started": _started, "line": _logged, "ended": _ended}


def _line(kind: str, values: dict[str, Any]) -> bytes:
    text = json.dumps({kind: values}, default=datetime.isoformat).encode("ascii")
    return _checksum(text) + b" " + text + b"\n"


def _checksum(text: bytes) -> bytes:
    return b"%08x" % zlib.crc32(text)
