"""What is done when a secret of the database is set, deleted or sealed anew. No value is logged, shown or told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from scheduling import actors, audit, stored_secrets
from scheduling.errors import Conflict, InvalidRequest, NotFound, Problem
from scheduling.models import Schedule, StoredSecret
from scheduling.secret_values import MOST_BYTES, NAME, SHORTEST, WHAT_TO_WRITE, names_in
from scheduling.storable import problem_with_text

# Of many schedules that use a secret, so many are named.
MOST_NAMED: Final = 10


class SecretInUse(Conflict):
    """Schedules use the secret."""

    code = "secret_in_use"


def put(name: str, value: str, *, now: datetime) -> StoredSecret:
    """Store a secret, new or in place of another value. Returns its row.

    Raises InvalidRequest, and stored_secrets.NoSecretKeys.
    """
    if problems := [*_problems(name, value)]:
        raise InvalidRequest(problems)
    given = {"sealed": stored_secrets.sealed(name, value), "changed_at": now, "changed_by": actors.current()}
    with transaction.atomic():
        row, is_new = StoredSecret.objects.update_or_create(name=name, defaults=given)
        audit.record(audit.Change("secret", name, "created" if is_new else "changed", name), now=now)
    return row


def delete(name: str, *, now: datetime, force: bool = False) -> list[int]:
    """Delete a stored secret. Returns the schedules that use it.

    Raises NotFound, and with schedules SecretInUse, which names them, unless it is to be done by `force`.
    """
    with transaction.atomic():
        row = StoredSecret.objects.select_for_update().filter(pk=name).first()
        if row is None:
            raise NotFound(f"The database keeps no secret {name[:64]}.")
        using = users_of(name)
        if using and not force:
            more = f" and {len(using) - MOST_NAMED} others" if len(using) > MOST_NAMED else ""
            shown = ", ".join(map(str, using[:MOST_NAMED]))
            raise SecretInUse(f"Schedules use the secret {name}: {shown}{more}. Change them, or delete it with force.")
        row.delete()
        audit.record(audit.Change("secret", name, "deleted", name), now=now)
    return using


def rotate(*, now: datetime) -> int:
    """Seal every stored secret with the first key. Returns their number; an older key is of no use then.

    Raises stored_secrets.Unopened where one cannot be opened, and changes nothing then.
    """
    with transaction.atomic():
        rows = list(StoredSecret.objects.select_for_update().order_by("pk"))
        for row in rows:
            row.sealed = stored_secrets.sealed(row.name, stored_secrets.opened(row))
        StoredSecret.objects.bulk_update(rows, ["sealed"], batch_size=500)
        audit.record(*(audit.Change("secret", row.name, "rotated", row.name) for row in rows), now=now)
    return len(rows)


def users_of(name: str) -> list[int]:
    """The schedules whose parameters name the secret, of all owners."""
    texts = Schedule.objects.alias(text=Cast("parameters", TextField()))
    rows = texts.filter(text__contains=f'"{name}"').order_by("pk").values_list("pk", "parameters")
    return [pk for pk, parameters in rows if name in names_in(parameters)]


def _problems(name: str, value: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield Problem("name", "not_a_secret", WHAT_TO_WRITE)
    if not SHORTEST <= len(value) <= MOST_BYTES:
        said = f"Write {SHORTEST} to {MOST_BYTES} characters: a shorter value could not be masked."
        yield Problem("value", "out_of_range", said)
    elif problem := problem_with_text(value):
        yield Problem("value", "not_storable", f"This {problem}.")
