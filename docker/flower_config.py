"""Flower's settings: https://flower.readthedocs.io/en/latest/config.html. Flower executes this file at its start."""
# ruff: noqa: INP001 - executed by its path, never imported

from __future__ import annotations

import os
from pathlib import Path

# `user:password`. Without the file Flower does not start: anybody who can open Flower can stop the workers.
basic_auth = [Path(os.environ.get("FLOWER_AUTH_FILE", "/run/secrets/flower_auth")).read_text(encoding="utf-8").strip()]
