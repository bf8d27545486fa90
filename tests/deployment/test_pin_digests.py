"""docker/pin_digests.py on a copy of the files, with a `docker` that answers as the real one does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployment.tools import BROKERS, ROOT, compose_file, tool

# `imagetools inspect --format '{{json .Manifest}}' TAG` (https://docs.docker.com/reference/cli/docker/buildx/imagetools/
# inspect/): the descriptor of the tag as JSON; an error on stderr for a tag that the registry has not.
_DOCKER = """#!/bin/sh
[ "$1 $2 $3 $4 $5" = "buildx imagetools inspect --format {{json .Manifest}}" ] && [ $# = 6 ] || exit 64
case "$6" in *@*) exit 65 ;; REFUSED*) echo "ERROR: docker.io/library/$6: not found" >&2; exit 1 ;; esac
printf '{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%s","size":10}\\n' \
    "$(printf %s "ROUND$6" | sha256sum | cut -d' ' -f1)"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "docker", tmp_path / "docker", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Dockerfile", *(compose_file(broker) for broker in BROKERS)):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def pin(checkout: Path, *, refused: str = "nothing", answer: str = "first") -> subprocess.CompletedProcess[str]:
    program = checkout / "bin/docker"
    program.parent.mkdir(exist_ok=True)
    program.write_text(_DOCKER.replace("REFUSED", refused).replace("ROUND", answer))
    program.chmod(0o755)
    return subprocess.run(
        [checkout / "docker/pin_digests.py"],
        cwd="/",
        env={"PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def texts(checkout: Path) -> dict[str, str]:
    names = ("Dockerfile", "docker/stack.yml", *(compose_file(broker) for broker in BROKERS))
    return {name: (checkout / name).read_text() for name in names}


def bare(text: str) -> str:
    return re.sub("@sha256:[0-9a-f]{64}", "", text)


def test_each_image_of_a_registry_gets_the_digest_of_its_tag(checkout: Path) -> None:
    before = texts(checkout)
    done = pin(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    after = texts(checkout)
    assert {name: bare(text) for name, text in after.items()} == {name: bare(text) for name, text in before.items()}
    named = dict(line.split("@") for line in done.stdout.splitlines())
    assert {tag.split(":")[0] for tag in named} == {"postgres", "python", "rabbitmq", "redis"}
    for tag, digest in named.items():
        uses = [found for text in after.values() for found in re.findall(rf"(?:FROM |image: ){tag}(\S*)", text)]
        assert uses
        assert set(uses) == {f"@{digest}"}
    # Ours are built here, and stages are no images.
    assert "image: tandem/app:${TANDEM_VERSION:-0.1.0}\n" in after["docker/stack.yml"]
    assert "FROM app AS cron\n" in after["Dockerfile"]
    lint = [tool("hadolint"), "--no-color", str(checkout / "Dockerfile")]
    assert subprocess.run(lint, capture_output=True, text=True, check=False).stdout == ""


def test_run_again_it_renews_the_digests(checkout: Path) -> None:
    pin(checkout)
    once = texts(checkout)
    pin(checkout)
    assert texts(checkout) == once
    pin(checkout, answer="second")
    again = texts(checkout)
    assert again != once
    assert {name: bare(text) for name, text in again.items()} == {name: bare(text) for name, text in once.items()}


def test_where_one_tag_is_not_found_nothing_is_written(checkout: Path) -> None:
    before = texts(checkout)
    done = pin(checkout, refused="redis:")
    assert done.returncode == 1
    assert re.match(r"redis:\S+: ERROR: docker\.io/library/redis:\S+: not found\nNothing was changed\.\n", done.stderr)
    assert texts(checkout) == before
