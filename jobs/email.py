"""`email.send`: send a message."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from pydantic import Field

from jobs.errors import Cancelled
from jobs.mailing import Address, Email, Line, send
from scheduling.errors import Problem
from scheduling.job_context import JobContext
from scheduling.registry import job
from scheduling.storable import Json

# RFC 5321 (4.5.3.1.8) has every server take 100 recipients of one mail.
_MOST_RECIPIENTS: Final = 100

Addresses = Annotated[list[Address], Field(max_length=_MOST_RECIPIENTS)]


def some_recipients(
    *, to: Sequence[str], cc: Sequence[str] | None, bcc: Sequence[str] | None, **_: object
) -> Iterator[Problem]:
    """A problem if there is no recipient, or more than _MOST_RECIPIENTS."""
    count = len(to) + len(cc or ()) + len(bcc or ())
    if not 1 <= count <= _MOST_RECIPIENTS:
        yield Problem("to", "recipients", f"Write 1 to {_MOST_RECIPIENTS} addresses in to, cc and bcc together.")


@job("email.send", rule=some_recipients)
def send_email(
    context: JobContext,
    *,
    to: Annotated[Addresses, Field(description="Addresses: name@example.org or Name <name@example.org>.")],
    subject: Annotated[Line, Field(description="One line.")],
    body: Annotated[str, Field(description="The text.")],
    html: Annotated[str | None, Field(description="The same as HTML, for readers that show it.")] = None,
    cc: Annotated[Addresses | None, Field(description="Who gets a copy.")] = None,
    bcc: Annotated[Addresses | None, Field(description="Who gets a copy that nobody else sees.")] = None,
    reply_to: Annotated[Addresses | None, Field(description="Where answers go.")] = None,
) -> dict[str, Json]:
    """Send a message.

    The message goes through the server that EMAIL_URL names; its sender is DEFAULT_FROM_EMAIL. Returns `message_id`,
    `recipients` (the number of addresses the server accepted) and `refused` (the addresses it did not accept). The
    message ID is the same in each attempt of a task, so that mail programs recognise a message that arrives twice.

    Raises NotSent if the server cannot be reached or does not accept the message, and Cancelled.
    """
    if context.cancelled:
        raise Cancelled
    context.progress(0, 1, "Sending")
    message = Email(subject, body, to, cc or (), bcc or (), reply_to or (), html)
    sent = send(message, task_id=context.task_id)
    context.progress(1, 1, "Sent")
    count = len(to) + len(cc or ()) + len(bcc or ())
    return {"message_id": sent.message_id, "recipients": count - len(sent.refused), "refused": [*sent.refused]}
