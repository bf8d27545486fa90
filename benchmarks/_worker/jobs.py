"""The job that Tandem's side of benchmarks/worker.py runs."""

from scheduling.job_context import JobContext
from scheduling.registry import job


@job("bench.nothing")
def nothing(context: JobContext) -> None:
    """Do nothing."""
