"""Which addresses are there under /api/?"""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.routers import DefaultRouter

from api.audit.views import AuditViewSet
from api.backends.views import BackendViewSet
from api.cron.views import DescribeView, ImportView, ReviewView
from api.cron.zone_data import TzdataView
from api.drift.views import DriftViewSet
from api.hosts.views import HostViewSet
from api.jobs.views import JobViewSet
from api.lateness.views import LatenessView
from api.schedules.bulk import ScheduleBulkViewSet
from api.schedules.by_key import ByKeyView
from api.schedules.views import ScheduleViewSet
from api.secrets.views import SecretsView, SecretView
from api.statistics.views import StatisticsView
from api.task_limits.views import TaskLimitsView
from api.tasks.bulk import TaskBulkViewSet
from api.tasks.views import TaskViewSet
from api.tokens.views import TokenViewSet
from api.workflows.views import WorkflowViewSet

router = DefaultRouter()
router.register("schedules/bulk", ScheduleBulkViewSet, basename="schedule-bulk")
router.register("tasks/bulk", TaskBulkViewSet, basename="task-bulk")
router.register("schedules", ScheduleViewSet, basename="schedule")
router.register("tasks", TaskViewSet, basename="task")
router.register("workflows", WorkflowViewSet, basename="workflow")
router.register("jobs", JobViewSet, basename="job")
router.register("backends", BackendViewSet, basename="backend")
router.register("hosts", HostViewSet, basename="host")
router.register("drift", DriftViewSet, basename="drift")
router.register("audit", AuditViewSet, basename="audit")
router.register("tokens", TokenViewSet, basename="token")

# The schema and its page hold no data of anybody, so they need no login.
_without_login = {"permission_classes": [AllowAny], "authentication_classes": []}
# Its script has an address of its own, and nothing in the page is inline: api/headers.py.
_page = {"url_name": "api-schema", "template_name": "tandem_api/docs.html"}

urlpatterns = [
    path("schedules/by-key/<str:key>/", ByKeyView.as_view(), name="schedule-by-key"),
    path("", include(router.urls)),
    path("cron/describe/", DescribeView.as_view(), name="cron-describe"),
    path("cron/review/", ReviewView.as_view(), name="cron-review"),
    path("cron/import/", ImportView.as_view(), name="cron-import"),
    path("cron/tzdata/", TzdataView.as_view(), name="cron-tzdata"),
    path("secrets/", SecretsView.as_view(), name="secrets"),
    path("secrets/<str:name>/", SecretView.as_view(), name="secret"),
    path("limits/", TaskLimitsView.as_view(), name="task-limits"),
    path("statistics/", StatisticsView.as_view(), name="statistics"),
    path("lateness/", LatenessView.as_view(), name="lateness"),
    path("schema/", SpectacularAPIView.as_view(**_without_login), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(**_page, **_without_login), name="api-docs"),
]
