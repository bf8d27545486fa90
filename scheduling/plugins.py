"""Loads the implementations that settings name by dotted path."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from scheduling.errors import Misconfigured, NotFound

T = TypeVar("T")


class Handlers(Generic[T]):
    """The implementations of one setting (`{name: dotted path}`). Each is created once, at its first use."""

    def __init__(self, setting: str, base: type[T]) -> None:
        self._setting = setting
        self._base = base
        self._made: dict[str, T] = {}
        setting_changed.connect(self._forget)

    def names(self) -> tuple[str, ...]:
        """The configured names, in the order of the setting."""
        return tuple(getattr(settings, self._setting))

    def get(self, name: str) -> T:
        """The implementation called `name`. Raises NotFound, or Misconfigured when its path does not lead to one."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> T:
        path = getattr(settings, self._setting).get(name)
        if path is None:
            raise NotFound(f"{self._setting} has no {name!r}: choose one of {', '.join(self.names())}.")
        try:
            made = import_string(path)()
        except ImportError as exc:
            raise Misconfigured(f"{self._setting}[{name!r}] names {path}, which cannot be imported: {exc}") from exc
        if not isinstance(made, self._base):
            raise Misconfigured(f"{self._setting}[{name!r}] names {path}, which is not a {self._base.__name__}.")
        return made

    def _forget(self, *, setting: str, **_: Any) -> None:
        if setting == self._setting:
            self._made.clear()
