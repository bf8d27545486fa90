"""What a crontab line runs first: it asks the agent of this machine to decide what is due, and else does it itself.

A program of the standard library alone, run with `python -I -S`: a wake-up must not cost a start of Django.

    ask_agent.py FOLDER COMMAND [WORD ...] -- [ARGUMENT ...]

FOLDER is where the agent's socket is. If the arguments are `due` and an agent says that it is done, that is all. Else
this process becomes COMMAND with the words and the arguments.
"""

import _socket  # `socket` itself takes as much CPU as all the rest here
import fcntl
import os
import struct
import sys
import time

# A living agent greets within this. One that hangs must not hold a wake-up.
GREETING_SECONDS = 0.05
# A decision takes milliseconds, and longer where the database is slow or many tasks are due.
ANSWER_SECONDS = 10.0
# A process that decides by itself takes seconds on a busy machine. One that hangs must not hold the next ones for ever.
TURN_SECONDS = 60.0
SOCKET = "socket"
GREETING = b"?"
DONE = b"."
# This many processes decide by themselves at once, on a machine without an agent: one decides, one waits to look again.
_TURN, _NEXT = "turn", "next"


def main() -> None:
    """Ask the agent, or become the command. Raises OSError if the command cannot be started."""
    folder, *rest = sys.argv[1:]
    at = rest.index("--")
    command, arguments = rest[:at], rest[at + 1 :]
    if arguments == ["due"]:
        if is_own(folder) and decided_by_agent(folder):
            return
        if is_own(folder) and not is_our_turn(folder):
            return
    os.execv(command[0], [*command, *arguments])  # noqa: S606 - the command that the wrapper names; no shell


def decided_by_agent(folder: str) -> bool:
    """Whether an agent of this user has decided what is due since we asked."""
    agent = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    before = os.getcwd()  # noqa: PTH109 - pathlib costs CPU, too
    try:
        # The path of a socket has at most 107 bytes (unix(7)); its name alone always fits.
        os.chdir(folder)
        agent.settimeout(GREETING_SECONDS)
        agent.connect(SOCKET)
        if uid_of_peer(agent) != os.getuid() or agent.recv(1) != GREETING:
            return False
        agent.settimeout(ANSWER_SECONDS)
        return agent.recv(1) == DONE
    except OSError:
        # No agent, or one that hangs: the caller decides by itself.
        return False
    finally:
        os.chdir(before)
        agent.close()


def is_our_turn(folder: str) -> bool:
    """Wait for the turn to decide. False if another process waits already: it will look after us, at all that is due.

    The turn is a lock that the command inherits, and gives back (backends.crontab.turn) or loses at its end.
    """
    try:
        turn, following = (os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT, 0o600) for name in (_TURN, _NEXT))
    except OSError:
        # For example, the disk is read-only. The ledger admits any number of deciders.
        return True
    if not _locked(following):
        return False
    deadline = time.monotonic() + TURN_SECONDS
    while not _locked(turn) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.close(following)
    os.set_inheritable(turn, True)  # noqa: FBT003 - it takes no names
    os.environ["TANDEM_TURN"] = str(turn)
    return True


def is_own(folder: str) -> bool:
    """Whether only this user may write to the folder: nobody else can have put a socket there."""
    try:
        found = os.stat(folder)  # noqa: PTH116 - as above
    except OSError:
        return False
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def uid_of_peer(connected: _socket.socket) -> int:
    """The user of the process at the other end; -1 where the system does not say (not Linux)."""
    option = getattr(_socket, "SO_PEERCRED", None)
    if option is None:
        return -1
    _pid, uid, _gid = struct.unpack("3i", connected.getsockopt(_socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return int(uid)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
