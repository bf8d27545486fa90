"""Which test is about a constant? The test files are read as text; nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_IMPORT: Final = re.compile(r"^from ([\w.]+) import (?:\(([^)]*)\)|(.*))$", re.MULTILINE)
_CONSTANT_OF: Final = re.compile(r"\b(\w+)\.(_?[A-Z][A-Z_0-9]*)\b")


def tests_about(constants: Iterable[tuple[str, str]], root: Path) -> dict[tuple[str, str], str]:
    """For each constant (module, name) the file of a test that names it, else in parentheses one about its module."""
    files = {path.relative_to(root): names_in(path.read_text(encoding="utf-8")) for path in _test_files(root)}
    return {(module, name): about(module, name, files) for module, name in constants}


def about(module: str, name: str, files: Mapping[Path, set[str]]) -> str:
    """As `tests_about`, for one. `files` are the tests in alphabetical order, with the names that each uses.

    A package may offer a constant of one of its modules as its own. The file that mirrors the module comes first.
    """
    mirrored = _mirrored(module)
    in_order = [*filter(mirrored.__eq__, files), *files]
    package = module.rpartition(".")[0]
    for path in in_order:
        if {f"{module}.{name}", f"{package}.{name}"} & files[path]:
            return f"`{path}`"
    of_module = (path for path in in_order if path == mirrored or _uses(files[path], module))
    folders = {path.parent for path in files}
    folder = next(each for each in mirrored.parents if each in folders or each == Path("tests"))
    return f"(`{next(of_module, folder)}`)"


def names_in(text: str) -> set[str]:
    """The dotted names that a test imports, and the constants of modules that it imports."""
    imports = ((module, several or line) for module, several, line in _IMPORT.findall(text))
    imported = {f"{module}.{name}" for module, names in imports for name in re.findall(r"\w+", names)}
    modules = {name.rpartition(".")[2]: name for name in imported}
    used = _CONSTANT_OF.findall(text)
    return imported | {f"{modules[module]}.{constant}" for module, constant in used if module in modules}


def _uses(names: set[str], module: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for name in names)


def _mirrored(module: str) -> Path:
    *folders, name = module.split(".")
    return Path("tests", *folders, f"test_{name}.py")


def _test_files(root: Path) -> list[Path]:
    return sorted((root / "tests").rglob("test_*.py"))
