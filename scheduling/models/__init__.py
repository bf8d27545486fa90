"""The ledger's tables: fields, constraints and indexes. `scheduling.ledger` decides what may happen to a row."""

from scheduling.models.actor import Actor
from scheduling.models.audit_entry import AuditEntry
from scheduling.models.drift import DriftRecord, DriftSchedule
from scheduling.models.event import TaskEvent
from scheduling.models.execution_options import OnLost
from scheduling.models.host import Host
from scheduling.models.lateness import LatenessBucket
from scheduling.models.log_line import TaskLogLine
from scheduling.models.process import Process
from scheduling.models.replanned_schedule import ReplannedSchedule
from scheduling.models.schedule import CatchUp, DatabaseAway, OnHostLost, Overlap, Schedule, SyncState
from scheduling.models.statistic import Statistic, StatisticsPosition
from scheduling.models.stored_secret import StoredSecret
from scheduling.models.tag_set import TagInSet, TagSet
from scheduling.models.task import Task, TaskAttempt
from scheduling.models.task_limit import TaskLimit
from scheduling.models.workflow import NodeKind, NodeRole, Workflow, WorkflowNode

__all__ = [
    "Actor",
    "AuditEntry",
    "CatchUp",
    "DatabaseAway",
    "DriftRecord",
    "DriftSchedule",
    "Host",
    "LatenessBucket",
    "NodeKind",
    "NodeRole",
    "OnHostLost",
    "OnLost",
    "Overlap",
    "Process",
    "ReplannedSchedule",
    "Schedule",
    "Statistic",
    "StatisticsPosition",
    "StoredSecret",
    "SyncState",
    "TagInSet",
    "TagSet",
    "Task",
    "TaskAttempt",
    "TaskEvent",
    "TaskLimit",
    "TaskLogLine",
    "Workflow",
    "WorkflowNode",
]
