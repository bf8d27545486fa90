"""`demo.process_data`: a job that does no work, for trying out schedules, progress and cancellation."""

import time
from typing import Annotated

from pydantic import Field

from scheduling.job_context import JobContext
from scheduling.registry import job
from scheduling.storable import Json


@job("demo.process_data")
def process_data(
    context: JobContext,
    *,
    steps: Annotated[int, Field(ge=1, le=1000, description="How many steps to go through.")] = 5,
    pause: Annotated[float, Field(ge=0, le=60, description="Seconds to wait in each step.")] = 0,
) -> dict[str, Json]:
    """Go through some steps and report each one.

    Returns `{"message": "Data processed successfully"}`. If the task is cancelled, the job stops before its next step
    and returns a message with the number of steps done.
    """
    for done in range(steps):
        if context.cancelled:
            return {"message": f"Cancelled after {done} of {steps} steps"}
        time.sleep(pause)
        context.progress(done + 1, steps, f"Step {done + 1} of {steps}")
    return {"message": "Data processed successfully"}
