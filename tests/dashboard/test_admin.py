"""Django's admin shows every model of Tandem, changes none, and leads to the dashboard."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from api.models import ApiToken
from scheduling import tasks
from tests.conftest import a_schedule
from tests.tokens import token_for

OURS = [
    model for label in ("tandem_scheduling", "tandem_api", "tandem_dashboard")
    for model in apps.get_app_config(label).get_models()
]  # fmt: skip


@pytest.fixture
def root(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_model_has_a_list_that_cannot_add(root: Client, model: type[Model]) -> None:
    assert admin.site.is_registered(model)
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    assert root.get(address).status_code == 200
    assert root.get(f"{address}add/").status_code == 403


@pytest.mark.usefixtures("recorded")
def test_a_row_is_read_only_and_leads_to_its_page(root: Client) -> None:
    schedule = a_schedule(name="the import")
    task, _ = tasks.create(now=timezone.now(), name="once")
    for row, page in ((schedule, f"/schedules/{schedule.pk}/"), (task, f"/tasks/{task.pk}/")):
        address = f"/admin/tandem_scheduling/{row._meta.model_name}/{row.pk}/change/"
        shown = root.get(address).content.decode()
        assert f'href="{page}"' in shown
        assert 'name="_save"' not in shown
        assert root.post(address, {"name": "other"}).status_code == 403
    schedule.refresh_from_db()
    assert schedule.name == "the import"


def test_the_digest_of_a_token_is_not_shown(root: Client) -> None:
    token_for(User.objects.get())
    token = ApiToken.objects.get()
    page = root.get(f"/admin/tandem_api/apitoken/{token.pk}/change/").content.decode()
    assert ("prefix" in page.lower(), "digest" in page.lower()) == (True, False)
