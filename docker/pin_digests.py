#!/usr/bin/env python3
"""Pins every image that comes from a registry by its digest, in the Dockerfile and the Compose files.

It asks for each tag what `docker buildx imagetools inspect` says of it, and writes TAG@sha256:...; run again, it renews
the digests. Where one tag is not found nothing is written. Standard library only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
# NAME:TAG, with a digest or without, after FROM or `image:`. Ours have a variable as their tag, and stages have none.
_PINNABLE: Final = re.compile(
    r"^(?P<before>FROM |\s+image: )(?P<tag>[a-z0-9./-]+:[A-Za-z0-9._-]+)(?:@sha256:[0-9a-f]{64})?(?=\s)", re.MULTILINE
)
_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")


def main() -> int:
    """Pin all of them. Returns 1, and says why, where a digest is not to be had."""
    texts = {path: path.read_text(encoding="utf-8") for path in files(ROOT)}
    tags = sorted({found["tag"] for text in texts.values() for found in _PINNABLE.finditer(text)})
    try:
        digests = {tag: digest(tag) for tag in tags}
    except (OSError, LookupError) as exc:
        sys.stderr.write(f"{exc}\nNothing was changed.\n")
        return 1
    for path, text in texts.items():
        path.write_text(pinned(text, digests), encoding="utf-8")
    for tag, found in digests.items():
        sys.stdout.write(f"{tag}@{found}\n")
    return 0


def files(root: Path) -> list[Path]:
    """The files that name images."""
    return [root / "Dockerfile", root / "docker/stack.yml", *sorted(root.glob("docker-compose.*.yml"))]


def pinned(text: str, digests: dict[str, str]) -> str:
    """The text with the digest behind each tag. Pure."""
    return _PINNABLE.sub(lambda found: f"{found['before']}{found['tag']}@{digests[found['tag']]}", text)


def digest(tag: str) -> str:
    """What the registry has under the tag: of the list for all platforms, where there is one.

    Raises LookupError where there is no such tag, and OSError where docker cannot be started.
    """
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", tag]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LookupError(f"{tag}: {done.stderr.strip() or 'docker buildx imagetools inspect has failed'}")
    found = str(json.loads(done.stdout)["digest"])
    if not _DIGEST.fullmatch(found):
        raise LookupError(f"{tag}: {found!r} is no digest.")
    return found


if __name__ == "__main__":
    sys.exit(main())
