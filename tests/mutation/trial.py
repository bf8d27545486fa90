"""Runs tests with mutations, in processes of their own."""

from __future__ import annotations

import importlib.abc
import importlib.util
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Final

import pytest

from tests.mutation.forks import Forks
from tests.mutation.mutations import Mutation

# For the fork server, so that no trial has to import them: large, and nothing of this project.
_PRELOAD: Final = (
    "_pytest.config", "celery.app", "celery.beat", "django.contrib.admin", "django.db.models", "django.test",
    "hypothesis", "kombu", "pydantic", "pytest", "pytest_django.plugin", "redis", "rest_framework", "xdist.plugin",
    __name__,
)  # fmt: skip
# Every start counts: no table is migrated, and nobody reads what an assertion would say.
_OPTIONS: Final = (
    "-x", "-q", "--no-migrations", "--assert=plain", "-p", "no:randomly", "-p", "no:cacheprovider",
    "-m", "not live and not drill",
)  # fmt: skip


class _Mistaken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, whose text is another than that of its file."""

    def __init__(self, module: str, text: str) -> None:
        self._module, self._text = module, text

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._text, "<mutation>", "exec"), vars(module))  # noqa: S102 - that is what a module is


def exit_code(file: str, text: str | None, tests: Sequence[str], longest: float) -> int | None:
    """pytest's, of tests with `text` in the place of `file`; negative where they do not end in `longest` seconds."""
    with _process(_alone, file, text, tests) as process:
        process.join(longest)
        if process.is_alive():
            process.kill()
        process.join()
        return process.exitcode


def answers(found: Sequence[Mutation], tests: Sequence[str]) -> Iterator[bool | None]:
    """What `Forks` answers to each mutation, as it comes. Raises ValueError where a test fails without."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    with _process(_in_forks, found, tests, writer):
        writer.close()
        try:
            failed = reader.recv()
        except EOFError as exc:
            raise ValueError(f"These tests do not start: pytest {' '.join(tests)}") from exc
        if failed:
            raise ValueError(f"These tests must pass without a mutation: {' '.join(failed)}")
        yield from (reader.recv() for _ in found)


@contextmanager
def _process(target: Callable[..., None], *arguments: object) -> Iterator[BaseProcess]:
    """A process that runs `target` with a folder for what its tests leave behind, and with `arguments`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOAD))
    # What is ended in the middle cleans nothing up.
    with tempfile.TemporaryDirectory(prefix="tandem-mutate-") as folder:
        process = context.Process(target=target, args=(folder, *arguments))
        process.start()
        try:
            yield process
        finally:
            process.kill()
            process.join()


def _alone(folder: str, file: str, text: str | None, tests: Sequence[str]) -> None:
    _prepare(folder)
    if text is not None:
        sys.meta_path.insert(0, _Mistaken(file.removesuffix(".py").replace("/", "."), text))
    sys.exit(pytest.main([*_OPTIONS, *tests]))


def _in_forks(folder: str, found: Sequence[Mutation], tests: Sequence[str], writer: Connection) -> None:
    _prepare(folder)
    sys.exit(pytest.main([*_OPTIONS, *tests], plugins=[Forks(found, writer)]))


def _prepare(folder: str) -> None:
    """Everything that tests write goes to `folder`, and what they print to nowhere."""
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    # A test run above this one has a folder of its own: see settings/test.py.
    os.environ.pop("TANDEM_TEST_OWNER", None)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
