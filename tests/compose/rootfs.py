"""Trees of Debian's files, made by debootstrap: the base of all images, and the root in which the engine runs.

Both are kept in a folder, under names that change with what they are made of.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from stack.environment import Failure
from tests.compose import machine

RELEASE: Final = "trixie"
# Compose asks for a newer one than the release has. Its program needs nothing else of its release.
_BUILDX: Final = ("docker-buildx", "testing")
_ENGINE_PACKAGES: Final = ("docker.io", "docker-cli", "iptables", "iproute2")
_NO_SERVICES: Final = "#!/bin/sh\nexit 101\n"  # policy-rc.d: a package that is installed starts no service


def base(kept: Path) -> Path:
    """A tar file with a small Debian that fetches packages from where this machine does."""
    made = (
        kept
        / f"base-{_name(RELEASE, machine.sources(RELEASE), machine.apt_options(), machine.pip_configuration())}.tar"
    )
    if not made.exists():
        tree = made.with_suffix(".tree")
        shutil.rmtree(tree, ignore_errors=True)
        mirror = machine.mirrors()["main"]
        call(["debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(tree), mirror])
        _settle(tree)
        part = made.with_suffix(".part")
        call(["tar", "-C", str(tree), "-cf", str(part), "."])
        shutil.rmtree(tree)
        part.rename(made)
    return made


def engine_root(kept: Path) -> Path:
    """A folder with a whole Docker engine: dockerd, containerd, runc, docker and the plugin buildx."""
    origin = base(kept)
    made = kept / f"engine-{_name(origin.name, *_ENGINE_PACKAGES, *_BUILDX)}"
    if not made.exists():
        tree = made.with_suffix(".tree")
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        call(["tar", "-C", str(tree), "-xf", str(origin)])
        shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
        inside(tree, "apt-get", "update")
        inside(tree, "apt-get", "install", "-y", "--no-install-recommends", *_ENGINE_PACKAGES)
        _newer_buildx(tree)
        tree.rename(made)
    return made


def inside(tree: Path, *words: str) -> str:
    """Run a command with the tree as its root."""
    return call(["chroot", str(tree), *words])


def call(words: list[str]) -> str:
    """What the command says. Raises Failure when it fails."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(words)} failed:\n{done.stdout[-3000:]}")
    return done.stdout


def _settle(tree: Path) -> None:
    """apt and pip of this machine, its certificates, and no service that a package starts."""
    (tree / "etc/apt/sources.list").write_text(machine.sources(RELEASE))
    (tree / "etc/apt/apt.conf.d/90machine").write_text(machine.apt_options())
    (tree / "etc/pip.conf").write_text(machine.pip_configuration())
    shutil.copy(machine.CERTIFICATES, tree / "etc/ssl/certs/ca-certificates.crt")
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text(_NO_SERVICES)
    policy.chmod(0o755)
    for lists in (tree / "var/cache/apt/archives").glob("*.deb"):
        lists.unlink()


def _newer_buildx(tree: Path) -> None:
    package, suite = _BUILDX
    source = tree / "etc/apt/sources.list.d/newer.list"
    source.write_text(f"deb {machine.mirrors()['main']} {suite} main\n")
    inside(tree, "apt-get", "update")
    inside(tree, "sh", "-c", f"cd /tmp && apt-get download {package}/{suite} && dpkg -x {package}_*.deb /")
    source.unlink()


def _name(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
