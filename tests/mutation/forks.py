"""Many mutations, each tried in a fork of one pytest process, which starts and collects only once.

A mutation inside of a function is put into the function that is loaded already, and only the tests that call it run:
first those that noticed the last mutations, then the quickest.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, Final

import pytest
from django.db import connection

from tests.mutation.loaded import Loaded, name_of
from tests.mutation.mutations import Mutation, unparsed

_FORK: Final = multiprocessing.get_context("fork")
# A mistake may make a loop endless: that is noticed as well. So many times longer than without it, and some seconds.
PATIENCE: Final = (5, 20)
# Seconds in which all tests must have run.
LONGEST: Final = 900


@dataclass(frozen=True, slots=True)
class _Test:
    """A test without a mutation: its place in the session, and the functions that it calls, each as file and name."""

    index: int
    seconds: float
    passed: bool
    calls: frozenset[tuple[str, str]]


class Forks:
    """A pytest plugin. In the place of the usual run, it runs each test once, and then tries each mutation.

    It sends to `answers` first the tests that do not pass without a mutation. Where there is none, one answer for each
    mutation follows, in order: whether a test notices it. None says that it cannot be tried here: the mutation is not
    inside of a function, or no test calls that function in this process.
    """

    def __init__(self, found: Sequence[Mutation], answers: Connection) -> None:
        self._found, self._answers = found, answers
        self._paths = {mutation.file: str(Path(mutation.file).resolve()) for mutation in found}
        self._tests: list[_Test] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Returns True: nothing is left to do for pytest."""
        # The first test with a database makes its tables, for all forks.
        for item in [item for item in session.items if item.get_closest_marker("django_db")][:1]:
            _passes(item)
        restore = _restorer()
        self._tests = _in_fork(lambda say: _measure(session, {*self._paths.values()}, say), LONGEST)
        passed = {test.index for test in self._tests if test.passed}
        self._answers.send([item.nodeid for index, item in enumerate(session.items) if index not in passed])
        if len(passed) < len(session.items):
            return True
        self._tests.sort(key=lambda test: test.seconds)
        loaded = {file: Loaded(path, unparsed(Path(path).read_text("utf-8"))) for file, path in self._paths.items()}
        for mutation in self._found:
            restore()
            self._answers.send(self._is_noticed(session, loaded[mutation.file].changed(mutation.text), mutation))
        return True

    def _is_noticed(
        self, session: pytest.Session, changes: Mapping[FunctionType, CodeType], mutation: Mutation
    ) -> bool | None:
        place = self._paths[mutation.file], mutation.function
        asked = [test for test in self._tests if place in test.calls]
        if not changes or not asked:
            return None

        def work(say: Callable[[object], None]) -> None:
            for function, code in changes.items():
                function.__code__ = code
            for test in asked:
                say(test)
                if not _passes(session.items[test.index]):
                    return
            say(None)

        longest = PATIENCE[0] * sum(test.seconds for test in asked) + PATIENCE[1]
        said: list[_Test | None] = _in_fork(work, longest)
        last_test = said[-1] if said else asked[0]
        if last_test is not None:
            self._tests.remove(last_test)
            self._tests.insert(0, last_test)
        return last_test is not None


def _measure(session: pytest.Session, paths: set[str], say: Callable[[object], None]) -> None:
    """Run each test, and say how it went, and what it called in the files at `paths`."""
    calls: set[tuple[str, str]] = set()

    def note(frame: FrameType, _event: str, _argument: object) -> None:
        if frame.f_code.co_filename in paths:
            calls.add((frame.f_code.co_filename, name_of(frame.f_code)))

    threading.settrace(note)
    for index, item in enumerate(session.items):
        calls.clear()
        before = time.monotonic()
        sys.settrace(note)
        passed = _passes(item)
        sys.settrace(None)
        say(_Test(index, time.monotonic() - before, passed, frozenset(calls)))


def _passes(item: pytest.Item) -> bool:
    """Run one test. What the session set up stays for the next one."""
    failed = item.session.testsfailed
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=item.session)
    return item.session.testsfailed == failed


def _restorer() -> Callable[[], None]:
    """Keeps the test database as it is now, with no connection to it; call the result to have it so again.

    A test that is ended in the middle leaves rows behind. Only of SQLite, whose database is a file.
    """
    connection.close()
    database = Path(str(connection.settings_dict["NAME"]))
    if not database.is_file():
        return lambda: None
    kept = database.with_suffix(".kept")
    shutil.copyfile(database, kept)

    def restore() -> None:
        for rest in ("-wal", "-shm"):
            database.with_name(database.name + rest).unlink(missing_ok=True)
        shutil.copyfile(kept, database)

    return restore


def _in_fork(work: Callable[[Callable[[object], None]], None], longest: float) -> list[Any]:
    """What `work` says in a fork of this process, up to its end or for so many seconds."""
    reader, writer = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=work, args=(writer.send,))
    process.start()
    writer.close()
    ends = time.monotonic() + longest
    said = []
    with suppress(EOFError):
        while reader.poll(max(0.0, ends - time.monotonic())):
            said.append(reader.recv())
    process.kill()
    process.join()
    return said
