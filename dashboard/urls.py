"""Which addresses have a page?"""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from dashboard.access.audit import Audit
from dashboard.access.members import Members, SetRole
from dashboard.access.secrets import Secrets
from dashboard.access.tokens import Revoke, Tokens
from dashboard.review.views import Review
from dashboard.saved_views import DeleteView, RenameView, SaveView
from dashboard.schedules.adopt import Adopt
from dashboard.schedules.bulk import Bulk, Undo
from dashboard.schedules.edit.views import EditSchedule, NewSchedule, Parameters, Preview
from dashboard.schedules.one.actions import Backfill, Move, Pause, Resume, RunNow, Skip
from dashboard.schedules.one.views import ScheduleDetail
from dashboard.schedules.views import ScheduleList
from dashboard.system.sync import Sync
from dashboard.system.views import System
from dashboard.tasks.views import Cancel, Retry, TaskDetail, TaskList
from dashboard.timeline.views import Timeline
from dashboard.today.actions import Acknowledge, RetryAll
from dashboard.today.views import Today
from dashboard.workflows.views import CancelWorkflow, RetryWorkflow, WorkflowDetail, WorkflowList

app_name = "dashboard"

urlpatterns = [
    path("", Today.as_view(), name="today"),
    path("schedules/", ScheduleList.as_view(), name="schedules"),
    path("schedules/new/", NewSchedule.as_view(), name="schedule-new"),
    path("schedules/bulk/", Bulk.as_view(), name="bulk"),
    path("schedules/adopt/<slug:engine>/<int:pk>/", Adopt.as_view(), name="adopt"),
    path("schedules/undo/", Undo.as_view(), name="undo"),
    path("schedules/preview/", Preview.as_view(), name="schedule-preview"),
    path("schedules/parameters/", Parameters.as_view(), name="schedule-parameters"),
    path("schedules/<int:pk>/edit/", EditSchedule.as_view(), name="schedule-edit"),
    path("schedules/<int:pk>/", ScheduleDetail.as_view(), name="schedule"),
    path("schedules/<int:pk>/pause/", Pause.as_view(), name="pause"),
    path("schedules/<int:pk>/resume/", Resume.as_view(), name="resume"),
    path("schedules/<int:pk>/run/", RunNow.as_view(), name="run"),
    path("schedules/<int:pk>/skip/", Skip.as_view(), name="skip"),
    path("schedules/<int:pk>/backfill/", Backfill.as_view(), name="backfill"),
    path("schedules/<int:pk>/move/", Move.as_view(), name="move"),
    path("tasks/", TaskList.as_view(), name="tasks"),
    path("tasks/<int:pk>/", TaskDetail.as_view(), name="task"),
    path("tasks/<int:pk>/cancel/", Cancel.as_view(), name="cancel"),
    path("tasks/<int:pk>/retry/", Retry.as_view(), name="retry"),
    path("review/", Review.as_view(), name="review"),
    path("timeline/", Timeline.as_view(), name="timeline"),
    path("workflows/", WorkflowList.as_view(), name="workflows"),
    path("workflows/<int:pk>/", WorkflowDetail.as_view(), name="workflow"),
    path("workflows/<int:pk>/cancel/", CancelWorkflow.as_view(), name="workflow-cancel"),
    path("workflows/<int:pk>/retry/", RetryWorkflow.as_view(), name="workflow-retry"),
    path("tasks/<int:pk>/acknowledge/", Acknowledge.as_view(), name="acknowledge"),
    path("tasks/<int:pk>/retry-all/", RetryAll.as_view(), name="retry-all"),
    path("views/", SaveView.as_view(), name="view-save"),
    path("views/<int:pk>/rename/", RenameView.as_view(), name="view-rename"),
    path("views/<int:pk>/delete/", DeleteView.as_view(), name="view-delete"),
    path("system/", System.as_view(), name="system"),
    path("system/sync/<slug:name>/", Sync.as_view(), name="sync"),
    path("settings/", Tokens.as_view(), name="settings"),
    path("settings/tokens/<int:pk>/revoke/", Revoke.as_view(), name="token-revoke"),
    path("settings/secrets/", Secrets.as_view(), name="secrets"),
    path("settings/audit/", Audit.as_view(), name="audit"),
    path("settings/members/", Members.as_view(), name="members"),
    path("settings/members/<int:pk>/role/", SetRole.as_view(), name="member-role"),
    path("login/", LoginView.as_view(template_name="dashboard/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
