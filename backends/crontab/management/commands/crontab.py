"""`manage.py crontab`: see our block in this machine's crontab, take it out, put it back, and find the kept tables."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backends.crontab import installation, kept_tables
from backends.crontab.backend import CrontabBackend
from backends.crontab.block import Fault, split
from backends.crontab.targets import Target
from backends.crontab.writer import Writer
from scheduling.errors import TandemError


class Command(BaseCommand):
    """Every refusal is an error with its reason and what to do."""

    help = "Shows Tandem's lines in this machine's crontab, takes them out, or lists the tables that were kept."
    # Those of the settings. Others load every page and view, which this has no use for.
    requires_system_checks = ("tandem",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the four verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("show", help="print our block as it is, and how it differs from what it should be")
        uninstall = verbs.add_parser("uninstall", help="take our block out; it stays out until `install`")
        uninstall.add_argument("--yes", action="store_true", help="do not ask")
        verbs.add_parser("install", help="put our block back after `uninstall`")
        kept = verbs.add_parser("kept", help="list the last tables that were replaced")
        kept.add_argument("--show", metavar="NAME", help="print the bytes of one of them")

    def handle(self, *_: object, verb: str, yes: bool = False, show: str | None = None, **__: object) -> None:
        try:
            if verb == "kept":
                self._kept(show)
            elif verb == "show":
                self._show(self._target())
            elif verb == "uninstall":
                self._uninstall(self._target(), ask=not yes)
            else:
                self._install(self._target())
        except TandemError as exc:
            raise CommandError(exc.detail) from exc

    def _target(self) -> Target:
        target = CrontabBackend().target()
        if target is None:
            raise CommandError("This machine has no crontab (TANDEM_CRONTAB is none).")
        return target

    def _show(self, target: Target) -> None:
        wanted = CrontabBackend().block(target)
        parts = split(target.read(), installation.owner(target), known=wanted)
        self.stdout.write(f"The block in {target.describe()}:\n\n{_text(parts.block) or 'There is none.'}")
        if parts.block == wanted and not parts.faults:
            self.stdout.write("It is as it should be.")
            return
        for line in _differences(parts.block, wanted, parts.faults):
            self.stdout.write(line)

    def _uninstall(self, target: Target, *, ask: bool) -> None:
        if ask:
            question = f"Take Tandem's lines out of {target.describe()}? Nothing wakes its schedules then. [y/N] "
            if _answer(question) not in {"y", "yes"}:
                raise CommandError("Nothing was changed: answer y, or write --yes.")
        changed = Writer(target, Path(settings.VAR)).uninstall(installation.owner(target))
        what = "Tandem's lines were taken out" if changed else "There were no lines of Tandem"
        self.stdout.write(f"{what}. They stay out until `manage.py crontab install`.")

    def _install(self, target: Target) -> None:
        Writer(target, Path(settings.VAR)).allow()
        changed = CrontabBackend().mend(target)
        self.stdout.write("Tandem's lines were written." if changed else "The crontab is as it should be.")

    def _kept(self, name: str | None) -> None:
        folder = Path(settings.VAR)
        if name is not None:
            # Bytes as they are: a table need not be UTF-8.
            sys.stdout.buffer.write(kept_tables.read(folder, name))
            sys.stdout.buffer.flush()
            return
        for kept in kept_tables.names(folder):
            self.stdout.write(str(folder / kept_tables.FOLDER / kept))


def _answer(question: str) -> str:
    try:
        return input(question).strip().lower()
    except EOFError:
        return ""


def _differences(present: bytes, wanted: bytes, faults: tuple[Fault, ...]) -> Iterator[str]:
    if faults:
        yield "What the next sync mends:"
        yield from (f"  {fault.kind}: {fault.text}" for fault in faults)
    yield from unified_diff(
        _text(present).splitlines(), _text(wanted).splitlines(), "as it is", "as it should be", lineterm=""
    )


def _text(block: bytes) -> str:
    return block.decode("utf-8", "backslashreplace")
