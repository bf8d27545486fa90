"""The engine against the verdict of the real Debian cron (tests/vectors, described in their own keys)."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import repeat
from operator import sub
from pathlib import Path
from typing import Any

import pytest

from scheduling.errors import InvalidTrigger
from scheduling.timing import Cron

FOLDER = Path(__file__).parents[2] / "vectors"
UTC_TABLE = json.loads(gzip.decompress((FOLDER / "cron_vectors.json.gz").read_bytes()))
CHANGES = json.loads((FOLDER / "dst_vectors.json").read_text())["vectors"]
CATEGORIES = sorted({vector["cat"] for vector in UTC_TABLE["vectors"]})


def fired(expression: str, zone: str, start: str, minutes: int) -> list[int]:
    begin = datetime.fromisoformat(start)
    end = begin + timedelta(minutes=minutes - 1)
    moments = Cron.parse(expression, zone).occurrences(begin - timedelta(seconds=1), end)
    # There are millions: a division of timedeltas, or a generator, would take twice as long.
    since = map(sub, moments, repeat(begin))
    return [gap.days * 1440 + gap.seconds // 60 for gap in since]


def agrees(got: list[int], listed: list[int] | Mapping[str, Any]) -> bool:
    if isinstance(listed, list):
        return got == listed
    # The numbers with commas between; written one by one they would take twice as long.
    digest = hashlib.sha256(str(got)[1:-1].replace(" ", "").encode()).hexdigest()
    return (len(got), digest) == (listed["n"], listed["sha256"])


def to_accept(vector: Mapping[str, Any]) -> bool:
    tags = vector.get("tags", [])
    return (vector["portable"] or "macro" in tags) and "never_fires" not in tags


@pytest.mark.parametrize("category", CATEGORIES)
def test_portable_expressions_fire_exactly_as_on_debian_cron(category: str) -> None:
    vectors = [vector for vector in UTC_TABLE["vectors"] if vector["cat"] == category and to_accept(vector)]
    for vector in vectors:
        cron = Cron.parse(vector["expr"])
        assert (cron.wildcard, not cron.either_day) == (vector["wildcard"], vector["day_and"]), vector["expr"]
        for name, listed in vector["fires"].items():
            window = UTC_TABLE["windows"][name]
            got = fired(vector["expr"], "UTC", window["start"], window["minutes"])
            assert agrees(got, listed), (vector["expr"], name)


@pytest.mark.parametrize("vector", [vector for vector in UTC_TABLE["vectors"] if not to_accept(vector)])
def test_everything_else_is_refused_with_a_message(vector: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        Cron.parse(vector["expr"])
    assert refused.value.field in {"expression", "minute", "hour", "day-of-month", "month", "day-of-week"}
    assert refused.value.detail.isprintable()
    assert len(refused.value.detail) < 300


@pytest.mark.parametrize("zone", sorted({vector["zone"] for vector in CHANGES}))
def test_clock_changes_are_handled_as_by_debian_cron(zone: str) -> None:
    for vector in CHANGES:
        if vector["zone"] == zone:
            got = fired(vector["expr"], zone, vector["start"], vector["minutes"])
            assert got == sorted(set(vector["fires"])), (vector["expr"], vector["transition"])
