"""The worker of the tests of workflows."""

from __future__ import annotations

from tests.scheduling.workflows.conftest import worker

__all__ = ["worker"]
