"""What every page and every button have in common: login, role, navigation, messages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import TemplateView, View

from scheduling import owners
from scheduling.errors import NotFound, TandemError
from scheduling.roles import Role, role_of

# The pages in the header: the name of each address, and what it is called.
SECTIONS: Final = {
    "today": "Today",
    "schedules": "Schedules",
    "timeline": "Timeline",
    "tasks": "Tasks",
    "workflows": "Workflows",
    "review": "Review",
    "system": "System",
    "settings": "Settings",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A page in the header."""

    name: str
    address: str
    current: bool


class WithRole(LoginRequiredMixin):
    """Lets in who has logged in and has the role `role`; where it is not `for_bound`, only who is bound to no owner."""

    role: ClassVar[Role] = Role.VIEWER
    for_bound: ClassVar[bool] = True
    request: HttpRequest
    kwargs: dict[str, Any]

    @cached_property
    def _held(self) -> Role | None:
        return role_of(self.request.user)

    def may(self, least: Role) -> bool:
        """Whether who asks has the role `least` or a higher one."""
        return self._held is not None and self._held >= least

    @property
    def pk(self) -> int:
        """The id in the address."""
        return int(self.kwargs["pk"])

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As the parent. Raises PermissionDenied for a lower role, and Http404 where the domain says NotFound."""
        if request.user.is_authenticated and not (self.may(self.role) and (self.for_bound or owners.unbound())):
            raise PermissionDenied
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound as exc:
            raise Http404(exc.detail) from exc


class Page(WithRole, TemplateView):
    """A page with the header. `section` is its name in SECTIONS."""

    section: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What every template may use, and what `content` adds."""
        links = [Link(name, reverse(f"dashboard:{key}"), key == self.section) for key, name in SECTIONS.items()]
        shown = super().get_context_data(**kwargs)
        who = {
            "may_write": self.may(Role.OPERATOR), "is_admin": self.may(Role.ADMIN), "is_unbound": owners.unbound()
        }  # fmt: skip
        return {**shown, "pages": links, **who, **self.content()}

    def content(self) -> dict[str, Any]:
        """What this page's template shows."""
        return {}


class Action(WithRole, View):
    """A button: one POST that does one thing, and then shows the page that it came from, with one message."""

    http_method_names = ["post"]
    role = Role.OPERATOR
    # Where it leads when the form names no page.
    fallback: ClassVar[str] = "today"

    def post(self, request: HttpRequest, **_: Any) -> HttpResponseBase:
        """Do it. A refusal of the domain is shown as a message; nothing has changed then."""
        try:
            messages.success(request, self.do(), extra_tags="good")
        except TandemError as exc:
            messages.error(request, exc.detail, extra_tags="bad")
        back = request.POST.get("next", "")
        # Only a page of this site: the address comes from the form.
        safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
        return redirect(back if safe else reverse(f"dashboard:{self.fallback}"))

    def do(self) -> str:
        """Do it to what the address names."""
        return self.act(self.pk)

    def act(self, pk: int) -> str:
        """Do it to what has this id, and return one sentence for the message. Raises TandemError."""
        raise NotImplementedError
