"""What this machine brings to the drill: its Debian packages, and where its apt and its pip get theirs from.

No address stands in this repository: the images that the drill makes get the addresses of the machine that makes them.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from stack.environment import Failure

# By program. Everything else is in the root of the engine: rootfs.py.
PACKAGES: Final = {
    "debootstrap": "debootstrap",
    "slirp4netns": "slirp4netns",
    "unshare": "util-linux",
    "ip": "iproute2",
}
_SBIN: Final = "/usr/local/sbin:/usr/sbin:/sbin"
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP_FILES: Final = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
_PIP_OPTIONS: Final = ("index-url", "extra-index-url", "trusted-host")


def prepare() -> None:
    """Install what is missing. Raises Failure with what the drill needs where it cannot run."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Failure("The drill needs Debian and root: it makes images and starts an engine of its own.")
    if not Path("/dev/net/tun").exists():
        raise Failure("The drill needs /dev/net/tun: its engine lives in a network of its own (slirp4netns).")
    missing = sorted({package for name, package in PACKAGES.items() if program(name) is None})
    if not missing and mirrors():
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(["apt-get", *command], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"apt-get {' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def program(name: str) -> str | None:
    """Where it is. Daemons live in sbin folders, which a PATH may leave out."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}")


def mirrors() -> dict[str, str]:
    """Where apt gets Debian from: the addresses of `main` and, where there is one, of `security`."""
    words = ["indextargets", "Created-By: Packages", "Component: main", "Origin: Debian"]
    found: dict[str, str] = {}
    for line in _apt("apt-get", *words, "--format", "$(REPO_URI) $(CODENAME)").splitlines():
        address, _, suite = line.partition(" ")
        if "-" not in suite:
            found.setdefault("main", address)
        elif suite.endswith("-security"):
            found.setdefault("security", address)
    return found


def sources(release: str) -> str:
    """A sources.list for this release of Debian."""
    where = mirrors()
    if "main" not in where:
        raise Failure("apt knows no mirror of Debian here.")
    lines = [f"deb {where['main']} {release} main"]
    if "security" in where:
        lines.append(f"deb {where['security']} {release}-security main")
    return "".join(f"{line}\n" for line in lines)


def apt_options() -> str:
    """How apt fetches here: proxies, and how old the lists of packages may be."""
    wanted = ("Acquire::http", "Acquire::https", "Acquire::Check")
    return "".join(f"{line}\n" for line in _apt("apt-config", "dump").splitlines() if line.startswith(wanted))


def pip_configuration() -> str:
    """A pip.conf with the index that pip uses here. What lies in a folder of this machine is not in a container."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([Path(name).expanduser() for name in _PIP_FILES])
    lines = [f"[global]\ncert = {CERTIFICATES}\n"]
    for option in _PIP_OPTIONS:
        variable = os.environ.get(f"PIP_{option.upper().replace('-', '_')}", "")
        given: str = variable or parser.get("global", option, fallback="")
        words = [word for word in given.split() if not word.startswith("file:")]
        if words:
            lines.append(f"{option} = {' '.join(words)}\n")
    return "".join(lines)


def _apt(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
