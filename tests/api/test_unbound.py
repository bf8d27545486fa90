"""What do those see who are bound to no owner? Everything, or nothing, by TANDEM_UNBOUND_SEES."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings

from api.bindings import service
from scheduling import clock
from tests.api.asking import wanted
from tests.api.test_owners import OWN_ONLY, PAGES, SYSTEM, WRITES, ask, azure, blue, everything, there
from tests.api.test_permissions import LEAST
from tests.api.two_owners import MARK, Somebody, Things, client_of, owner, somebody

__all__ = ["azure", "blue"]

pytestmark = pytest.mark.django_db


def test_who_is_taken_out_of_a_bound_group_sees_nothing_where_that_is_set(
    blue: Somebody, azure: Things, crontab: Path, settings: Settings
) -> None:
    settings.TANDEM_UNBOUND_SEES = "nothing"
    group, gone = Group.objects.create(name="people"), somebody("dora")
    service.bind(owner("blue"), group=group, now=clock.now())
    gone.user.groups.add(group)
    assert gone.rest.get(f"/api/tasks/{azure.task['id']}/").status_code == 200
    gone.user.groups.remove(group)
    before = everything(crontab)
    for method, path in sorted(LEAST):
        if method == "GET":
            answer = ask(gone.rest, method, path, azure)
            expected = {403} if (method, path) in SYSTEM else {200, 400} if (method, path) in OWN_ONLY else {404, 400}
            assert answer.status_code in expected, path
            assert MARK not in answer.content.decode().replace(f"{MARK}-key", "")
    for address, status in PAGES.items():
        if not address.endswith(WRITES):
            page = gone.pages.get("/" + there(address, azure.schedule["id"]))
            assert page.status_code == status, address
            assert MARK not in page.content.decode()
    assert gone.rest.post("/api/schedules/", wanted(), format="json").status_code == 400
    assert gone.rest.delete(f"/api/schedules/{azure.schedule['id']}/").status_code == 404
    bound = client_of(gone.user, owner=owner("blue").pk)
    assert bound.get(f"/api/tasks/{azure.task['id']}/").status_code == 404
    assert everything(crontab) == before


def test_superusers_see_everything_unless_they_are_bound(azure: Things, settings: Settings) -> None:
    settings.TANDEM_UNBOUND_SEES = "nothing"
    root = somebody("root")
    User.objects.filter(pk=root.user.pk).update(is_superuser=True)
    assert root.rest.get(f"/api/tasks/{azure.task['id']}/").status_code == 200
    service.bind(owner("red"), user=root.user, now=clock.now())
    assert root.rest.get(f"/api/tasks/{azure.task['id']}/").status_code == 404
