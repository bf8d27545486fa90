"""What the pages, the code and the settings of tools refer to is in the repository."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import DOCS, ROOT

ROOMS = (
    "api",
    "dashboard",
    "backends",
    "benchmarks",
    "docker",
    "docs",
    "jobs",
    "requirements",
    "scheduling",
    "settings",
    "stack",
    "tests",
)
SUFFIXES = {".md", ".py", ".toml", ".yml", ".txt", ".in", ".conf"}
# A path below one of our folders, or a page or file of the root. Examples of a team's own files have other folders.
_PATH = re.compile(
    rf"(?<![\w./-])((?:{'|'.join(ROOMS)})/[\w./-]*\.(?:py|md|toml|yml|txt|json|gz)|[A-Z]+\.md|pyproject\.toml)(?![\w/])"
)
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_ANCHOR = re.compile(r"\]\(([^)#:\s]*)#([^)]*)\)")


def texts() -> dict[Path, str]:
    """Every text of the repository that people or tools read."""
    inside = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in SUFFIXES]
    root = [path for path in ROOT.iterdir() if path.suffix in SUFFIXES or path.name == ".importlinter"]
    return {path: path.read_text(encoding="utf-8") for path in [*inside, *root]}


def anchors(page: str) -> set[str]:
    """The names under which the headings of a page are linked to, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_path_that_is_named_exists() -> None:
    named = {(str(path.relative_to(ROOT)), name) for path, text in texts().items() for name in _PATH.findall(text)}
    assert len(named) > 100
    assert not [(where, name) for where, name in sorted(named) if not (ROOT / name).exists()]


def test_every_link_of_a_page_leads_somewhere() -> None:
    pages = {path: text for path, text in texts().items() if path.suffix == ".md"}
    links = [(path, target) for path, text in pages.items() for target in _LINK.findall(text)]
    assert len(links) > 30
    assert not [(str(path), target) for path, target in links if not (path.parent / target).exists()]


def test_every_anchor_of_a_link_is_a_heading() -> None:
    pages = {path: text for path, text in texts().items() if path.suffix == ".md"}
    links = [
        (path.parent / page if page else path, name) for path in pages for page, name in _ANCHOR.findall(pages[path])
    ]
    assert links
    for page, name in links:
        assert name in anchors(page.read_text(encoding="utf-8")), f"{page.name}#{name}"


def test_every_page_is_linked_from_the_readme_or_a_page_that_is() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            named = [page.parent / target for target in _LINK.findall(page.read_text(encoding="utf-8"))]
            named += [ROOT / name for name in _PATH.findall(page.read_text(encoding="utf-8"))]
            waiting += [path.resolve() for path in named if path.suffix == ".md"]
    assert set(DOCS.rglob("*.md")) <= reached
