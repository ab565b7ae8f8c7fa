"""Links to files that are not there. An address on the network is not asked."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from leakdrill.files import exists
from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import FragmentKind
from leakdrill.runbooks.rule_text import rules_that_can_be_read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.runbooks.runbook import Runbook

RULE: Final = "broken-link"
SUMMARY: Final = "a link to a file, or to a heading of this file, that is not there"
_ELSEWHERE: Final = re.compile(r"[a-zA-Z][\w+.-]*:|//|\{|<|\$")
_PLAIN_PATH: Final = re.compile(r"(?<![\w/.:-])(?:\.{1,2}/)?[\w.-]+(?:/[\w.-]+)+\.(?:md|markdown)\b(?![/\w])")
_WRITTEN: Final = re.compile(r"(?:id|name)=[\"']?([^\"'\s>]+)|\{#([^}\s]+)", re.IGNORECASE)
"""A name that HTML, or an attribute behind a heading, gives."""
_ROOTS: Final = (".git", ".hg")


def broken_links(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each target that is in none of the places where a renderer would look.

    A link to it is an error; a page that prose or a rule names, and does not link to, may lie elsewhere: a warning.
    """
    links = dict.fromkeys(_linked(runbook), Level.ERROR)
    named = dict.fromkeys((*_plain_paths(runbook), *_in_rules(runbook)), Level.WARNING)
    for (line, target), level in (named | links).items():
        path, _, anchor = target.partition("#")
        if not path and anchor and not _has_heading(runbook, anchor):
            yield Finding(RULE, Level.NOTE, line, f"links to #{anchor}, and no heading of this file has that name")
        elif path and not _is_there(runbook.path, unquote(path.split("?")[0])):
            yield Finding(RULE, level, line, f"links to {path}, and there is no such file")


def _linked(runbook: Runbook) -> Iterator[tuple[int, str]]:
    for link in runbook.links:
        if link.target and not _ELSEWHERE.match(unquote(link.target)):
            yield link.line, link.target


def _plain_paths(runbook: Runbook) -> Iterator[tuple[int, str]]:
    """Pages that the prose names by their path, and does not link to."""
    for paragraph in runbook.paragraphs:
        linked = {link.text for link in runbook.links if link.line >= paragraph.line}
        for number, text in enumerate(paragraph.text.split("\n")):
            for found in _PLAIN_PATH.finditer(text):
                if not any(found[0] in one for one in linked):
                    yield paragraph.line + number, found[0]


def _in_rules(runbook: Runbook) -> Iterator[tuple[int, str]]:
    """Runbooks that the annotations of rules name."""
    for fragment in runbook.fragments:
        for rule in rules_that_can_be_read(fragment) if fragment.kind is FragmentKind.RULE else ():
            for key, (line, text) in rule.annotations.items():
                if "runbook" in key and "{{" not in text and not _ELSEWHERE.match(text) and "/" in text:
                    yield line, text


def _is_there(runbook: Path, target: str) -> bool:
    """Whether a file is where GitHub or a site's generator would look for `target`."""
    folders = [runbook.parent, runbook.parent / runbook.stem, *_up_to_root(runbook.absolute().parent)]
    names = [target.lstrip("/")] if target.startswith("/") else [target, target.removeprefix("../")]
    return any(exists(folder / form) for folder in folders for name in names for form in _forms(name))


def _forms(name: str) -> Iterator[str]:
    stem = name.rstrip("/")
    yield from (name, f"{stem}.md", f"{stem}/index.md", f"{stem}/_index.md", f"{stem}/README.md")
    if stem.endswith((".html", ".htm")):
        yield stem.rsplit(".", 1)[0] + ".md"


def _up_to_root(folder: Path) -> list[Path]:
    """The folders above, up to that of the repository; none where there is no repository."""
    above = [folder, *folder.parents]
    root = next((at for at, one in enumerate(above) if any(exists(one / mark) for mark in _ROOTS)), -1)
    return above[: root + 1]


def _has_heading(runbook: Runbook, anchor: str) -> bool:
    wanted, names = unquote(anchor).lower(), _anchors(runbook)
    return wanted in names or re.sub(r"-\d+$", "", wanted) in names or wanted == "top"


@lru_cache(maxsize=2)
def _anchors(runbook: Runbook) -> frozenset[str]:
    """Every name to which a link of the file itself can lead: of its headings, and those that are written out."""
    written = {found[1] or found[2] for line in runbook.lines for found in _WRITTEN.finditer(line)}
    return frozenset({_slug(heading.text) for heading in runbook.headings} | {name.lower() for name in written})


def _slug(text: str) -> str:
    """A heading's anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
