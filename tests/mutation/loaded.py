"""Puts a mutation into the functions of a module that is loaded already."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType


def name_of(code: CodeType) -> str:
    """The name that a mutation gives its place, for a code object: `Class.method`, `function.inner`."""
    return code.co_qualname.replace(".<locals>", "")


class Loaded:
    """The functions and methods of one module, as they were loaded from its file at `path`."""

    def __init__(self, path: str, source: str) -> None:
        """`source` is the text without a mutation, in the lines in which the mutations come."""
        self._path = path
        self._before = dict(_codes(compile(source, path, "exec")))
        self._functions: dict[str, list[FunctionType]] = {}
        for found in gc.get_objects():
            if isinstance(found, FunctionType) and found.__code__.co_filename == path:
                self._functions.setdefault(found.__qualname__, []).append(found)

    def changed(self, text: str) -> Mapping[FunctionType, CodeType]:
        """The functions that `text` changes, with the code that it gives them.

        Empty where it changes what runs when the module is loaded: then it must be loaded anew.
        """
        after = dict(_codes(compile(text, self._path, "exec")))
        changes = {}
        for name, code in self._before.items():
            if name in after and after[name] != code:
                functions = self._functions.get(name, [])
                if len(functions) != 1 or len(functions[0].__code__.co_freevars) != len(after[name].co_freevars):
                    return {}
                changes[functions[0]] = after[name]
        return changes


def _codes(module: CodeType) -> Iterator[tuple[str, CodeType]]:
    """Every function and method, with its qualified name, but those that stand in another function."""
    for code in module.co_consts:
        if isinstance(code, CodeType):
            if code.co_flags & inspect.CO_OPTIMIZED:
                yield code.co_qualname, code
            else:
                yield from _codes(code)
