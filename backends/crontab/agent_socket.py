"""Where wake-ups reach the agent of this machine: a Unix socket, answered once what is due has been decided."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import queue
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from backends.crontab import ask_agent
from scheduling.errors import BackendError

log = logging.getLogger(__name__)

# A schedule on each of some hundred lines may be due in one minute; the kernel bounds it further (listen(2)).
BACKLOG: Final = 1024
# Errors of accept(2) after which the socket is as before: there is no room in the process or the machine, or the asker
# has gone.
_PASSING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED})
# Until the next try: the decision on those who were greeted frees their files.
_PAUSE_SECONDS: Final = 0.1


def folder() -> Path:
    """The folder of the socket and its locks."""
    return Path(settings.VAR) / "agent"


def make_folder() -> None:
    """Make the folder, for this user alone. Raises BackendError if that cannot be, or if somebody else owns it."""
    try:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder().lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise BackendError(f"{folder()} is not a folder of this user: delete it, or choose another TANDEM_VAR.")
        folder().chmod(0o700)
    except OSError as exc:
        raise BackendError(f"{folder()} cannot be made: {exc.strerror}.") from exc


@contextmanager
def bound() -> Iterator[socket.socket]:
    """The listening socket, held by one living process. A socket that a killed one left is replaced.

    Call it before the process has threads: it changes the working directory for a moment. Raises BackendError if
    another agent lives.
    """
    make_folder()
    with (folder() / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise BackendError("Another agent of this machine runs already.") from exc
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            _bind(listening)
            try:
                yield listening
            finally:
                (folder() / ask_agent.SOCKET).unlink(missing_ok=True)
                # Otherwise a thread that waits for askers would go on waiting.
                listening.shutdown(socket.SHUT_RDWR)


def _bind(listening: socket.socket) -> None:
    before, mask = Path.cwd(), os.umask(0o177)
    try:
        # The path of a socket has at most 107 bytes (unix(7)); its name alone always fits.
        os.chdir(folder())
        Path(ask_agent.SOCKET).unlink(missing_ok=True)
        listening.bind(ask_agent.SOCKET)
        listening.listen(BACKLOG)
    finally:
        os.chdir(before)
        os.umask(mask)


class WakeUpServer:
    """Has `decide` called after each wake-up, in a thread of its own. Wake-ups that come meanwhile share the next call.

    Each asker is greeted at once by a second thread, so that a slow decision does not look like a dead agent. An asker
    that gets no answer decides by itself; for a wake-up of our own process that failed, `undecided` is called.
    """

    def __init__(
        self, listening: socket.socket, decide: Callable[[], None], *, undecided: Callable[[], None] | None = None
    ) -> None:
        self._listening = listening
        self._decide = decide
        self._undecided = undecided
        self._asking: queue.SimpleQueue[socket.socket | None] = queue.SimpleQueue()
        for work in (self._keep_greeting, self._keep_deciding):
            threading.Thread(target=work, name=work.__name__.strip("_"), daemon=True).start()

    def wake(self) -> None:
        """A wake-up of our own process."""
        self._asking.put(None)

    def _keep_greeting(self) -> None:
        while True:
            try:
                asker, _ = self._listening.accept()
            except OSError as exc:
                if exc.errno not in _PASSING:
                    # The agent stops, and has closed its socket.
                    return
                log.warning("a wake-up cannot be greeted yet: %s", exc.strerror)
                time.sleep(_PAUSE_SECONDS)
                continue
            if ask_agent.uid_of_peer(asker) == os.getuid() and _sent(asker, ask_agent.GREETING):
                self._asking.put(asker)
            else:
                asker.close()

    def _keep_deciding(self) -> None:
        while True:
            askers = [self._asking.get()]
            while not self._asking.empty():
                askers.append(self._asking.get())
            done = self._decided()
            for asker in filter(None, askers):
                # Whoever gets no answer decides by itself.
                if done:
                    _sent(asker, ask_agent.DONE)
                asker.close()
            if not done and None in askers and self._undecided is not None:
                self._undecided()

    def _decided(self) -> bool:
        try:
            self._decide()
        except (DatabaseError, InterfaceError) as exc:
            log.warning("what is due cannot be decided: %s", str(exc).strip())
            connection.close()
        except ChildProcessError as exc:
            log.error("what was decided cannot be started: %s", exc)  # noqa: TRY400 - the reason is enough
        except Exception:
            # Without this thread no wake-up would be answered any more.
            log.exception("what is due cannot be decided")
        else:
            connection.close_if_unusable_or_obsolete()
            return True
        return False


def _sent(asker: socket.socket, word: bytes) -> bool:
    with suppress(OSError):
        asker.sendall(word)
        return True
    return False
