"""The drill itself, which runs in a room of its own: isolation.py."""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from stack.environment import Failure
from tests.compose import stand_ins
from tests.compose.engine import Engine
from tests.compose.load import Load
from tests.compose.proxy import Proxy
from tests.compose.stack import Stack
from tests.compose.steps import PARTS, Drill


def main() -> int:
    """Run the wanted parts on each wanted broker. Returns the exit code."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    folder = Path(given["folder"])
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    with Engine(Path(given["root"]), folder / "engine", [folder], given["cgroup"]) as engine:
        say("images: " + ", ".join(stand_ins.bring(engine, folder / "checkout", Path(given["kept"]))))
        stack = None
        try:
            for broker in given["brokers"]:
                # Each its own: an upgrade changes the files.
                checkout = shutil.copytree(folder / "checkout", folder / broker)
                stack = Stack(engine, checkout, broker)
                chance = random.Random(given["seed"])  # noqa: S311 - a drill, no secret
                run(stack, given["parts"], chance, folder / f"proxy-{broker}", say)
        except Failure as exc:
            say(f"WRONG: {exc}")
            if stack is not None:
                print(stack.logs())
            return 1
    say("Nothing was wrong.")
    return 0


def run(stack: Stack, parts: list[str], chance: random.Random, folder: Path, say: Any) -> None:
    """Start the stack as the page says, see it work, and then do each part of the drill."""
    say(f"{stack.file}: build and start")
    token = stack.started_as_the_page_says()
    with Proxy(stack, folder) as client:
        client.token = token
        load = Load(stack, client)
        load.begin()
        load.a_workflow()
        load.a_watched_task()
        load.goes_on("beat", "cron", "inline")
        load.all_verified()
        say(f"{stack.file}: a schedule on each backend, a workflow and a watched task are COMPLETED")
        drill = Drill(stack, load, chance, say)
        for name in parts:
            PARTS[name](drill)
    stack.compose("down", "--volumes", "--remove-orphans")
    say(f"{stack.file}: done")


if __name__ == "__main__":
    sys.exit(main())
