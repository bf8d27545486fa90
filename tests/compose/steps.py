"""What the drill does to a stack that works. After each step the load goes on, and `manage.py verify` finds nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stack.environment import Failure
from tests.compose.confinement import wrong_inside
from tests.compose.hosts import ZONES, Hosts
from tests.compose.load import Load
from tests.compose.stack import Stack
from tests.compose.upgrade import upgrade

# A worker that is silent for so long counts as lost, and its tasks run elsewhere.
AWAY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Drill:
    """A stack under load, what chance decides, and how progress is said."""

    stack: Stack
    load: Load
    chance: random.Random
    say: Callable[[str], None]

    def well_again(self, after: str) -> None:
        """See that all is well again after a step."""
        self.stack.until_well()
        self.load.goes_on("beat")
        self.load.all_verified()
        self.say(f"{after}: well again, verified")


def look(drill: Drill) -> None:
    """Look at each container from inside: what the file declares must be what is."""
    wrong = wrong_inside(drill.stack)
    if wrong:
        raise Failure("Declared, but not so:\n" + "\n".join(wrong))
    drill.say("each container is confined, limited and logs as declared")


def kill(drill: Drill) -> None:
    """kill -9 of each container in turn."""
    names = [one.name for one in drill.stack.containers() if one.state == "running"]
    drill.chance.shuffle(names)
    for name in names:
        time.sleep(drill.chance.uniform(0.0, 3.0))
        drill.stack.crash(name)
        drill.well_again(f"{name} killed")


def restart(drill: Drill) -> None:
    """Restart the database and the broker, and see what cron does meanwhile."""
    for service in drill.chance.sample(["postgres", "broker"], 2):
        drill.stack.compose("restart", service)
        drill.well_again(f"{service} restarted")
    drill.load.goes_on("cron", "inline")


def cut(drill: Drill) -> None:
    """Take a worker, then the database, off its network for a while."""
    for service in drill.chance.sample(["worker", "postgres"], 2):
        name = drill.stack.containers(service)[0].name
        networks = [*drill.stack.inspect(name)["NetworkSettings"]["Networks"]]
        for network in networks:
            drill.stack.engine.docker("network", "disconnect", network, name)
        time.sleep(AWAY_SECONDS)
        for network in networks:
            drill.stack.engine.docker("network", "connect", "--alias", service, network, name)
        drill.well_again(f"{service} without network for {AWAY_SECONDS:.0f} s")


def scale(drill: Drill) -> None:
    """Four workers, then one again."""
    for count in (4, 1):
        drill.stack.compose("up", "--detach", "--wait", "--no-recreate", "--scale", f"worker={count}")
        running = [one for one in drill.stack.containers("worker") if one.state == "running"]
        if len(running) != count:
            raise Failure(f"{count} workers were asked for, and there are {len(running)}.")
        drill.well_again(f"worker={count}")


def again(drill: Drill) -> None:
    """`down` and `up`, with the volumes kept; every container ends by itself in its time."""
    drill.stack.compose("stop")
    killed = [f"{one.name}: {one.code}" for one in drill.stack.containers() if one.code in {137, 143}]
    if killed:
        raise Failure(f"Did not end by themselves: {killed}")
    drill.stack.compose("down")
    drill.stack.compose("up", "--detach", "--wait")
    drill.well_again("down and up")
    drill.load.goes_on("cron", "inline")


def hosts(drill: Drill) -> None:
    """More cron hosts, of which one is lost."""
    lost = drill.chance.choice([*ZONES])
    Hosts(drill.stack, drill.load, lost, drill.say).drill()


PARTS: Final[dict[str, Callable[[Drill], None]]] = {
    "look": look,
    "kill": kill,
    "restart": restart,
    "cut": cut,
    "scale": scale,
    "hosts": hosts,
    "upgrade": lambda drill: upgrade(drill.stack, drill.load, drill.say),
    "again": again,
}
