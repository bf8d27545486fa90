"""Makes small mistakes in the core, one at a time, and says which of them no test notices.

    python3 dev.py mutate [scheduling/planning.py ...] [--lines 1-90] [--sample 50 --seed 7]

The files of the work tree are not touched: each mistake is made in memory, in a process of its own. A mistake
inside of a function is tried in a fork of one process, on the tests that call the function; any other with all tests of
its file, from the start.

A mistake that is none is listed with its reason in survivors.toml. The exit code is 1 where another one survives.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.mutation.forks import PATIENCE
from tests.mutation.mutations import Mutation, mutations
from tests.mutation.trial import answers, exit_code

ROOT: Final = Path(__file__).resolve().parents[2]
EXPLAINED: Final = Path(__file__).with_name("survivors.toml")
CORE: Final = (
    *(f"scheduling/{name}.py" for name in ("planning", "dispatch", "delivery", "lifecycle")),
    "scheduling/ledger",
    "scheduling/workflows",
)
# Besides those that mirror a file, the tests that are about what it promises to others.
ALSO: Final = {
    "scheduling/ledger": (
        "tests/scheduling/execution",
        "tests/scheduling/upkeep",
        "tests/scheduling/test_tasks.py",
        "tests/scheduling/test_delivery.py",
        "tests/scheduling/events",
        "tests/scheduling/workflows",
    ),
    "scheduling/planning.py": ("tests/scheduling/test_dispatch.py",),
    "scheduling/dispatch.py": (
        "tests/scheduling/test_dispatch_one.py",
        "tests/scheduling/test_delivery.py",
        "tests/scheduling/workflows",
    ),
    "scheduling/delivery.py": (
        "tests/scheduling/upkeep",
        "tests/scheduling/test_tasks.py",
        "tests/scheduling/test_dispatch.py",
        "tests/scheduling/test_dispatch_one.py",
        "tests/scheduling/ledger/test_places.py",
        "tests/scheduling/test_lateness_log.py",
        "tests/scheduling/execution",
        "tests/scheduling/workflows",
    ),
    "scheduling/lifecycle.py": ("tests/scheduling/ledger", "tests/scheduling/test_tasks.py"),
    "scheduling/workflows": (
        "tests/scheduling/test_dispatch.py",
        "tests/scheduling/test_queues.py",
        "tests/api/workflows",
    ),
}


def tests_of(file: str) -> list[str]:
    """The test files that mirror a source file, nearest first, and those that are about it besides."""
    path = Path(file)
    mirrored = [ROOT / "tests" / path.parent / f"test_{path.name}", ROOT / "tests" / path.parent]
    in_package = path.parent != Path("scheduling")
    near = [found for found in mirrored if found.exists()][: 2 if in_package else 1]
    also = [ROOT / name for name in ALSO.get(file, ALSO.get(str(path.parent), ()))]
    return list(dict.fromkeys(str(found.relative_to(ROOT)) for found in [*near, *also]))


def files(paths: Iterable[str]) -> list[str]:
    """The Python files at and below these paths of the work tree, as paths from its root."""
    found = [ROOT / path for path in paths]
    inside = [sorted(path.rglob("*.py")) if path.is_dir() else [path] for path in found]
    return [str(file.relative_to(ROOT)) for group in inside for file in group]


def explained() -> dict[tuple[str, str, str, str], str]:
    """What survives and may, with the reason. Raises KeyError for an entry that is not whole."""
    entries = tomllib.loads(EXPLAINED.read_text(encoding="utf-8")).get("survivor", [])
    return {(one["file"], one["in"], one["was"], one["became"]): one["why"] for one in entries}


def survivors(found: Sequence[Mutation]) -> Iterator[Mutation]:
    """Those mutations that no test notices, in order. Their files have the same tests.

    Raises ValueError where tests fail without a mutation.
    """
    started = time.monotonic()
    longest = 0.0
    for number, (mutation, noticed) in enumerate(zip(found, answers(found, tests_of(found[0].file)), strict=True), 1):
        longest = longest or PATIENCE[0] * (time.monotonic() - started) + PATIENCE[1]
        file, text = mutation.file, mutation.text
        if not (exit_code(file, text, tests_of(file), longest) != 0 if noticed is None else noticed):
            yield mutation
        print(f"\r{file}: {number} of {len(found)} ", end="", file=sys.stderr, flush=True)


def _told(found: Sequence[Mutation]) -> int:
    """Print what survives, and return how many that are. Raises ValueError as `survivors`."""
    left = 0
    for mutation in survivors(found):
        left += 1
        print(f"{mutation.file}:{mutation.line} in {mutation.function or 'the module'}", flush=True)
        print(f"  - {mutation.was}\n  + {mutation.became}", flush=True)
    return left


def together(found: Sequence[Mutation]) -> list[list[Mutation]]:
    """The mutations, divided by the tests of their files. Raises ValueError for a file that has none."""
    groups: dict[frozenset[str], list[Mutation]] = {}
    for mutation in found:
        tests = frozenset(tests_of(mutation.file))
        if not tests:
            raise ValueError(f"No tests mirror {mutation.file}: name them in ALSO of tests/mutation/__main__.py.")
        # A file of a folder that is asked as a whole makes no difference.
        whole = frozenset(test for test in tests if not any(test.startswith(f"{folder}/") for folder in tests))
        groups.setdefault(whole, []).append(mutation)
    return list(groups.values())


def lines(text: str) -> range:
    """Raises ValueError where the text is no FIRST-LAST."""
    first, last = map(int, text.split("-"))
    return range(first, last + 1)


def main() -> int:
    """Returns 1 where a mutation survives that nobody has explained, or an explanation is of none."""
    parser = argparse.ArgumentParser(prog="dev.py mutate", description="make small mistakes, and see who notices")
    parser.add_argument("paths", nargs="*", default=CORE, help="files or folders (default: the core)")
    parser.add_argument("--lines", type=lines, metavar="FIRST-LAST", help="only those of these lines of each file")
    parser.add_argument("--sample", type=int, help="so many mutations, drawn by chance")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws others")
    parser.add_argument("--processes", type=int, default=2, help="so many groups of files at once (default: 2)")
    asked = parser.parse_args()
    for path in asked.paths:
        if not (ROOT / path).exists():
            parser.error(f"there is no {path}: write a path from the root of the repository, as scheduling/planning.py")
    everything = [made for file in files(asked.paths) for made in mutations(file, (ROOT / file).read_text())]
    known = explained()
    stale = [key for key in known if key[0] in files(asked.paths) and key not in {made.key for made in everything}]
    tried = [made for made in everything if made.key not in known and (not asked.lines or made.line in asked.lines)]
    if asked.sample is not None and asked.sample < len(tried):
        chosen = random.Random(asked.seed).sample(range(len(tried)), asked.sample)  # noqa: S311 - guards nothing
        tried = [tried[number] for number in sorted(chosen)]
    os.chdir(ROOT)
    try:
        with ThreadPoolExecutor(asked.processes) as pool:
            left = sum(pool.map(_told, together(tried)))
    except ValueError as exc:
        sys.exit(str(exc))
    for file, function, was, became in stale:
        print(f"Explained in {EXPLAINED.name}, and no mutation any more: {file} in {function}\n  - {was}\n  + {became}")
    print(f"{len(tried)} mutations tried, {len(known)} explained; {left} survived, {len(stale)} stale explanations")
    return 1 if left or stale else 0


if __name__ == "__main__":
    sys.exit(main())
