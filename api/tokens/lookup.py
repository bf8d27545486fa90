"""The token of a request, read by one statement: each request asks for it."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, OuterRef, Q, QuerySet

from api.models import ApiToken, Binding
from scheduling.prepared import PreparedQuery

_OF_TOKEN: Final = tuple(field.attname for field in ApiToken._meta.concrete_fields)  # noqa: SLF001 - Django's public name for it


def unrevoked(digest: str) -> ApiToken | None:
    """The token with this digest that is not revoked, with its user and `user_is_bound`: whether that has a binding."""
    for row in _QUERY.rows(digest):
        of_token, of_user = row[: len(_OF_TOKEN)], row[len(_OF_TOKEN) : -1]
        found: Any = ApiToken.from_db(DEFAULT_DB_ALIAS, _OF_TOKEN, of_token)
        found.user = get_user_model().from_db(DEFAULT_DB_ALIAS, _of_user(), of_user)
        found.user_is_bound = row[-1]
        return found  # type: ignore[no-any-return]
    return None


@cache
def _of_user() -> tuple[str, ...]:
    return tuple(field.attname for field in get_user_model()._meta.concrete_fields)  # noqa: SLF001 - as above


def _with_digest(digest: str) -> QuerySet[ApiToken, Any]:
    bindings = Binding.objects.filter(Q(user=OuterRef("user")) | Q(group__user=OuterRef("user")))
    tokens = ApiToken.objects.filter(digest=digest, revoked_at=None).annotate(user_is_bound=Exists(bindings))
    return tokens.order_by().values_list(*_OF_TOKEN, *(f"user__{name}" for name in _of_user()), "user_is_bound")


_QUERY: Final = PreparedQuery(_with_digest, stand_in="?")
