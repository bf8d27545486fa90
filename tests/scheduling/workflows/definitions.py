"""What a request for a workflow says, written shortly."""

from __future__ import annotations

from typing import Any

Definition = dict[str, Any]


def leaf(name: str, value: object = None, **more: Any) -> Definition:
    """A member that returns `value`."""
    return {"job": "test.echo", "name": name, "parameters": {"value": value}, **more}


def broken(name: str, **more: Any) -> Definition:
    """A member that fails."""
    return {"job": "test.break", "name": name, **more}


def chain(name: str, *members: Definition, **more: Definition) -> Definition:
    """A chain with a name."""
    return {"name": name, "chain": list(members), **more}


def group(name: str, *members: Definition, **more: Definition) -> Definition:
    """A group with a name."""
    return {"name": name, "group": list(members), **more}


def chord(name: str, callback: Definition, *members: Definition, **more: Definition) -> Definition:
    """A chord with a name."""
    return {"name": name, "chord": {"group": list(members), "callback": callback}, **more}
