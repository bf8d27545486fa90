"""Images that stand in for the official ones, which cannot be fetched here: images/NAME is made from Debian's packages.

Each gets the very tag that the compose files and the Dockerfile name.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from stack.environment import Failure
from tests.compose import rootfs
from tests.compose.engine import Engine

FOLDER: Final = Path(__file__).with_name("images")
BASE: Final = "debian:trixie-slim"
_FILES: Final = ("Dockerfile", "docker-compose.redis.yml", "docker-compose.rabbitmq.yml", "docker/stack.yml")
_IMAGE: Final = re.compile(r"^(?:FROM|\s*image:) +([a-z]+:[\w.-]+)", re.MULTILINE)
# The name under which a stand-in is kept, whatever tag the files give it.
_OURS: Final = "stand-in/{}"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROXY: Final = "nginx:1.30.4-trixie"


def tags(checkout: Path) -> list[str]:
    """The official images that the files of a checkout name, and the proxy of the drill."""
    text = "".join((checkout / name).read_text(encoding="utf-8") for name in _FILES)
    return sorted({*_IMAGE.findall(text), PROXY})


def bring(engine: Engine, checkout: Path, kept: Path) -> list[str]:
    """Make every image that the files name, or take it from the archive of an earlier run. Returns the tags."""
    wanted = tags(checkout)
    unknown = [tag for tag in wanted if not (FOLDER / tag.partition(":")[0]).is_dir()]
    if unknown:
        raise Failure(f"No image stands in for {', '.join(unknown)}: tests/compose/images has none.")
    names = {tag: tag.partition(":")[0] for tag in wanted}
    _load(engine, sorted({*names.values()}), kept)
    for tag, name in names.items():
        engine.docker("tag", _OURS.format(name), tag)
    return wanted


def _load(engine: Engine, names: list[str], kept: Path) -> None:
    base = rootfs.base(kept)
    archive = kept / f"images-{_digest(base, names)}.tar"
    if archive.exists():
        with archive.open("rb") as file:
            engine.docker("load", input=file)
        return
    with base.open("rb") as file:
        engine.docker("import", "--change", f"ENV PATH={_PATH}", "-", BASE, input=file)
    for name in names:
        engine.docker("build", "--tag", _OURS.format(name), str(FOLDER / name))
    part = archive.with_suffix(".part")
    engine.docker("save", "--output", str(part), BASE, *map(_OURS.format, names))
    part.rename(archive)


def _digest(base: Path, names: list[str]) -> str:
    found = hashlib.sha256("\n".join([base.name, _PATH, *names]).encode())
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()[:12]
