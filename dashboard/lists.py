"""What every list has in common: search, filters by owner and tag, order, saved views. The address says all of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Final

from django.contrib.auth.models import Group
from django.db.models import Q
from django.http import QueryDict

from dashboard import saved_views
from dashboard.page import Page
from dashboard.paging import ORDERS
from scheduling import caller, owners, tag_sets

# No name is longer.
MOST_CHARACTERS: Final = 200


class ListPage(Page):
    """A list. `filters` are the parameters of its address that choose rows; `shown_as` those that choose how."""

    filters: ClassVar[tuple[str, ...]] = ("q",)
    shown_as: ClassVar[tuple[str, ...]] = ()
    # What its rows have besides: they are not of the form at first, and come with a link.
    of_rows: ClassVar[tuple[str, ...]] = ("owner", "tag")
    # `?sort=`, and the name of each order; empty where there is one order only.
    orders: ClassVar[Mapping[str, str]] = ORDERS
    # The name of its address, which asks for everything.
    everything: ClassVar[str]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the template of every list shows: what is asked for, and whether that is less than everything."""
        shown = {"asked": self.asked, "is_filtered": self.is_filtered, "everything": f"dashboard:{self.everything}"}
        views = saved_views.shown(self.request, self.everything)
        return {**super().get_context_data(**kwargs), **shown, "orders": self.orders, **views}

    @property
    def asked(self) -> dict[str, str]:
        """The parameters that are known; empty where one is not given."""
        parameters = self.request.GET
        return {name: parameters.get(name, "") for name in (*self.filters, *self.of_rows, *self.shown_as, "sort")}

    @property
    def is_filtered(self) -> bool:
        """Whether it shows some rows only."""
        return any(self.asked[name] for name in (*self.filters, *self.of_rows))


def text_in(parameters: QueryDict) -> str:
    """What is searched for."""
    return parameters.get("q", "").strip()[:MOST_CHARACTERS]


def of_status(parameters: QueryDict, statuses: Collection[str]) -> Q:
    """The rows with the status that is asked for. One that is not among these asks for nothing."""
    status = parameters.get("status", "")
    return Q(status=status) if status in statuses else Q()


def owned(parameters: QueryDict) -> Q:
    """The rows with the owner and the tag that are asked for. Of one that is not known, or not seen, there are none."""
    tag = parameters.get("tag", "")
    return of_owner(parameters) & (Q(tag_set__in=tag_sets.with_tag(tag[:MOST_CHARACTERS])) if tag else Q())


def of_owner(parameters: QueryDict) -> Q:
    """As `owned`, for rows without tags."""
    name = parameters.get("owner", "")
    if not name:
        return Q()
    group = Group.objects.filter(name=name[:MOST_CHARACTERS]).first()
    is_seen = group is not None and owners.sees(caller.access(), group.pk)
    return Q(owner=group.pk) if group is not None and is_seen else Q(pk__in=[])
