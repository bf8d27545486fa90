"""Which secrets does the database keep, and how are they sealed?

A value is sealed by Fernet (https://github.com/fernet/spec) together with its name, so that a row that is given another
name does not open. The first key of TANDEM_SECRET_KEYS seals, and all of them open. cryptography is loaded only where a
secret is sealed or opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError

from scheduling.errors import Conflict, TandemError
from scheduling.models import StoredSecret

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class NoSecretKeys(Conflict):
    """TANDEM_SECRET_KEYS is not set, so the database keeps no secrets: set it in all processes."""

    code = "no_secret_keys"


class Unopened(TandemError):
    """A stored secret cannot be read. The message names no value."""

    code = "missing_secret"


def names() -> list[str]:
    """The names of the stored secrets, in order."""
    return list(StoredSecret.objects.order_by("pk").values_list("pk", flat=True))


def value(name: str) -> str | None:
    """The value of a stored secret; None where there is none. Raises Unopened.

    Without TANDEM_SECRET_KEYS nothing is stored, and the database is not asked.
    """
    if not settings.TANDEM_SECRET_KEYS:
        return None
    try:
        row = StoredSecret.objects.filter(pk=name).first()
    except (OperationalError, InterfaceError) as exc:
        raise Unopened(f"The secret {name} cannot be read: the database does not answer.") from exc
    return opened(row) if row is not None else None


def sealed(name: str, value: str) -> str:
    """The value as it is stored under this name. Raises NoSecretKeys."""
    return _keys().encrypt(f"{name}\n{value}".encode()).decode("ascii")


def opened(row: StoredSecret) -> str:
    """The value of the row. Raises Unopened where no key fits, or the row had another name; NoSecretKeys."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - see above

    try:
        name, _, value = _keys().decrypt(row.sealed).decode().partition("\n")
    except InvalidToken:
        name, value = "", ""
    if name != row.name:
        said = f"The secret {row.name} cannot be opened: no key of TANDEM_SECRET_KEYS fits, or its row was changed."
        raise Unopened(said)
    return value


def unopened() -> list[str]:
    """The stored secrets that cannot be opened here, in order."""
    return [row.name for row in StoredSecret.objects.order_by("pk") if not _opens(row)]


def _opens(row: StoredSecret) -> bool:
    try:
        opened(row)
    except (Unopened, NoSecretKeys):
        return False
    return True


def _keys() -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - see above

    keys: list[Any] = settings.TANDEM_SECRET_KEYS
    if not keys:
        raise NoSecretKeys
    return MultiFernet([Fernet(key) for key in keys])
