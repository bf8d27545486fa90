"""Three nodes of RabbitMQ that form a cluster, each a process on loopback."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Final, Self

from tests.servers.rabbitmq import RabbitServer
from tests.servers.server import until_true

_NODES: Final = 3


class RabbitCluster:
    """Runs inside the block. A node may be killed, and started again with its data."""

    def __init__(self) -> None:
        self.nodes: list[RabbitServer] = []
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """The address as BROKER_URL takes it: all nodes, the first one first."""
        return ";".join(node.url for node in self.nodes)

    def leader(self, queue: str) -> RabbitServer:
        """The node that a quorum queue is led by, or a classic one is on."""
        asked = next(node for node in self.nodes if node.process is not None)
        rows = asked.control("list_queues", "name", "pid", "--no-table-headers").splitlines()
        # "<tandem-35671@localhost.1700000000.812.0>"
        [process] = [row.split("\t")[1] for row in rows if row.split("\t")[0] == queue]
        return next(node for node in self.nodes if f"<tandem-{node.port}@" in process)

    def whole(self) -> bool:
        """Whether all nodes see each other."""
        status = json.loads(self.nodes[0].control("cluster_status", "--formatter", "json"))
        return len(status["running_nodes"]) == _NODES

    def __enter__(self) -> Self:
        try:
            first = self._running.enter_context(RabbitServer())
            self.nodes = [first]
            for _ in range(_NODES - 1):
                self.nodes.append(self._running.enter_context(RabbitServer(joins=first)))
            until_true(self.whole, "the nodes did not form a cluster")
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # An orderly end of each takes seconds, in which the others look for it.
        for node in self.nodes:
            node.kill()
        self._running.close()
