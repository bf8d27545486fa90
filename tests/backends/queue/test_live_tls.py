"""rediss:// and amqps://: the broker's certificate is verified, always."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.queue.executor import QueueExecutor
from settings.brokers import Tls
from tests.backends.queue.brokers import application_on
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.servers.plugin import require
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis_like import RedisServer
from tests.servers.server import Server, free_port

pytestmark = [pytest.mark.live, pytest.mark.django_db]

# Certificate and key of `localhost`, signed by itself.
PEM = Path(__file__).resolve().parent.parent.parent / "jobs" / "certificate" / "localhost.pem"


class TlsRedis(RedisServer):
    """Redis with a TLS port. Its plain port shows when it is ready."""

    def __init__(self) -> None:
        self.tls_port = free_port()
        files = ("--tls-cert-file", str(PEM), "--tls-key-file", str(PEM), "--tls-ca-cert-file", str(PEM))
        super().__init__("--tls-port", str(self.tls_port), "--tls-auth-clients", "no", *files)

    @property
    def tls_url(self) -> str:
        return f"rediss://localhost:{self.tls_port}/0"


class TlsRabbit(RabbitServer):
    """RabbitMQ with a TLS port beside the plain one."""

    def __init__(self) -> None:
        super().__init__()
        self.tls_port = free_port()

    @property
    def tls_url(self) -> str:
        return f"amqps://guest:guest@localhost:{self.tls_port}//"

    def prepare(self) -> None:
        super().prepare()
        # Its user cannot read the checkout.
        copy = self.folder / "localhost.pem"
        shutil.copy(PEM, copy)
        copy.chmod(0o644)
        with (self.folder / "rabbitmq.conf").open("a") as conf:
            conf.write(f"listeners.ssl.default = 127.0.0.1:{self.tls_port}\nssl_options.verify = verify_none\n")
            conf.writelines(f"ssl_options.{option} = {copy}\n" for option in ("cacertfile", "certfile", "keyfile"))


def redis() -> TlsRedis:
    require("Redis")
    return TlsRedis()


def rabbitmq() -> TlsRabbit:
    require("RabbitMQ")
    return TlsRabbit()


@pytest.mark.parametrize("make", [redis, pytest.param(rabbitmq, marks=pytest.mark.drill)])
def test_a_broker_whose_certificate_is_known_is_used_and_another_is_not(make: Callable[[], Server]) -> None:
    schedule = a_schedule()
    first, second, third = (a_task(schedule) for _ in range(3))
    with make() as server:
        assert isinstance(server, TlsRedis | TlsRabbit)
        with application_on(server.tls_url, tls=Tls(authority=str(PEM))):
            assert QueueExecutor().submit([first]).handed_over == [first]
        with application_on(server.tls_url):
            assert QueueExecutor().submit([second]).error
        # The same machine (inet_aton(3)) by a name that is not in the certificate.
        elsewhere = server.tls_url.replace("localhost", "127.1")
        with application_on(elsewhere, tls=Tls(authority=str(PEM))):
            assert QueueExecutor().submit([third]).error
