"""`manage.py probe worker|beat|agent`: does the loop of this container's process come round? Loads nothing of Django.

A health check runs it every few seconds, and Django's start alone costs several times what the answer costs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

from scheduling.rounds import FOLDER, STANDS_STILL_SECONDS, Round, last_rounds, stands_still

KINDS: Final = ("worker", "beat", "agent")


def main(words: Sequence[str]) -> int:
    """Write one line that says how it is. Returns 0 if all is well, else 1 (what Docker and Kubernetes ask for).

    `words` are those after `probe`. TANDEM_VAR must be what the process has.
    """
    well, line = answer(words, var=os.environ.get("TANDEM_VAR") or _default_var())
    sys.stdout.write(f"{line}\n")
    return 0 if well else 1


def answer(words: Sequence[str], *, var: str, still_after: float = STANDS_STILL_SECONDS) -> tuple[bool, str]:
    """Whether it is well, and the line that says why. A loop hangs that stood still for `still_after` seconds."""
    if len(words) != 1 or words[0] not in KINDS:
        return False, f"Write one of: {', '.join(KINDS)}."
    [kind] = words
    folder = os.path.join(os.path.expanduser(var), FOLDER)
    try:
        found = last_rounds(folder, kind)
    except FileNotFoundError:
        found = []
    except OSError as exc:
        return False, f"{folder} cannot be read ({exc.strerror}): run the probe as the user of the {kind}."
    if not found:
        return False, f"No {kind} runs that writes into {folder}."
    still = [each for each in found if stands_still(each.seconds, still_after)]
    if still:
        return False, f"{kind} hangs: its loop last came round {_listed(still)}."
    return True, f"{kind} is well: its loop came round {_listed(found)}."


def _listed(rounds: Sequence[Round]) -> str:
    return ", ".join(f"{each.seconds:.1f} s ago (process {each.pid})" for each in rounds)


def _default_var() -> str:
    """As settings/base.py has it."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "var")
