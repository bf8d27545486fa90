"""email.send, to a real server."""

from collections.abc import Iterator
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from jobs.errors import Cancelled
from jobs.mailing import NotSent
from scheduling.errors import InvalidRequest
from scheduling.registry import definition
from tests.jobs.contexts import Recorder
from tests.jobs.run_job import run_job
from tests.jobs.sites import CERTIFICATE
from tests.jobs.smtp import MailServer, mail_server


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as running:
        use(settings, running.port)
        yield running


def use(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.DEFAULT_FROM_EMAIL = "Tandem <tandem@example.org>"


def test_a_message_arrives_as_it_was_written(server: MailServer) -> None:
    result = run_job(
        "email.send",
        to=["Ada Lovelace <ada@example.org>", "J\u00fcrgen <j@example.org>"],
        cc=["bob@example.org"],
        reply_to=["desk@example.org"],
        subject="Gr\u00fc\u00dfe",
        body="Sch\u00f6n.\n.\n.. and a dot\n",
        html="<p>Sch\u00f6n.</p>",
    )
    [delivery] = server.deliveries
    message = delivery.message
    assert delivery.sender == "tandem@example.org"
    assert delivery.recipients == ["ada@example.org", "j@example.org", "bob@example.org"]
    assert str(make_header(decode_header(message["Subject"]))) == "Gr\u00fc\u00dfe"
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.org", "j@example.org"]
    assert message["Reply-To"] == "desk@example.org"
    text, html = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == "Sch\u00f6n.\n.\n.. and a dot\n"
    assert html.get_content_type() == "text/html"
    assert result == {"message_id": message["Message-ID"], "recipients": 3, "refused": []}


def test_a_blind_copy_is_delivered_and_not_shown(server: MailServer) -> None:
    run_job("email.send", to=["ada@example.org"], bcc=["eve@example.org"], subject="s", body="b")
    [delivery] = server.deliveries
    assert "eve@example.org" in delivery.recipients
    assert b"eve@example.org" not in delivery.content


def test_each_attempt_of_a_task_has_the_same_message_id(server: MailServer) -> None:
    ids = {run_job("email.send", to=["a@example.org"], subject="s", body="b")["message_id"] for _ in range(2)}
    assert ids == {"<tandem-task-1@example.org>"}
    assert len(server.deliveries) == 2


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n", "\x00", "\x0b", "\x85", "\u2028"])
def test_nothing_can_end_a_header_and_begin_another(line_end: str) -> None:
    hostile = f"x{line_end}Bcc: eve@example.org"
    good = {"to": ["a@example.org"], "subject": "s", "body": "b"}
    for wrong in (
        {"subject": hostile},
        {"to": [f"a@example.org{line_end}"]},
        {"to": [f"Ada{line_end} <a@example.org>"]},
        {"cc": [f"a@example.org{line_end}Bcc: eve@example.org"]},
        {"bcc": [f"{line_end}a@example.org"]},
        {"reply_to": [hostile]},
    ):
        with pytest.raises(InvalidRequest):
            definition("email.send").check(good | wrong)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@",
        "@example.org",
        "a@example.org, b@example.org",
        "A <a@example.org> B <b@example.org>",
        "x@example.org <a@example.org>",
        "a@example.org (b@example.org)",
        "<a@example.org",
    ],
)
def test_what_is_not_one_address_is_refused_at_its_place(address: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        definition("email.send").check({"to": ["ok@example.org", address], "subject": "s", "body": "b"})
    [problem] = refused.value.problems
    assert problem.field == "parameters.to.1"
    assert not problem.detail.startswith("Value error")


@pytest.mark.parametrize("to", [[], ["a@example.org"] * 101])
def test_the_number_of_recipients_is_limited(to: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        definition("email.send").check({"to": to, "subject": "s", "body": "b"})
    many = ["a@example.org"] * 60
    with pytest.raises(InvalidRequest, match="1 to 100"):
        definition("email.send").check({"to": many, "cc": many, "subject": "s", "body": "b"})


def test_what_the_server_refuses_fails_the_task(server: MailServer) -> None:
    server.refused.add("gone@example.org")
    with pytest.raises(NotSent, match="nobody of that name"):
        run_job("email.send", to=["gone@example.org"], subject="s", body="b")
    assert server.deliveries == []


def test_a_recipient_that_the_server_refuses_beside_others_is_told(server: MailServer) -> None:
    server.refused.add("gone@example.org")
    result = run_job("email.send", to=["gone@example.org"], cc=["ada@example.org"], subject="s", body="b")
    assert (result["recipients"], result["refused"]) == (1, ["gone@example.org"])
    assert [delivery.recipients for delivery in server.deliveries] == [["ada@example.org"]]


def test_a_server_that_speaks_tls_is_checked_and_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(tls=True) as server:
        use(settings, server.port)
        settings.EMAIL_HOST, settings.EMAIL_USE_SSL = "localhost", True
        message: dict[str, Any] = {"to": ["gone@example.org", "a@example.org"], "subject": "s", "body": "b"}
        with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
            run_job("email.send", **message)
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        server.refused.add("gone@example.org")
        assert run_job("email.send", **message)["refused"] == ["gone@example.org"]
    assert len(server.deliveries) == 1


def test_every_mail_backend_of_django_works(settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    assert run_job("email.send", to=["a@example.org"], subject="s", body="hello")["recipients"] == 1
    [file] = tmp_path.iterdir()
    assert "hello" in file.read_text()


def test_a_server_that_is_away_fails_the_task(settings: Settings) -> None:
    with mail_server() as gone:
        use(settings, gone.port)
    with pytest.raises(NotSent, match="ConnectionRefusedError"):
        run_job("email.send", to=["a@example.org"], subject="s", body="b")


def test_a_task_that_was_cancelled_sends_nothing(server: MailServer) -> None:
    with pytest.raises(Cancelled):
        run_job("email.send", Recorder(lambda: True), to=["a@example.org"], subject="s", body="b")
    assert server.deliveries == []
