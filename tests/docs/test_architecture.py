"""docs/architecture.md names every room, in the order in which they build on each other, and functions that exist."""

from __future__ import annotations

import ast
import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, section, table

PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
ROOM = "| room | the question it answers |"
# What running and deploying make in the checkout (.gitignore).
MADE_HERE = {"var", "secrets", "__pycache__"}


def rooms(folder: Path) -> set[str]:
    """The modules and packages of a folder."""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in folder.glob("*/__init__.py")}


def listed(title: str) -> list[str]:
    return [room for room, _ in table(section(PAGE, title), ROOM)]


@pytest.mark.parametrize("name", ["scheduling", "backends", "api"])
def test_every_room_is_in_the_table_and_no_other(name: str) -> None:
    assert sorted(listed(f"Inside `{name}/`")) == sorted(rooms(ROOT / name))


def test_every_folder_is_in_the_table_and_no_other() -> None:
    named = [folder.rstrip("/") for folder, _ in table(PAGE, "| folder | what it answers |")]
    ours = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")} - MADE_HERE
    assert sorted(named) == sorted(ours)


def test_every_room_says_one_thing() -> None:
    cells = [
        text
        for name in ("scheduling", "backends", "api")
        for _, text in table(section(PAGE, f"Inside `{name}/`"), ROOM)
    ]
    assert all(text.count("?") == 1 or text.startswith("(Django's: ") for text in cells)


def test_the_table_stands_in_the_order_of_the_layers() -> None:
    config = ConfigParser()
    config.read(ROOT / ".importlinter")
    contract = config["importlinter:contract:domain-order"]
    layers = [[name.strip() for name in line.split("|")] for line in contract["layers"].split("\n") if line.strip()]
    level = {name: height for height, names in enumerate(reversed(layers)) for name in names}
    heights = [level[room] for room in listed("Inside `scheduling/`") if room in level]
    assert len(heights) == len(level)
    assert heights == sorted(heights)


def defined(path: Path) -> set[str]:
    """The functions and classes of a module, and the methods of its classes as `Class.method`."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return found


def test_every_function_on_the_ways_exists() -> None:
    ways = section(PAGE, "The ways")
    # `path.py` `function`, and the further functions that follow with "and" or "or".
    stops = re.findall(r"`([\w/]+\.py)`\s`([\w.]+)`((?: (?:and|or) `[\w.]+`(?! `))*)", ways)
    assert len(stops) == len(re.findall(r"`[\w/]+\.py`", ways)) > 50
    for path, first, others in stops:
        names = {first, *re.findall(r"`([\w.]+)`", others)} - {""}
        assert names <= defined(ROOT / path), path


def test_every_stop_of_a_way_names_a_function() -> None:
    steps = re.split(r"^\d+\. ", section(PAGE, "The ways"), flags=re.MULTILINE)[1:]
    assert all(re.search(r"`[\w/]+\.py`\s`[\w.]+`", step) for step in steps)
