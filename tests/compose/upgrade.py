"""An upgrade while everything fires: the order that the page gives, with a further migration in the new image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from stack.environment import Failure
from tests.compose.load import Load
from tests.compose.stack import PAGE, Stack, commands

_VERSION: Final = "0.1.1"
# As a release would: a column more, which the code of before does not know.
_MIGRATION: Final = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tandem_scheduling", "{last}")]
    operations = [migrations.AddField("schedule", "drill", models.IntegerField(null=True, db_index=True))]
"""


def upgrade(stack: Stack, load: Load, say: Callable[[str], None]) -> None:
    """Run the page's commands one by one. After `migrate`, the code of before works on the schema of after."""
    folder = stack.checkout / "scheduling" / "migrations"
    last = max(path.stem for path in folder.glob("0*.py"))
    (folder / "9999_drill.py").write_text(_MIGRATION.format(last=last))
    with (stack.checkout / ".env").open("a") as file:
        file.write(f"TANDEM_VERSION={_VERSION}\n")
    for line in commands(stack.checkout / PAGE, "Upgrade"):
        if line.startswith("git "):
            continue
        command = line.replace("docker-compose.redis.yml", stack.file)
        stack.shell(command)
        load.goes_on("beat")
        load.all_verified()
        say(f"upgrade: {command}: {_versions(stack)}; the load goes on")
        if _has_column(stack) and _VERSION not in _versions(stack):
            load.goes_on("cron", "inline")
            load.a_workflow()
            say("upgrade: the code of before works on the schema of after, by Beat and by cron")
    stack.until_well()
    if set(_versions(stack)) != {_VERSION} or not _has_column(stack):
        raise Failure(f"After the upgrade: {_versions(stack)}, column {_has_column(stack)}")
    load.goes_on("beat", "cron", "inline")
    load.all_verified()
    say("upgrade: done, verified")


def _versions(stack: Stack) -> list[str]:
    """The versions of Tandem's images that run."""
    running = [one.name for one in stack.containers() if one.state == "running"]
    images = [str(stack.inspect(name)["Config"]["Image"]) for name in running]
    return sorted({Path(image).name.partition(":")[2] for image in images if image.startswith("tandem/")})


def _has_column(stack: Stack) -> bool:
    asked = "select count(*) from information_schema.columns where column_name = 'drill'"
    return stack.compose("exec", "-T", "postgres", "psql", "-U", "tandem", "-Atc", asked).strip() == "1"
