"""How are owners, tags and actors asked for and shown? And the rows of a list: only those that who asks may see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.bindings.service import owner_named
from api.fields import StrictSerializer, Text
from api.filters import StrictFilterSet
from scheduling import caller, tag_sets
from scheduling.errors import InvalidRequest
from scheduling.models import Actor
from scheduling.owners import visible


class OwnedRows:
    """A view set whose rows have an owner. It goes before GenericViewSet.

    `rows` gives them, and is called for each request: a queryset of the class would be made for whoever came first.
    """

    for_bound = True
    rows: Callable[[], QuerySet[Any]]

    def get_queryset(self) -> QuerySet[Any]:
        """The rows that who asks may see."""
        return visible(self.rows())


@extend_schema_field({"type": ["string", "null"]})
class Owner(serializers.Field[int, Any, "str | None", Any]):
    """The name of a group, or null for nobody. Only the names of those that who asks may see are known."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str):
            raise serializers.ValidationError("Write the name of a group.", "invalid")
        try:
            return int(owner_named(data, caller.access()).pk)
        except InvalidRequest as exc:
            raise serializers.ValidationError(exc.problems[0].detail, exc.problems[0].code) from exc

    def to_representation(self, value: int) -> str | None:
        return _name_of(value, self.context)


def _name_of(owner: int | None, context: Any) -> str | None:
    """The name of an owner. All serializers of one answer share the context, which keeps the names of all."""
    if owner is None:
        return None
    if "groups" not in context:
        context["groups"] = dict(Group.objects.values_list("pk", "name"))
    name: str | None = context["groups"].get(owner)
    return name


class OwnedInput(StrictSerializer):
    """Whose it shall be, and its tags."""

    owner = Owner(required=False, allow_null=True, help_text="Yours if not given, where you are bound to one.")
    tags = serializers.ListField(
        child=Text(max_length=50), required=False, max_length=tag_sets.MOST, help_text="Short words to find it by."
    )


class ActorOutput(serializers.ModelSerializer[Actor]):
    """Who did it: a user, a token of a user, a command, or a part of Tandem. The audit log has the address, too."""

    class Meta:
        model = Actor
        fields = ["kind", "user", "token"]


def actor_of_tandem(kind: str) -> dict[str, str]:
    """The same for a part of Tandem."""
    return {"kind": kind, "user": "", "token": ""}


class OwnedOutput(serializers.Serializer[Any]):
    """The members that everything has that belongs to somebody."""

    owner = serializers.SerializerMethodField(help_text="The name of a group, or null for nobody.")
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    created_by = serializers.SerializerMethodField(help_text="Who asked for it; null for Tandem itself.")

    def get_owner(self, row: Any) -> str | None:
        return _name_of(row.owner, self.context)

    @extend_schema_field(ActorOutput(allow_null=True))
    def get_created_by(self, row: Any) -> Any:
        return ActorOutput(row.created_by).data if row.created_by else None


class OwnerFilter(filters.CharFilter):  # type: ignore[misc]  # django-filter has no type hints
    """By the name of the owner. One that may not be seen is refused like one that does not exist."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(owner=owner_named(value, caller.access()).pk) if value else qs


class TagFilter(filters.CharFilter):  # type: ignore[misc]  # as above
    """By one tag."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(tag_set__in=tag_sets.with_tag(value)) if value else qs


class OwnedFilter(StrictFilterSet):
    """The filters that all lists have whose rows belong to somebody."""

    owner = OwnerFilter(label="The name of its owner.")
    tag = TagFilter(label="One of its tags.")
