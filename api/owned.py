"""How are owners, tags and actors asked for and shown? And the rows of a list: only those that who asks may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import get_object_or_404

from api.bindings.service import owner_named
from api.fields import StrictSerializer, Text
from api.filters import StrictFilterSet
from api.pagination import ORDERING, columns
from api.rows import FIELDS, members_asked, narrowed
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
    # As GenericViewSet has them. The rows of a list that takes `fields` are shown by a RowOutput.
    request: Any
    kwargs: Any
    serializer_class: Any

    def get_queryset(self) -> QuerySet[Any]:
        """The rows that who asks may see; of a short list, with only what it shows."""
        whole = visible(self.rows())
        names = self.members()
        if names is None:
            return whole
        bare = visible(whole.model._default_manager)  # noqa: SLF001 - Django's documented way to any model's manager
        return narrowed(whole, bare, self.serializer_class, names, columns(self.request, self))

    def get_object(self) -> Any:
        """The row of the address. The filters are those of the list: here they mean nothing."""
        return get_object_or_404(visible(self.rows()), pk=self.kwargs["pk"])

    def members(self) -> tuple[str, ...] | None:
        """The members that a list shows: those in `?fields=`, or None for all. Raises ValidationError."""
        parameters = getattr(getattr(self, "filterset_class", None), "page_parameters", ())
        return members_asked(self.request, self.serializer_class) if FIELDS in parameters else None

    def get_serializer_context(self) -> dict[str, Any]:
        """How rows are shown: also which of their members."""
        context: dict[str, Any] = super().get_serializer_context()  # type: ignore[misc]  # GenericViewSet follows
        return {**context, "members": self.members()}


@extend_schema_field({"type": "string"})
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


def shown_actor(actor: Actor) -> dict[str, str]:
    """The same as ActorOutput shows it, in a hundredth of its time: a serializer makes its fields anew for each row."""
    return {name: getattr(actor, name) for name in ActorOutput.Meta.fields}


def actor_of_tandem(kind: str) -> dict[str, str]:
    """The same for a part of Tandem."""
    return {"kind": kind, "user": "", "token": ""}


class OwnedOutput(serializers.Serializer[Any]):
    """The members that everything has that belongs to somebody."""

    owner = serializers.SerializerMethodField(help_text="The name of a group, or null for nobody.")
    tags = serializers.SerializerMethodField()
    created_by = serializers.SerializerMethodField(help_text="Who asked for it; null for Tandem itself.")

    # For RowOutput.
    reads: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "owner": ("owner",),
        "tags": ("tag_set__names",),
        "created_by": tuple(f"created_by__{name}" for name in ActorOutput.Meta.fields),
    }

    def get_owner(self, row: Any) -> str | None:
        return _name_of(row.owner, self.context)

    def get_tags(self, row: Any) -> list[str]:
        return list(row.tags)

    @extend_schema_field(ActorOutput(allow_null=True))
    def get_created_by(self, row: Any) -> Any:
        return shown_actor(row.created_by) if row.created_by else None


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

    page_parameters: ClassVar[tuple[str, ...]] = ("cursor", "limit", ORDERING, FIELDS)

    owner = OwnerFilter(label="The name of its owner.")
    tag = TagFilter(label="One of its tags.")
