"""docs/settings.md names every variable that the settings read, and no other."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from tests.settings.test_environments import ROOT, WHOLE
from tests.warm import processes as warm

PAGE = ROOT / "docs" / "settings.md"
NAMES = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
from settings.base import env
print(json.dumps(sorted(env.names)))
"""


def names_read(module: str, folder: Path) -> set[str]:
    """The variables an environment asks for."""
    environment = {"PATH": os.environ["PATH"], "TANDEM_VAR": str(folder), **WHOLE}
    done = warm.run(["-c", NAMES, module], environment)
    assert done.returncode == 0, done.stderr
    names = set(json.loads(done.stdout))
    # NAME_FILE is explained once for all of them.
    return {name for name in names if not (name.endswith("_FILE") and name.removesuffix("_FILE") in names)}


def test_every_variable_is_on_the_page_and_no_other(tmp_path: Path) -> None:
    read = set.union(*(names_read(f"settings.{name}", tmp_path) for name in ("development", "staging", "production")))
    documented = re.findall(r"^\| `([A-Z][A-Z_]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(read)
