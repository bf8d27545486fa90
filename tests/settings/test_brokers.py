"""BROKER_URL becomes Celery settings."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest
from celery.app.defaults import NAMESPACES, flatten
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from kombu.transport import pyamqp
from kombu.transport.redis import Channel, SentinelChannel

from settings.broker_urls import parsed
from settings.brokers import QueueType, Tls, broker_priorities, celery_settings, kind, publish_options, step_seconds

SOCKET = Path("/srv/var/broker.sock")
SENTINEL = "sentinel://:p@h1:26379;h2:26380/main?db=3"

URLS = [
    ("embedded:", "embedded", "redis+socket:///srv/var/broker.sock?virtual_host=0"),
    ("redis://h:6379/1", "redis", "redis://h:6379/1"),
    ("redis://u:p%40ss@h/0?prefix=other:", "redis", "redis://u:p%40ss@h/0"),
    ("rediss://:p@h:6379/1", "redis", "rediss://:p@h:6379/1"),
    ("redis+socket:///run/r.sock", "redis", "redis+socket:///run/r.sock"),
    ("redis+socket:///run/r.sock?virtual_host=2", "redis", "redis+socket:///run/r.sock?virtual_host=2"),
    (SENTINEL, "redis", "sentinel://:p@h1:26379/3;sentinel://:p@h2:26380/3"),
    ("amqp://u:p@h:5672/v", "rabbitmq", "amqp://u:p@h:5672/v"),
    ("amqps://u:p@h:5671/v", "rabbitmq", "amqps://u:p@h:5671/v"),
    ("amqp://u:p@a/v;amqp://u:p@b/v", "rabbitmq", "amqp://u:p@a/v;amqp://u:p@b/v"),
    # All of these mean the virtual host `/`.
    ("amqp://a;amqp://b/;amqp://c//;amqp://d/%2F", "rabbitmq", "amqp://a;amqp://b/;amqp://c//;amqp://d/%2F"),
]
EVERY_URL = [url for url, _, _ in URLS]


@pytest.mark.parametrize(("url", "which", "broker_url"), URLS)
def test_a_url_decides(url: str, which: str, broker_url: str) -> None:
    assert kind(url) == which
    assert celery_settings(url, socket=SOCKET)["broker_url"] == broker_url


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
@pytest.mark.parametrize("url", EVERY_URL)
def test_every_setting_is_one_that_celery_has(url: str, queue_type: QueueType) -> None:
    known = dict(flatten(NAMESPACES)).keys()
    assert set(celery_settings(url, socket=SOCKET, queue_type=queue_type)) <= known


@pytest.mark.parametrize("url", EVERY_URL)
def test_every_transport_option_is_one_that_the_transport_reads(url: str) -> None:
    options = celery_settings(url, socket=SOCKET)["broker_transport_options"] | publish_options(url)
    # What kombu's Connection itself takes from them.
    retrying = {"max_retries", "interval_start", "interval_step", "interval_max", "connect_retries_timeout"}
    if kind(url) == "rabbitmq":
        read = set(pyamqp.Connection.__init__.__code__.co_varnames)
    else:
        read = set(SentinelChannel.from_transport_options if "sentinel" in url else Channel.from_transport_options)
    assert set(options) - retrying <= read


@pytest.mark.parametrize("url", EVERY_URL)
def test_kombu_takes_the_url(url: str) -> None:
    broker_url = celery_settings(url, socket=SOCKET)["broker_url"]
    with Connection(broker_url) as connection:
        assert connection.transport.driver_type == ("amqp" if kind(url) == "rabbitmq" else "redis")


@pytest.mark.parametrize("url", EVERY_URL)
def test_every_broker_carries_json_only_and_takes_early(url: str) -> None:
    made = celery_settings(url, socket=SOCKET)
    assert made["accept_content"] == ["json"]
    assert made["task_serializer"] == "json"
    assert made["task_acks_late"] is False
    assert made["result_backend"] is None
    assert made["broker_connection_retry_on_startup"] is True
    assert made["broker_connection_max_retries"] is None


@pytest.mark.parametrize("url", EVERY_URL)
def test_the_steps_of_a_publish_end_within_two_seconds(url: str) -> None:
    steps = 3 if parsed(url).hosts == 1 else 5
    assert steps * step_seconds(url) < 2
    assert celery_settings(url, socket=SOCKET)["task_publish_retry_policy"]["max_retries"] == 1


def test_keys_in_redis_have_a_prefix_that_the_url_may_change() -> None:
    urls = ("embedded:", "redis://h/0", "redis://h/0?prefix=staging:", "sentinel://h/main?prefix=staging:")
    found = [celery_settings(url, socket=SOCKET)["broker_transport_options"]["global_keyprefix"] for url in urls]
    assert found == ["tandem:", "tandem:", "staging:", "staging:"]


def test_a_sentinel_is_asked_for_its_service_once() -> None:
    assert celery_settings(SENTINEL, socket=SOCKET)["broker_transport_options"]["master_name"] == "main"
    asking = publish_options(SENTINEL)["sentinel_kwargs"]
    assert asking["retry"].get_retries() == 0
    assert asking["socket_connect_timeout"] == step_seconds(SENTINEL)


def test_rabbitmq_confirms_what_it_took_and_keeps_it() -> None:
    made = celery_settings("amqp://h", socket=SOCKET)
    assert made["broker_transport_options"]["confirm_publish"] is True
    assert made["task_default_delivery_mode"] == 2


def test_each_type_of_queue_has_its_own_name() -> None:
    classic = celery_settings("amqp://h", socket=SOCKET, queue_type="classic")
    quorum = celery_settings("amqp://h", socket=SOCKET, queue_type="quorum")
    assert (classic["task_default_queue"], classic["task_queue_max_priority"]) == ("tandem", 9)
    assert (quorum["task_default_queue"], quorum["task_queue_max_priority"]) == ("tandem.quorum", None)
    assert quorum["task_default_queue_type"] == "quorum"


def test_nine_is_first_on_the_wire_of_every_broker() -> None:
    # Redis: the lowest first; RabbitMQ: the highest.
    assert [broker_priorities("redis://h/0")[priority] for priority in (9, 5, 0)] == [0, 4, 9]
    assert [broker_priorities("embedded:")[priority] for priority in (9, 5, 0)] == [0, 4, 9]
    assert [broker_priorities("amqp://h")[priority] for priority in (9, 5, 0)] == [9, 5, 0]


def test_tls_always_verifies_the_broker() -> None:
    tls = Tls(authority="/ca.pem", certificate="/c.pem", key="/k.pem")
    redis = celery_settings("rediss://h/0", socket=SOCKET, tls=tls)["broker_use_ssl"]
    assert redis["ssl_cert_reqs"] == ssl.CERT_REQUIRED
    assert redis["ssl_check_hostname"] is True
    assert (redis["ssl_ca_certs"], redis["ssl_certfile"], redis["ssl_keyfile"]) == ("/ca.pem", "/c.pem", "/k.pem")
    rabbitmq = celery_settings("amqps://h", socket=SOCKET)["broker_use_ssl"]
    # None stands for the name of the host that is connected to.
    assert rabbitmq == {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}
    assert "broker_use_ssl" not in celery_settings("redis://h/0", socket=SOCKET, tls=tls)


REFUSED = [
    *("", "kafka://hunter2@h", "hunter2", "redis:hunter2", "amqp", "embedded", "embedded:hunter2", "amqp://"),
    *("redis://", "redis://:hunter2@h:port/0", "redis://:hunter2@h/name", "redis://h/0?socket_timeout=hunter2"),
    *("redis+socket://", "redis+socket://relative/hunter2", "rediss://:hunter2@h/0?ssl_cert_reqs=none"),
    *("sentinel://h1", "sentinel:///main", "sentinel://:hunter2@h:port/main", "sentinel://h/main?db=hunter2"),
    *("amqp://hunter2@a;redis://b", "amqp://u:hunter2@h:port/", "amqps://u:hunter2@h/v?ssl_keyfile=k"),
    *("amqp://[hunter2/v", "amqp://u:hunter2@a/v;amqp://u:hunter2@b/w", "amqp://u:hunter2@a/v;b/v"),
    *("sentinel://:hunter2@a:1;sentinel://:hunter2@b:1/main", "sentinel://a/main?socket_timeout=hunter2"),
]


@pytest.mark.parametrize("url", REFUSED)
def test_anything_else_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="BROKER_URL is not usable: write ") as refused:
        kind(url)
    assert "hunter2" not in str(refused.value)


def test_tls_in_the_url_is_refused_with_the_variables_to_set() -> None:
    with pytest.raises(ImproperlyConfigured, match="BROKER_TLS_CA"):
        kind("rediss://h/0?ssl_cert_reqs=none")


def test_every_form_on_the_page_is_one_that_is_taken() -> None:
    page = (Path(__file__).resolve().parent.parent.parent / "docs" / "brokers.md").read_text(encoding="utf-8")
    table = page.partition("## BROKER_URL")[2].partition("##")[0]
    forms = re.findall(r"`((?:embedded|redis|sentinel|amqp)[a-z+]*:[^`]*)`", table)
    assert len(forms) == 8
    for form in forms:
        # Optional parts stand in brackets.
        for url in (re.sub(r"\[.*?\]", "", form), form.replace("[", "").replace("]", "")):
            parsed(url)
