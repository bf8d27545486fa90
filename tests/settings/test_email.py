import pytest
from django.core.exceptions import ImproperlyConfigured

from settings.email import email_settings


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("submission://mail.example.org", 587, True, False),
        ("smtps://mail.example.org", 465, False, True),
        ("smtps://mail.example.org:4650/", 4650, False, True),
    ],
)
def test_a_server_is_reached_as_its_scheme_says(url: str, port: int, tls: bool, ssl: bool) -> None:
    found = email_settings(url)
    assert found["EMAIL_HOST"] == "mail.example.org"
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, tls, ssl)
    assert found["EMAIL_TIMEOUT"] == 10


def test_name_and_password_may_hold_any_character() -> None:
    found = email_settings("submission://a%40b:p%2F%3A%40@host")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("a@b", "p/:@")


def test_without_a_server_messages_go_to_the_console_or_a_folder() -> None:
    assert email_settings("console:")["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert email_settings("file:///srv/mail")["EMAIL_FILE_PATH"] == "/srv/mail"


@pytest.mark.parametrize(
    "url",
    ["", "mail", "http://host", "smtp://", "smtp://user:secret@", "smtp://user:secret@host:x", "smtp://secret@host/path",
     "smtp://host?tls=secret", "file:secret", "file://secret/x", "smtp://[secret"],
)  # fmt: skip
def test_anything_else_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL is not usable") as refused:
        email_settings(url)
    assert "secret" not in str(refused.value)
