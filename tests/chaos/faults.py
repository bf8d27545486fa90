"""What happens to the stack: which fault, to whom and for how long follows from the seed alone."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.chaos.databases import Database, send
from tests.chaos.stack import FULL_DISK, Stack
from tests.live.broker_faults import Broker

# A fault lasts from an instant to longer than the silence after which an attempt counts as lost.
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 28.0
# A clock that is stepped is wrong by at most so much.
_MOST_SHIFT: Final = 90

Fault = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A fault, and how long it lasts."""

    name: str
    seconds: float
    fault: Fault


class Faults:
    """All faults of a stack, its broker and its database."""

    def __init__(self, stack: Stack, broker: Broker, database: Database, only: str, without: str) -> None:
        self._stack = stack
        self._all: dict[str, Fault] = {**database.faults(), **_of_broker(broker)}
        for name in stack.commands:
            self._all |= self._of_process(name)
        self._all = {
            name: fault
            for name, fault in self._all.items()
            if only in name and not any(word in name for word in without.split(",") if word)
        }

    def choose(self, chance: random.Random) -> Chosen:
        """One of them, each kind as likely as the others."""
        kinds: dict[str, list[str]] = {}
        for name in sorted(self._all):
            # The clock is one kind, however far it is stepped.
            kinds.setdefault(name.split(" ", 1)[1].partition(" by ")[0], []).append(name)
        name = chance.choice(kinds[chance.choice(sorted(kinds))])
        return Chosen(name, round(chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS), 1), self._all[name])

    def _of_process(self, name: str) -> dict[str, Fault]:
        found: dict[str, Fault] = {
            f"{name} killed": partial(self._killed, name),
            f"{name} stopped": partial(self._stopped, name, pool=False),
            f"{name} without room for its log": partial(self._replaced, name, full=True),
        }
        for shift in (-_MOST_SHIFT, -7, 7, _MOST_SHIFT):
            found[f"{name} clock stepped by {shift} s"] = partial(self._replaced, name, shift=shift)
        if name.startswith("worker"):
            found[f"{name} child killed"] = partial(self._child_killed, name)
            found[f"{name} stopped with its children"] = partial(self._stopped, name, pool=True)
        return found

    @contextmanager
    def _killed(self, name: str) -> Iterator[None]:
        """Only the process itself: the children of a worker are left alone until it is started again."""
        send(self._stack.pid(name), signal.SIGKILL)
        yield
        self._stack.start(name)

    @contextmanager
    def _child_killed(self, name: str) -> Iterator[None]:
        for pid in self._stack.pool(name)[:1]:
            send(pid, signal.SIGKILL)
        yield

    @contextmanager
    def _stopped(self, name: str, *, pool: bool) -> Iterator[None]:
        pids = [self._stack.pid(name), *(self._stack.pool(name) if pool else [])]
        for pid in pids:
            send(pid, signal.SIGSTOP)
        yield
        for pid in pids:
            send(pid, signal.SIGCONT)

    @contextmanager
    def _replaced(self, name: str, *, full: bool = False, shift: float = 0.0) -> Iterator[None]:
        self._stack.start(name, log=FULL_DISK if full else None, shift=shift)
        yield
        self._stack.start(name)


def _of_broker(broker: Broker) -> dict[str, Fault]:
    @contextmanager
    def emptied() -> Iterator[None]:
        broker.empty()
        yield

    return {
        "broker killed": partial(broker.killed, keeps_data=True),
        "broker killed and its data lost": partial(broker.killed, keeps_data=False),
        "broker hangs": broker.hung,
        "broker full": broker.full,
        "broker emptied": emptied,
    }
