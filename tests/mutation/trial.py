"""One mutation, tried in a process of its own: its module is imported with the mistake, and tests run on it."""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

import pytest

# For the fork server, so that no trial has to import them: large, and nothing of this project.
PRELOAD: Final = (
    "_pytest.config", "celery.app", "celery.beat", "django.contrib.admin", "django.db.models", "django.test",
    "hypothesis", "kombu", "pydantic", "pytest", "pytest_django.plugin", "redis", "rest_framework", "xdist.plugin",
    __name__,
)  # fmt: skip
# Every start counts: no table is migrated, and nobody reads what an assertion would say.
OPTIONS: Final = (
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


def trial(file: str, text: str | None, tests: Sequence[str], folder: str) -> None:
    """Run tests with `text` in the place of `file`, up to the first that fails. Ends the process with pytest's code.

    What the tests leave behind lies in `folder`.
    """
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    # A test run above this one has a folder of its own: see settings/test.py.
    os.environ.pop("TANDEM_TEST_OWNER", None)
    if text is not None:
        sys.meta_path.insert(0, _Mistaken(file.removesuffix(".py").replace("/", "."), text))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    sys.exit(pytest.main([*OPTIONS, *tests]))
