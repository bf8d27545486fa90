"""Send mail through Django's mail settings, and report the recipients that the server refused."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import formataddr, parseaddr
from typing import Annotated, Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email
from pydantic import AfterValidator, Field

from scheduling.errors import TandemError

# C0, DEL, C1 and Unicode's two separators: every character that some program takes for a line end (RFC 5322, 2.2).
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


_SMTP: Final = f"{EmailBackend.__module__}.{EmailBackend.__qualname__}"


class NotSent(TandemError):
    """The mail server could not be reached, or did not accept the message."""

    code = "not_sent"


def address(text: str) -> str:
    """Validator for pydantic: the address unchanged, `ada@example.org` or `Ada Lovelace <ada@example.org>`.

    Raises ValueError that says what to write.
    """
    one_line(text)
    name, plain = parseaddr(text)
    try:
        validate_email(plain)
    except ValidationError as exc:
        raise ValueError("is not an address: write name@example.org or Name <name@example.org>") from exc
    if text.strip() != plain and not text.rstrip().endswith(f"<{plain}>"):
        raise ValueError("holds more than one address: write each as an item of its own")
    if len(name) > 200:
        raise ValueError("has a name of more than 200 characters")
    return text


def one_line(text: str) -> str:
    """Validator for pydantic: the text unchanged. Raises ValueError if it could end a mail header and begin another."""
    if _CONTROL.search(text):
        raise ValueError("holds a line break or another control character: write one line")
    return text


Address = Annotated[str, AfterValidator(address), Field(max_length=500)]
Line = Annotated[str, AfterValidator(one_line), Field(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True)
class Email:
    """A message. Each of `attachments` is (file name, content, media type)."""

    subject: str
    body: str
    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    html: str | None = None
    attachments: Sequence[tuple[str, str, str]] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the server accepted. `refused` holds the addresses to which the server will not deliver it."""

    message_id: str
    refused: list[str]


class _Client(smtplib.SMTP):
    """Remembers the recipients that the server refused. smtplib returns them, and Django drops them."""

    refused: Sequence[str] = ()

    def sendmail(self, *args: Any, **kwargs: Any) -> dict[str, tuple[int, bytes]]:
        """As smtplib.SMTP.sendmail."""
        refused = super().sendmail(*args, **kwargs)
        self.refused = [*refused]
        return refused


class _TlsClient(_Client, smtplib.SMTP_SSL):
    """The same over TLS from the start."""


class _Backend(EmailBackend):
    """Django's SMTP backend with the clients above."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """The client that Django connects with."""
        return _TlsClient if self.use_ssl else _Client


def send(email: Email, *, task_id: int) -> Sent:
    """Send the email to all recipients at once. Its Message-ID is the same in each attempt of a task.

    Raises NotSent if the server cannot be reached or refuses every recipient. The error repeats what the server said:
    that may include addresses, but no password.
    """
    message_id, message = _message(email, task_id)
    try:
        with _Backend() if settings.EMAIL_BACKEND == _SMTP else get_connection() as connection:
            connection.send_messages([message])
            refused = getattr(getattr(connection, "connection", None), "refused", ())
    except (smtplib.SMTPException, OSError) as exc:
        raise NotSent(f"The mail server did not take the message: {type(exc).__name__}: {str(exc)[:500]}") from exc
    return Sent(message_id, [*refused])


def _message(email: Email, task_id: int) -> tuple[str, EmailMultiAlternatives]:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    message_id = f"<tandem-task-{task_id}@{domain}>"
    message = EmailMultiAlternatives(
        email.subject,
        email.body,
        to=_encoded(email.to),
        cc=_encoded(email.cc),
        bcc=_encoded(email.bcc),
        reply_to=_encoded(email.reply_to),
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},  # RFC 3834: no automatic answers
    )
    if email.html is not None:
        message.attach_alternative(email.html, "text/html")
    for name, content, media_type in email.attachments:
        message.attach(name, content, media_type)
    return message_id, message


def _encoded(addresses: Sequence[str]) -> list[str]:
    return [formataddr(parseaddr(each)) for each in addresses]
