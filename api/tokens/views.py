"""`/api/tokens/`: make, list and revoke API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, Throttled
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from api import users
from api.models import ApiToken
from api.permissions import Scope, scopes_of
from api.tokens import service
from api.tokens.filters import TokenFilter
from api.tokens.serializers import NewTokenOutput, TokenInput, TokenOutput
from scheduling import clock, owners
from scheduling.errors import InvalidRequest, Problem
from scheduling.roles import Role, has_role


@extend_schema(tags=["tokens"])
@extend_schema_view(
    list=extend_schema(
        summary="List tokens, newest first", description="Your own. Admins see those of all users, with `admin` scope."
    ),
    retrieve=extend_schema(summary="Get a token", description="When it was made, used last and revoked."),
)
class TokenViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[ApiToken]):
    """API tokens. Everybody who has a role may make and revoke their own."""

    queryset = ApiToken.objects.select_related("user", "created_by")
    serializer_class = TokenOutput
    filterset_class = TokenFilter
    for_bound = True
    lookup_value_regex = "[0-9]{1,18}"
    roles = {"create": Role.VIEWER, "destroy": Role.VIEWER}
    # A token that was made for reading must not make itself a successor.
    scopes = {"create": Scope.ADMIN, "destroy": Scope.ADMIN}

    def get_queryset(self) -> QuerySet[ApiToken]:
        """The tokens that the request may see: with a token that is bound to an owner, only others of that owner."""
        rows, user = super().get_queryset(), cast("Any", self.request.user)
        bound_to = getattr(self.request.auth, "owner_id", None)
        if bound_to is not None:
            rows = rows.filter(owner=bound_to)
        return rows if _is_admin(self.request) else rows.filter(user=user)

    @extend_schema(summary="Create a token", request=TokenInput, responses={201: NewTokenOutput})
    def create(self, request: Request) -> Response:
        """The answer has the text of the token, which is shown once. With a token you can make tokens that have no more
        scopes and live no longer.
        """
        asked = TokenInput(data=request.data)
        asked.is_valid(raise_exception=True)
        given, now = asked.validated_data, clock.now()
        _count(request, now)
        made, text = service.create(
            _owner(request, given.get("user")),
            name=given["name"],
            scopes=_scopes(request, given["scopes"]),
            expires_at=_expiry(request, given.get("expires_at"), now),
            now=now,
            created_by=request.user,
            owner=_bound_to(request, given),
        )
        address = reverse("token-detail", args=[made.pk], request=request)
        body = NewTokenOutput(made, context={"text": text}).data
        return Response(body, status=status.HTTP_201_CREATED, headers={"Location": address})

    @extend_schema(summary="Revoke a token", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """It is refused from now on, and its live streams end within seconds. It stays in the list."""
        service.revoke(ApiToken.objects.filter(pk=self.get_object().pk), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _is_admin(request: Request) -> bool:
    """Whether the request may see and make tokens of others: who is bound to an owner may not."""
    return Scope.ADMIN in scopes_of(request) and has_role(request.user, Role.ADMIN) and owners.unbound()


def _bound_to(request: Request, given: Mapping[str, Any]) -> int | None:
    """The owner that the new token is bound to. A token that is bound makes only such as are bound as well."""
    own: int | None = getattr(request.auth, "owner_id", None)
    owner: int | None = given.get("owner", own)
    if own is not None and owner != own:
        said = "The token of this request is bound to an owner, and makes only tokens of this owner."
        raise InvalidRequest([Problem("owner", "not_yours", said)])
    return owner


def _count(request: Request, now: datetime) -> None:
    wait = service.wait_for(request.user, now=now)
    if wait is not None:
        raise Throttled(wait.total_seconds())


def _owner(request: Request, name: str | None) -> Any:
    if name is None or name == request.user.get_username():
        return request.user
    # Before the look-up, so that only admins learn who exists.
    if not _is_admin(request):
        raise PermissionDenied("Only an admin may make tokens for others: leave `user` out.")
    found = users.find(name)
    if found is None:
        raise InvalidRequest([Problem("user", "unknown_user", f"There is no user {name}.")])
    return found


def _scopes(request: Request, wanted: list[str]) -> list[str]:
    lacking = sorted(set(wanted) - set(scopes_of(request)))
    if lacking:
        said = f"The token of this request lacks the scope {lacking[0]}, and cannot give it on."
        raise InvalidRequest([Problem("scopes", "scope_not_held", said)])
    return wanted


def _expiry(request: Request, wanted: datetime | None, now: datetime) -> datetime:
    latest = now + timedelta(days=service.MOST_DAYS)
    if isinstance(request.auth, ApiToken):
        latest = min(latest, request.auth.expires_at)
    if wanted is None:
        return min(latest, service.usual_expiry(now))
    if not now < wanted <= latest:
        said = f"Write a time in the future, at the latest {latest.isoformat(timespec='seconds')}."
        raise InvalidRequest([Problem("expires_at", "out_of_range", said)])
    return wanted
