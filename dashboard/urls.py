"""Which addresses have a page?"""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from dashboard.schedules.views import Pause, Resume, RunNow, ScheduleDetail, ScheduleList
from dashboard.system.views import System
from dashboard.tasks.views import Cancel, Retry, TaskDetail, TaskList
from dashboard.today.views import Today

app_name = "dashboard"

urlpatterns = [
    path("", Today.as_view(), name="today"),
    path("schedules/", ScheduleList.as_view(), name="schedules"),
    path("schedules/<int:pk>/", ScheduleDetail.as_view(), name="schedule"),
    path("schedules/<int:pk>/pause/", Pause.as_view(), name="pause"),
    path("schedules/<int:pk>/resume/", Resume.as_view(), name="resume"),
    path("schedules/<int:pk>/run/", RunNow.as_view(), name="run"),
    path("tasks/", TaskList.as_view(), name="tasks"),
    path("tasks/<int:pk>/", TaskDetail.as_view(), name="task"),
    path("tasks/<int:pk>/cancel/", Cancel.as_view(), name="cancel"),
    path("tasks/<int:pk>/retry/", Retry.as_view(), name="retry"),
    path("system/", System.as_view(), name="system"),
    path("login/", LoginView.as_view(template_name="dashboard/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
