"""`xml.to_json`: convert an XML document to JSON."""

import json
from collections.abc import Iterator
from typing import Annotated, Final

from django.conf import settings
from pydantic import AfterValidator, Field

from jobs import markup
from jobs.confinement import FolderRefused, absolute, read_file, write_file
from jobs.errors import Cancelled, FileRefused
from jobs.markup import UnreadableXml
from scheduling.errors import Problem
from scheduling.job_context import JobContext
from scheduling.registry import job
from scheduling.storable import Json

# A document is parsed in memory, which takes several times its size.
_MOST_BYTES: Final = 10_000_000

FilePath = Annotated[str, AfterValidator(absolute), Field(max_length=4000)]


def one_source(*, xml: str | None, file: str | None, **_: object) -> Iterator[Problem]:
    """A problem unless exactly one of `xml` and `file` is given."""
    if (xml is None) == (file is None):
        yield Problem("xml", "one_source", "Write either the document as `xml`, or the path of a file as `file`.")


@job("xml.to_json", rule=one_source, give_up_on=(UnreadableXml, FolderRefused, FileRefused))
def to_json(
    context: JobContext,
    *,
    xml: Annotated[str | None, Field(description="The document itself.")] = None,
    file: Annotated[FilePath | None, Field(description="Absolute path of a file that holds it, up to 10 MB.")] = None,
    output: Annotated[FilePath | None, Field(description="Absolute path of the file to write.")] = None,
) -> dict[str, Json]:
    """Convert an XML document to JSON.

    Attributes become `@name`, text beside them `#text`, and repeated elements a list. Files must lie within one of the
    folders of the setting TANDEM_FILES_ROOTS. Returns `json`; if `output` is given, `output` (the path) and `bytes`
    instead.

    Raises UnreadableXml if the document is not XML, declares entities, refers to other files, or is nested more than
    100 deep. Raises FolderRefused or FileRefused if a file cannot be read or written. Raises Cancelled.
    """
    roots = settings.TANDEM_FILES_ROOTS
    # `xml` is text, which is encoded as UTF-8 here. An encoding that it declares is wrong for these bytes.
    charset = None if xml is None else "utf-8"
    document = xml.encode() if xml is not None else read_file(file or "", roots, most_bytes=_MOST_BYTES)
    context.progress(1, 3, f"{len(document):,} bytes read")
    found = markup.to_json(document, charset)
    context.progress(2, 3, "Converted")
    if context.cancelled:
        raise Cancelled
    result: dict[str, Json] = {"json": found}
    if output is not None:
        content = json.dumps(found, ensure_ascii=False, indent=2).encode()
        write_file(output, roots, content)
        result = {"output": output, "bytes": len(content)}
    context.progress(3, 3)
    return result
