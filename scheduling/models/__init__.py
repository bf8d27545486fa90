"""The ledger's tables: fields, constraints and indexes; what may happen to a row is decided in `scheduling.ledger`."""

from scheduling.models.event import TaskEvent
from scheduling.models.execution import OnLost
from scheduling.models.host import Host
from scheduling.models.line import TaskLine
from scheduling.models.schedule import CatchUp, Overlap, Schedule, SyncState
from scheduling.models.task import Task, TaskAttempt
from scheduling.models.workflow import Workflow, WorkflowNode

__all__ = [
    "CatchUp",
    "Host",
    "OnLost",
    "Overlap",
    "Schedule",
    "SyncState",
    "Task",
    "TaskAttempt",
    "TaskEvent",
    "TaskLine",
    "Workflow",
    "WorkflowNode",
]
