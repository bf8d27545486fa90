"""Which values must nobody see? `{"$secret": "shop-token"}` in parameters stands for one, until its job is called.

A value comes from the setting TANDEM_SECRETS (variables TANDEM_SECRET_SHOP_TOKEN, read at the start), from the file of
this name in the folder TANDEM_SECRETS_DIR (read each time, so that it may be exchanged), or from the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

from django.conf import settings

from scheduling.errors import Problem, TandemError, escaped
from scheduling.likely_secrets import MASK
from scheduling.storable import Json

MEMBER: Final = "$secret"
# A shorter one could not be masked: it would occur in ordinary words.
SHORTEST: Final = 6
# A secret is a line or a key. No more is read of its file, which may be a wrong one.
MOST_BYTES: Final = 65_536
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
WHAT_TO_WRITE: Final = 'Write {"$secret": "NAME"}, with a name of lower-case letters, digits and dashes.'

# The values that jobs of this process use just now, with how often each is used.
_used: Final[dict[str, int]] = {}


class MissingSecret(TandemError):
    """A secret is not there."""

    code = "missing_secret"


class HiddenFailure(TandemError):
    """A job that was given secrets has failed. The message is masked, and nothing else of the failure is kept."""

    code = "hidden_failure"


@dataclass(frozen=True, slots=True)
class Opened:
    """Parameters with the values in place of the names of secrets. `problems` are those of names without a value."""

    parameters: Any
    values: tuple[str, ...]
    problems: tuple[Problem, ...]

    def complete(self) -> Any:
        """The parameters. Raises MissingSecret where a secret is not there."""
        if self.problems:
            raise MissingSecret("; ".join(one.detail for one in self.problems))
        return self.parameters


def names() -> list[str]:
    """The secrets that there are here, in order."""
    return list(sources())


def sources() -> dict[str, str]:
    """The secrets that there are here, by name, each with where its value comes from: `setting`, `file`, `database`."""
    folder = _folder()
    files = (one.name for one in folder.iterdir() if one.is_file()) if folder and folder.is_dir() else ()
    found = dict.fromkeys(_names_stored(), "database")
    found |= {name: "file" for name in files if NAME.fullmatch(name)}
    found |= dict.fromkeys(settings.TANDEM_SECRETS, "setting")
    return dict(sorted(found.items()))


def names_in(parameters: Any) -> set[str]:
    """The names of the secrets that these parameters ask for, whether they are here or not. Pure."""
    if isinstance(parameters, list):
        return {name for inner in parameters for name in names_in(inner)}
    if not isinstance(parameters, Mapping):
        return set()
    if isinstance(name := parameters.get(MEMBER), str):
        return {name}
    return {name for inner in parameters.values() for name in names_in(inner)}


def opened(parameters: Any) -> Opened:
    """The parameters of a task with the values of its secrets. Never to be stored, logged or shown."""
    values: list[str] = []
    problems: list[Problem] = []
    return Opened(_filled(parameters, "parameters", values, problems), tuple(values), tuple(problems))


@contextmanager
def hiding(values: Iterable[str]) -> Iterator[None]:
    """Inside of the block `hidden` masks these values, in all threads of this process."""
    shown = {form for value in values for form in _forms(value)}
    for form in shown:
        _used[form] = _used.get(form, 0) + 1
    try:
        yield
    finally:
        for form in shown:
            _used[form] -= 1
            if not _used[form]:
                del _used[form]


def hidden(text: str) -> str:
    """The text with each secret that is used just now masked."""
    if not _used:
        return text
    # The longest first: one may be a part of another one.
    for form in sorted(_used, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def hidden_value(value: Json) -> Json:
    """A JSON value with each secret that is used just now masked, in the names of members too."""
    match value:
        case str():
            return hidden(value)
        case list():
            return [hidden_value(inner) for inner in value] if _used else value
        case dict():
            return {hidden(name): hidden_value(inner) for name, inner in value.items()} if _used else value
    return value


def hidden_error(exc: Exception, message: str) -> Exception:
    """What may be told of an exception: itself where no secret is used, else only the masked `message`.

    What listens to Celery's failures may show the local variables of each frame of a traceback.
    """
    return HiddenFailure(message) if _used else exc


def _filled(value: Any, where: str, values: list[str], problems: list[Problem]) -> Any:
    if isinstance(value, list):
        return [_filled(inner, f"{where}.{place}", values, problems) for place, inner in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if MEMBER not in value:
        return {name: _filled(inner, f"{where}.{escaped(name)}", values, problems) for name, inner in value.items()}
    name = value[MEMBER]
    if len(value) > 1 or not isinstance(name, str) or not NAME.fullmatch(name):
        problems.append(Problem(where, "not_a_secret", WHAT_TO_WRITE))
        return value
    try:
        found = _value(name)
    except MissingSecret as exc:
        problems.append(Problem(where, "unknown_secret", exc.detail))
        return value
    values.append(found)
    return found


def _value(name: str) -> str:
    """The value of a secret. Raises MissingSecret, which says what to do."""
    value = settings.TANDEM_SECRETS.get(name) or _content(name) or _stored(name)
    if value is None:
        variable = f"TANDEM_SECRET_{name.upper().replace('-', '_')}"
        instead = f"set {variable}, put a file into TANDEM_SECRETS_DIR, or store it with manage.py secret set"
        raise MissingSecret(f"There is no secret {name} here: {instead}.")
    if len(value) < SHORTEST:
        raise MissingSecret(f"The secret {name} has fewer than {SHORTEST} characters, and could not be masked.")
    return str(value)


def _content(name: str) -> str | None:
    """The text of the file of this name, without white space around it; None where there is none."""
    folder = _folder()
    if folder is None:
        return None
    try:
        with (folder / name).open(encoding="utf-8") as file:
            return file.read(MOST_BYTES).strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as exc:
        raise MissingSecret(f"The file of the secret {name} cannot be read ({type(exc).__name__}).") from exc


def _stored(name: str) -> str | None:
    """The value that the database keeps; None where it keeps none."""
    from scheduling import stored_secrets  # noqa: PLC0415 - settings load this module before there are models

    try:
        return stored_secrets.value(name)
    except stored_secrets.Unopened as exc:
        raise MissingSecret(exc.detail) from exc


def _names_stored() -> list[str]:
    """The names that the database keeps values of. Without keys it keeps none, and is not asked."""
    if not settings.TANDEM_SECRET_KEYS:
        return []
    from scheduling import stored_secrets  # noqa: PLC0415 - as above

    return stored_secrets.names()


def _folder() -> Path | None:
    return Path(settings.TANDEM_SECRETS_DIR) if settings.TANDEM_SECRETS_DIR else None


def _forms(value: str) -> set[str]:
    """How a value may stand in a text: as it is, in a URL, in JSON, and in Python's repr."""
    return {value, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
