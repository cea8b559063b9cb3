"""The project's pages as their readers see them: fenced blocks, links, commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([
    ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").glob("*/README.md"),
    *(ROOT / "benchmarks").rglob("*.md"),
])  # fmt: skip

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=indent)(?P=fence) *$", re.M | re.S
)
_HEADING = re.compile(r"^#+ +(.*)$", re.M)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Args:
        page: Where it stands.
        line: Its first line in the page.
        section: The heading above it.
        language: First word of the fence.
        marks: The other words: ``fragment`` (not run on its own) or ``file=PATH`` (the same as that file).
        text: Its content.
    """

    page: Path
    line: int
    section: str
    language: str
    marks: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> Path | None:
        """The file that the block repeats."""
        named = [mark.removeprefix("file=") for mark in self.marks if mark.startswith("file=")]
        return self.page.parent / named[0] if named else None


def blocks(page: Path) -> Iterator[Block]:
    """A page's fenced blocks, in order."""
    content = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(content):
        before = content[: match.start()]
        language, *marks = [*match["info"].split(), ""][: max(1, len(match["info"].split()))]
        headings = _HEADING.findall(_FENCE.sub("", before))
        yield Block(
            page, before.count("\n") + 1, headings[-1] if headings else "", language, tuple(marks), match["text"]
        )


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def commands(block: Block, program: str = "fusion") -> Iterator[list[str]]:
    """Arguments of each line ``$ fusion ...`` of a console block; a trailing comment is left out."""
    if block.language != "console":
        return
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            name, *arguments = shlex.split(line.removeprefix("$ "), comments=True)
            if name == program:
                yield arguments


def all_blocks() -> list[Block]:
    """Every block of every page."""
    return [block for page in PAGES for block in blocks(page)]
