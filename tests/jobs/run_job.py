"""Run a job as a worker does."""

from __future__ import annotations

from typing import Any

from scheduling.registry import definition
from scheduling.storable import problem_with
from tests.jobs.contexts import Recorder


def run_job(name: str, recorder: Recorder | None = None, **parameters: Any) -> dict[str, Any]:
    """The job's result, which the ledger must be able to keep."""
    result = definition(name).run((recorder or Recorder()).context, parameters)
    assert isinstance(result, dict)
    assert problem_with(result, most_bytes=1_000_000) == ""
    return result
