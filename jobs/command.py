"""`command.run`: run a command that the settings name."""

import os
import time
from collections.abc import Iterator
from typing import Annotated, Final

from django.conf import settings
from pydantic import Field

from jobs import process
from jobs.commands import parsed
from jobs.errors import TimedOut
from scheduling.errors import Problem, TandemError
from scheduling.job_context import JobContext
from scheduling.registry import job
from scheduling.storable import Json, storable_text

# Of each stream: a result is stored, and shown.
_MOST_BYTES: Final = 100_000
# Characters of stderr in the error of a command that failed: its end, which says why.
_MOST_SHOWN: Final = 2000
# Commands do not get the worker's own environment: it holds the passwords of the database and of the broker.
_ENVIRONMENT: Final = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"}


class CommandFailed(TandemError):
    """The command ended with an exit code other than 0, or a signal ended it."""

    code = "command_failed"


def as_configured(*, command: str, arguments: dict[str, str] | None, **_: object) -> Iterator[Problem]:
    """Problems: the setting TANDEM_COMMANDS has no such command, or does not allow these arguments."""
    commands = parsed(settings.TANDEM_COMMANDS)
    if command not in commands:
        known = ", ".join(sorted(commands)) or "none, see the setting TANDEM_COMMANDS"
        yield Problem("command", "unknown_command", f"There is no such command. Known commands: {known}.")
        return
    yield from commands[command].problems(arguments or {})


@job("command.run", rule=as_configured, give_up_on=(process.NotStarted,))
def run(
    context: JobContext,
    *,
    command: Annotated[str, Field(max_length=100, description="The command's name in the setting TANDEM_COMMANDS.")],
    arguments: Annotated[dict[str, str] | None, Field(description="Its arguments by name.")] = None,
    timeout: Annotated[
        float | None,
        Field(gt=0, le=86_400, description="Seconds it may take. It only counts where it is less than the setting's."),
    ] = None,
) -> dict[str, Json]:
    """Run a command that the settings name, without a shell.

    The setting TANDEM_COMMANDS defines the program, its folder and environment, and the arguments that are allowed.
    Returns `exit_code` (0), `output`, `errors` (the command's stderr), `cut` and `elapsed_ms`. Of `output` and `errors`
    100,000 bytes each are kept; `cut` is true if any of them is missing. If the command takes too long, or its task is
    cancelled, its whole process group gets SIGTERM, and SIGKILL 5 seconds later.

    Raises CommandFailed for an exit code other than 0, TimedOut, Cancelled and NotStarted.
    """
    started = time.perf_counter()
    context.progress(0, 1, f"Running {command}")
    ended = _ended(context, command, arguments or {}, timeout)
    context.log.info("%s ended with %d", command, ended.code)
    if ended.code != 0:
        raise CommandFailed(f"{command} {_ending(ended.code)}: {_text(ended.errors)[-_MOST_SHOWN:].strip()}")
    context.progress(1, 1, "Done")
    return {
        "exit_code": ended.code,
        "output": _text(ended.output),
        "errors": _text(ended.errors),
        "cut": ended.cut,
        "elapsed_ms": round((time.perf_counter() - started) * 1000),
    }


def _ended(
    context: JobContext, command: str, arguments: dict[str, str], timeout: float | None
) -> process.ProgramResult:
    called = parsed(settings.TANDEM_COMMANDS)[command]
    try:
        return process.run(
            called.filled(arguments),
            env=_ENVIRONMENT | called.env,
            cwd=called.cwd,
            timeout=min(called.timeout, timeout or called.timeout),
            cancelled=lambda: context.cancelled,
            most_bytes=_MOST_BYTES,
        )
    except TimedOut as exc:
        raise TimedOut(f"{command}: {exc.detail}") from exc


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _text(written: bytes) -> str:
    return storable_text(written.decode("utf-8", "replace"))
