"""In which language a reader gets the words of a trigger."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from scheduling.words import UnknownLanguage, matching


def language_of(request: HttpRequest) -> str:
    """What the browser likes best of the languages there are, else TANDEM_LANGUAGE."""
    liked = [tag for tag, weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")) if weight > 0]
    try:
        return matching(*liked, settings.TANDEM_LANGUAGE)
    except UnknownLanguage:
        return matching(settings.TANDEM_LANGUAGE)
