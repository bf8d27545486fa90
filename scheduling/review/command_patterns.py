"""Matches the command of a crontab line against an allowed command. Pure: nothing is expanded and nothing is run.

A pattern is a command whose words may hold placeholders: `curl -fsS {url}`. A command matches when the shell would
pass exactly these words to the program and do nothing else: no second command, no expansion, and no redirection except
to /dev/null.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from scheduling import text_template
from scheduling.text_template import PLACEHOLDER

# These redirections are ignored: the ledger keeps the output of a job anyway.
_OUTPUT_DISCARDED: Final = re.compile(r"(?:\s+(?:(?:[12]|&)?>{1,2}\s*/dev/null|2>&1))+\s*$")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"$`\\!]*\"")
# Characters that make the shell do more than pass words: operators, expansions, comments, escapes, home directories.
_SHELL_SYNTAX: Final = re.compile(r"[;|&<>()$`\\*?\[\]{}~#!\n\r\"']")


def match(pattern: str, command: str) -> dict[str, str] | None:
    """The values of the placeholders of `pattern` in `command`; None when the command does not match.

    A command that is exactly the pattern always matches. Raises ValueError for a pattern or a command that no shell can
    read.
    """
    if command == pattern:
        return {}
    wanted, given = _words(pattern, plain=False), _words(command, plain=True)
    if given is None or wanted is None or len(wanted) != len(given):
        return None
    found: dict[str, str] = {}
    for form, word in zip(wanted, given, strict=True):
        matched = _word(form).fullmatch(word)
        if matched is None:
            return None
        for name, value in matched.groupdict().items():
            if found.setdefault(name, value) != value:
                return None
    return found


def filled(template: object, values: Mapping[str, str]) -> object:
    """A JSON value with each `{name}` in its texts replaced by its value. Names that are not in `values` stay."""
    match template:
        case str():
            return text_template.filled(template, values)
        case list():
            return [filled(item, values) for item in template]
        case dict():
            return {key: filled(item, values) for key, item in template.items()}
        case _:
            return template


def _words(command: str, *, plain: bool) -> list[str] | None:
    bare = _OUTPUT_DISCARDED.sub("", command)
    if plain and _SHELL_SYNTAX.search(_QUOTED.sub("", bare)):
        return None
    words = shlex.split(bare)
    # NAME=value before a command is shell syntax too.
    return None if plain and words and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", words[0]) else words


@lru_cache(maxsize=256)
def _word(form: str) -> re.Pattern[str]:
    """A word of a pattern as a regular expression. A placeholder that occurs twice must have the same value twice."""
    parts, end, seen = [], 0, set[str]()
    for found in PLACEHOLDER.finditer(form):
        parts.append(re.escape(form[end : found.start()]))
        name = found[1]
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
        seen.add(name)
        end = found.end()
    return re.compile("".join([*parts, re.escape(form[end:])]), re.DOTALL)
