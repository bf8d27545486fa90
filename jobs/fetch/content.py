"""Turn the body of a response into JSON, by its content type. Pure."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from typing import Final, NoReturn

from jobs import markup
from jobs.fetch.errors import UnreadableContent
from scheduling.storable import Json, storable_text

# What walks through deeper JSON could run out of stack.
_DEEPEST: Final = 100
_NO_CONTENT: Final = {204, 205, 304}  # RFC 9110: these have no content, even if they name a type
_CHARSET: Final = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';,]{1,40})""", re.IGNORECASE)
# Codecs of Python that turn bytes into text, but that no web server uses as a charset.
_NOT_CHARSETS: Final = {
    "idna",
    "punycode",
    "raw-unicode-escape",
    "unicode-escape",
    "undefined",
    "mbcs",
    "oem",
}


def media_type(content_type: str) -> str:
    """`text/html` for `Text/HTML; charset=x`; empty if the header is empty."""
    return storable_text(content_type.partition(";")[0].strip().lower()[:200])


def content(body: bytes, *, content_type: str, status: int, method: str = "GET") -> dict[str, Json]:
    """`{"json": ...}`, `{"xml": ...}`, `{"text": ...}`, or `{"bytes": n, "sha256": hex}` for every other type.

    `content_type` is the value of the header. Raises UnreadableContent if the body does not match its type.
    """
    kind = media_type(content_type)
    charset = _charset(content_type)
    if status in _NO_CONTENT or method == "HEAD":
        kind = ""
    if kind in {"application/json", "text/json"} or kind.endswith("+json"):
        return {"json": _json(body)}
    if kind in {"application/xml", "text/xml"} or kind.endswith("+xml"):
        return {"xml": _xml(body, charset)}
    if kind.startswith("text/"):
        return {"text": storable_text(body.decode(charset or "utf-8-sig", "replace"))}
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def _charset(content_type: str) -> str | None:
    """Python's name of the charset in the header; None if there is none or it is unknown."""
    found = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(found.group(1)).name if found else None
        # Python also has codecs from bytes to bytes (hex, zlib); only decode() refuses them.
        if name is None or name.replace("_", "-") in _NOT_CHARSETS or not isinstance(b" ".decode(name, "replace"), str):
            return None
    except (LookupError, ValueError):
        return None
    return "utf-8-sig" if name == "utf-8" else name


def _json(body: bytes) -> Json:
    try:
        value = json.loads(body, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as exc:
        raise UnreadableContent(f"The answer is nested more than {_DEEPEST} deep.") from exc
    except UnicodeDecodeError as exc:
        raise UnreadableContent("The answer is not valid JSON: its bytes are not UTF-8.") from exc
    except ValueError as exc:
        raise UnreadableContent(f"The answer is not valid JSON: {str(exc)[:200]}.") from exc
    return _storable(value, _DEEPEST)


def _no_number(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number is too large")
    return number


def _xml(body: bytes, charset: str | None) -> Json:
    try:
        return markup.to_json(body, charset)
    except markup.UnreadableXml as exc:
        raise UnreadableContent(f"The answer {exc.reason}") from exc


def _storable(value: Json, deepest: int) -> Json:
    """The value, its texts changed so that the databases can store them. Raises UnreadableContent if it is too deep."""
    if isinstance(value, str):
        return storable_text(value)
    if not isinstance(value, dict | list):
        return value
    if deepest == 0:
        raise UnreadableContent(f"The answer is nested more than {_DEEPEST} deep.")
    if isinstance(value, list):
        return [_storable(item, deepest - 1) for item in value]
    return {storable_text(key): _storable(item, deepest - 1) for key, item in value.items()}
