"""The row that says who asks. Whatever is stored refers to such a row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Final

from django.db import transaction

from scheduling import caller
from scheduling.models import Actor

# Callers whose rows this process knows. A caller is small; those beyond this number are looked up again.
_MOST_KNOWN: Final = 10_000
_known: dict[str, Actor] = {}


def current() -> Actor | None:
    """The row of who asks, stored where it is new; None for Tandem itself. A caller is looked up once a process."""
    asking = caller.current()
    if asking is None:
        return None
    fields = {name: value for name, value in asdict(asking).items() if name != "access"}
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
    if digest in _known:
        return _known[digest]
    found = Actor.objects.get_or_create(digest=digest, defaults=fields)[0]
    # Only then: a transaction that is rolled back takes the row with it.
    transaction.on_commit(lambda: _remember(found))
    return found


def current_id() -> int | None:
    """The number of the row of who asks; None for Tandem itself."""
    found = current()
    return found.pk if found is not None else None


def forget() -> None:
    """Look everybody up again: for tests, whose database begins anew."""
    _known.clear()


def _remember(actor: Actor) -> None:
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[actor.digest] = actor
