"""The dashboard as a Django application: pages for people, over the same services and queries as the API."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Has a folder for each page. Views only read a request and show an answer; the services in `scheduling` decide."""

    name = "dashboard"
    label = "tandem_dashboard"
    verbose_name = "Dashboard"
