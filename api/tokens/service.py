"""How are tokens made, recognised and revoked?"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from api.limits.attempts import Allowance, count
from api.models import ApiToken
from api.permissions import ALL_SCOPES
from api.tokens import lookup
from scheduling import audit

log = logging.getLogger(__name__)

# Programs that look for leaked secrets recognise a token by this.
START: Final = "tandem_"
# Each character is one of 62: together 256 random bits.
RANDOM_CHARACTERS: Final = 43
# What is shown of a token: enough to tell two of them apart, and 208 bits stay unknown.
PREFIX_CHARACTERS: Final = len(START) + 8
# The longest life of a token, in days.
MOST_DAYS: Final = 3650
# "Last used" is written when the last time is older than this, so that reading does not become writing.
USED_EVERY: Final = timedelta(minutes=1)

_ALPHABET: Final = string.ascii_letters + string.digits
_FORM: Final = re.compile(rf"{START}[{_ALPHABET}]{{{RANDOM_CHARACTERS}}}", re.ASCII)


def create(
    user: Any,
    *,
    name: str,
    expires_at: datetime,
    now: datetime,
    scopes: Collection[str] = ALL_SCOPES,
    created_by: Any = None,
    owner: int | None = None,
) -> tuple[ApiToken, str]:
    """A new token for `user`, and its text, which is not kept. With `owner` it sees only what belongs to that."""
    text = START + "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_CHARACTERS))
    with transaction.atomic():
        made = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=text[:PREFIX_CHARACTERS],
            digest=_digest(text),
            scopes=[scope for scope in ALL_SCOPES if scope in scopes],
            created_at=now,
            created_by=created_by,
            expires_at=expires_at,
            owner_id=owner,
        )
        told = {"user": user.get_username(), "scopes": made.scopes, "expires_at": expires_at}
        _note([made], "created", audit.difference({}, told), now)
    return made, text


def tokens() -> QuerySet[ApiToken]:
    """All tokens, each with its user and who made it."""
    return ApiToken.objects.select_related("user", "created_by")


def wait_for(user: Any, *, now: datetime) -> timedelta | None:
    """Count a token that the user makes. How long to wait if there were too many; None where there were not."""
    allowance = Allowance(f"token made by {user.pk}", settings.TANDEM_TOKENS_AN_HOUR, timedelta(hours=1))
    return count([allowance], now=now).wait


def usual_expiry(now: datetime) -> datetime:
    """When a token that is made now expires, if nobody says otherwise."""
    return now + timedelta(days=settings.TANDEM_TOKEN_DAYS)


def valid(now: datetime) -> QuerySet[ApiToken]:
    """The tokens that are neither expired nor revoked."""
    return ApiToken.objects.filter(revoked_at=None, expires_at__gt=now)


def find(text: str, *, now: datetime) -> ApiToken | None:
    """The valid token with this text, with its user and whether that is bound to an owner (`user_is_bound`).

    None if there is none, or its user is not active. The database is not asked for a text that cannot be a token.
    """
    if not _FORM.fullmatch(text):
        return None
    found = lookup.unrevoked(_digest(text))
    return found if found is not None and found.expires_at > now and found.user.is_active else None


def note_use(token: ApiToken, *, now: datetime) -> None:
    """Write that the token is used, at most once in USED_EVERY. A failure is only logged."""
    before = now - USED_EVERY
    if token.last_used_at is not None and token.last_used_at > before:
        return
    try:
        # Of several processes that come here at once, one writes.
        unwritten = Q(last_used_at=None) | Q(last_used_at__lte=before)
        ApiToken.objects.filter(unwritten, pk=token.pk).update(last_used_at=now)
    except DatabaseError as exc:
        log.warning("the last use of the token %s was not written: %s", token.prefix, type(exc).__name__)


def revoke(tokens: QuerySet[ApiToken], *, now: datetime) -> int:
    """Revoke those that are not revoked yet. Returns how many these are."""
    with transaction.atomic():
        found = list(tokens.filter(revoked_at=None).select_for_update(of=("self",)))
        ApiToken.objects.filter(pk__in=[token.pk for token in found]).update(revoked_at=now)
        _note(found, "revoked", {}, now)
    return len(found)


def beginning_with(text: str) -> QuerySet[ApiToken]:
    """The tokens with the prefix that `text` is or begins with. Give a prefix or a whole token."""
    return ApiToken.objects.filter(prefix=text[:PREFIX_CHARACTERS])


def _note(tokens: Iterable[ApiToken], action: str, changes: Mapping[str, Sequence[Any]], now: datetime) -> None:
    done = (audit.Change("token", one.prefix, action, one.name, one.owner_id, changes) for one in tokens)
    audit.record(*done, now=now)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()
