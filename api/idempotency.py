"""How is a POST that is sent again done only once? By its Idempotency-Key.

The header is that of the IETF draft "The Idempotency-Key HTTP Header Field"
(draft-ietf-httpapi-idempotency-key-header); the answers are kept as Stripe keeps them. The reasons are in
docs/decisions/idempotency.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from django.db import IntegrityError, transaction
from django.http import HttpResponse, HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import KeptAnswer
from scheduling import caller, clock, receipts
from scheduling.errors import InvalidRequest, Problem

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
# A client that has not had an answer for a day has given up.
KEPT: Final = timedelta(hours=24)
# The rest of an answer's headers are of the moment: the date, the id of the request.
_KEPT_HEADERS: Final = ("ETag", "Location", "Content-Language")
# Visible ASCII. The draft writes the key as a structured string, in quotes; most clients write it bare.
_KEY: Final = re.compile(r'"([\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')
# More rows than one request adds, so that the old ones become fewer.
_FORGET_AT_ONCE: Final = 100


Shown: TypeAlias = Callable[[Request, Any], Response]
"""The answer to a request that has stored this."""


class KeyInUse(APIException):
    """Another request has the same Idempotency-Key, and was not done when this one began."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "Another request with this Idempotency-Key is running: ask again to get its answer."
    default_code = "idempotency_key_in_use"


class KeyReused(APIException):
    """The Idempotency-Key was sent before, with something else."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was sent before with another address or body: use a new one."
    default_code = "idempotency_key_reused"


def once(request: Request, run: Callable[[], Response], shown: Shown | None) -> HttpResponseBase:
    """The answer of `run`, or the first answer to the same request of the same user.

    `shown` makes the answer from what `run` stores, for the case that the process ends before it can answer. Only an
    answer that something was done (2xx) is kept: what was refused has changed nothing, and may be asked again.
    Raises KeyInUse, KeyReused and InvalidRequest.
    """
    key = _key(request)
    if key is None:
        return run()
    receipt = _Receipt(request, key, shown, clock.now())
    if (known := receipt.known()) is not None:
        return _replayed(known, receipt.fingerprint)
    with receipts.kept_by(receipt.keep):
        response = run()
    receipt.finish(response)
    return response


class _Receipt:
    """The row of one request. It is written twice: with what was asked for, and when the answer is known."""

    def __init__(self, request: Request, key: str, shown: Shown | None, now: datetime) -> None:
        # Two tokens of one user may be bound to different owners: one must not see the answer to the other.
        self._of: dict[str, Any] = {"user": request.user, "access": _access(), "key": key}
        self._request, self._shown, self._now = request, shown, now
        self._row: KeptAnswer | None = None
        self.fingerprint = _fingerprint(request)

    def known(self) -> KeptAnswer | None:
        """The answer that is kept, if any."""
        return KeptAnswer.objects.filter(**self._of, kept_at__gt=self._now - KEPT).first()

    def keep(self, made: object) -> None:
        """Store the answer in the transaction that has made `made`. Raises KeyInUse, which ends the transaction."""
        if self._row is None and self._shown is not None:
            self._store(self._shown(self._request, made))

    def finish(self, response: Response) -> None:
        """Store the answer as it is given."""
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            return
        if self._row is None:
            with transaction.atomic():
                self._store(response)
        else:
            KeptAnswer.objects.filter(pk=self._row.pk).update(**_values(response))
        _forget(self._now - KEPT)

    def _store(self, response: Response) -> None:
        KeptAnswer.objects.filter(**self._of, kept_at__lte=self._now - KEPT).delete()
        row = KeptAnswer(**self._of, fingerprint=self.fingerprint, kept_at=self._now, **_values(response))
        try:
            row.save(force_insert=True)
        except IntegrityError as exc:
            raise KeyInUse from exc
        self._row = row


def _access() -> str:
    """What who asks may see, in as many characters for many owners as for one; empty for everything."""
    access = caller.access()
    return "" if access is None else hashlib.sha256(repr(sorted(access)).encode()).hexdigest()


def _values(response: Response) -> dict[str, Any]:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    body = JSONRenderer().render(response.data).decode()
    return {"status": response.status_code, "headers": headers, "body": body}


def _replayed(known: KeptAnswer, fingerprint: str) -> HttpResponse:
    if known.fingerprint != fingerprint:
        raise KeyReused
    headers = {**known.headers, REPLAYED: "true"}
    return HttpResponse(known.body, status=known.status, content_type="application/json", headers=headers)


def _forget(before: datetime) -> None:
    old = KeptAnswer.objects.filter(kept_at__lte=before).order_by("kept_at")
    ids = list(old.values_list("pk", flat=True)[:_FORGET_AT_ONCE])
    if ids:
        KeptAnswer.objects.filter(pk__in=ids).delete()


def _key(request: Request) -> str | None:
    given = request.headers.get(HEADER)
    if given is None:
        return None
    found = _KEY.fullmatch(given.strip())
    if found is None:
        detail = f"{HEADER}: write 1 to 255 visible ASCII characters without blanks, such as a UUID."
        raise InvalidRequest([Problem("", "idempotency_key", detail)])
    return found[1] or found[2]


def _fingerprint(request: Request) -> str:
    """Of what the request asks for. The order of a body's members, and how it is spaced, do not count."""
    asked = [request.method, request.get_full_path(), request.data]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
