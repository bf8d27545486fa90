"""`up --broker redis|rabbitmq`: the same stack on a broker of this machine's own programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings.brokers import kind
from stack.arguments import KINDS, LocalBrokerKind
from stack.failure import StackError
from stack.local_brokers import LocalBroker, chosen
from stack.readiness import AnswersAmqp, AnswersPing
from tests.servers.plugin import require

VAR = Path("/data")


@pytest.mark.parametrize("which", KINDS)
def test_its_address_is_one_that_the_settings_read(which: LocalBrokerKind) -> None:
    broker = chosen(which)
    assert kind(broker.url) == which
    assert len(set(broker.ports)) == 3


def test_redis_keeps_everything_and_listens_on_loopback_only() -> None:
    require("Redis")
    [process] = LocalBroker("redis", (7001, 7002, 7003)).processes(VAR)
    options = dict(zip(process.argv[1::2], process.argv[2::2], strict=True))
    assert options == {
        "--bind": "127.0.0.1",
        "--port": "7001",
        "--dir": "/data/redis",
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--maxmemory-policy": "noeviction",
        "--loglevel": "warning",
    }
    assert process.ready == AnswersPing("127.0.0.1", 7001)


def test_rabbitmq_runs_after_a_port_mapper_of_its_own_and_within_its_folder() -> None:
    require("RabbitMQ")
    mapper, broker = LocalBroker("rabbitmq", (7001, 7002, 7003)).processes(VAR)
    assert (mapper.name, mapper.argv[1:]) == ("epmd", ("-port", "7003", "-address", "127.0.0.1"))
    assert broker.ready == AnswersAmqp("127.0.0.1", 7001)
    assert broker.env["RABBITMQ_NODE_IP_ADDRESS"] == "127.0.0.1"
    places = ("HOME", "RABBITMQ_MNESIA_BASE", "RABBITMQ_LOG_BASE", "RABBITMQ_CONFIG_FILE", "RABBITMQ_PID_FILE")
    assert all(broker.env[name].startswith("/data/rabbitmq") for name in places)


@pytest.mark.parametrize("which", KINDS)
def test_its_folder_is_private(which: LocalBrokerKind, tmp_path: Path) -> None:
    LocalBroker(which, (7001, 7002, 7003)).prepare(tmp_path)
    assert (tmp_path / which).stat().st_mode & 0o777 == 0o700


def test_a_program_that_is_missing_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(StackError, match=r"redis-server is not installed \(Debian: apt-get install redis-server\)"):
        LocalBroker("redis", (7001, 7002, 7003)).processes(VAR)
