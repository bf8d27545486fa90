"""The one error of the development stack."""

from __future__ import annotations

from scheduling.errors import TandemError


class StackError(TandemError):
    """The development stack cannot go on."""

    code = "stack"
