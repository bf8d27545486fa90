"""Convert XML to JSON safely. Pure."""

from __future__ import annotations

import io
from typing import Any, Final
from xml.parsers.expat import ExpatError
from xml.sax import InputSource, SAXException
from xml.sax.handler import ContentHandler

import defusedxml.sax
import xmltodict
from defusedxml import DefusedXmlException

from scheduling.errors import TandemError
from scheduling.storable import Json, storable_text

# What walks through a deeper tree could run out of stack.
DEEPEST: Final = 100


class UnreadableXml(TandemError):
    """The document is not XML, or is XML that is refused. `reason` is a predicate: "is nested more than 100 deep."."""

    code = "unreadable_xml"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The document {reason}")


def to_json(document: bytes, charset: str | None = None) -> Json:
    """The document as JSON, by xmltodict's convention: attributes as `@name`, text beside them as `#text`.

    `charset`, the name of a codec, overrides the encoding that the document declares (RFC 7303). The document is parsed
    twice: first by defusedxml, which refuses entity declarations, external references and deep nesting, then by
    xmltodict. A document type that names no other file is allowed. Raises UnreadableXml.
    """
    source = InputSource()
    try:
        if charset:
            document = document.decode(charset).encode()
            source.setEncoding("utf-8")
        source.setByteStream(io.BytesIO(document))
        defusedxml.sax.parse(source, _Nesting())
        parsed: dict[str, Any] = xmltodict.parse(document, encoding="utf-8" if charset else None)
    except DefusedXmlException as exc:
        raise UnreadableXml("is XML that declares entities or refers to others, which is refused.") from exc
    except (SAXException, ExpatError, ValueError, LookupError) as exc:
        raise UnreadableXml(f"is not valid XML: {storable_text(str(exc))[:200]}.") from exc
    return _storable(parsed)


class _Nesting(ContentHandler):
    """Counts open elements, and raises UnreadableXml beyond DEEPEST."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802 - the names are SAX's
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableXml(f"is nested more than {DEEPEST} deep.")

    def endElement(self, name: str) -> None:  # noqa: N802 - the names are SAX's
        self._depth -= 1


def _storable(value: Json) -> Json:
    """The value, with each text changed so that the databases can store it. DEEPEST bounds the recursion."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {storable_text(key): _storable(item) for key, item in value.items()}
    return value
