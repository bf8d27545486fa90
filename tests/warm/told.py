"""A program that tells what it finds of itself, as JSON."""

import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    found = {
        "argv": sys.argv,
        "path": sys.path,
        "folder": str(Path.cwd()),
        "variables": dict(os.environ),
        "leads": (os.getsid(0), os.getpgid(0)) == (os.getpid(), os.getpid()),
        "open": sorted(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names, not paths
        "input": sys.stdin.read(),
    }
    sys.stdout.write(json.dumps(found))
    sys.stderr.write("trouble\n")
