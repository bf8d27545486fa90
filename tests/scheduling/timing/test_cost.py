"""What a look at the clock of a zone costs, in files that are read and in questions to zoneinfo; never in time."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import _lru_cache_wrapper

import pytest

from scheduling import timing
from scheduling.timing import Cron, zones
from scheduling.timing.dst import stretches
from scheduling.timing.zones import Zone

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
# Imports of the domain's ground that a parse does not need. Beat and each wake-up of a cron would wait for them.
HEAVY = {"django", "celery", "kombu", "tzdata.zoneinfo", "asyncio", "hypothesis", "json", "urllib.request"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions to zoneinfo, while a test runs on empty caches."""
    found: list[str] = []
    for method in ("utcoffset", "fromutc", "dst"):
        monkeypatch.setattr(Zone, method, lambda *_, name=method: found.append(name))
    for cache in caches():
        cache.cache_clear()
    return found


def caches() -> Iterator[_lru_cache_wrapper[object]]:
    for module in pkgutil.iter_modules(timing.__path__, "scheduling.timing."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, _lru_cache_wrapper) and value.__module__ == module.name:
                yield value


@pytest.mark.parametrize("expression", ["*/5 * * * *", "0 9 * * 1-5", "30 2 29 3 *", "0 0 29 2 *"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Africa/Casablanca", "Australia/Lord_Howe"])
def test_parse_and_next_read_one_file_and_probe_nothing(asked: list[str], expression: str, zone: str) -> None:
    assert Cron.parse(expression, zone).next(NOON) is not None
    assert asked == []
    assert zones._read.cache_info().misses == 1
    assert stretches.cache_info().misses <= 2


def test_every_cache_has_a_bound() -> None:
    sizes = {cache.__name__: cache.cache_parameters()["maxsize"] for cache in caches()}
    assert {"stretches", "parse_field", "_parse", "_read"} <= sizes.keys()
    assert [name for name, size in sizes.items() if not size] == []


def test_the_engine_imports_nothing_heavy() -> None:
    program = "import sys, scheduling.timing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())
