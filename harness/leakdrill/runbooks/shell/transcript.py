"""A console's transcript: which lines were typed behind a prompt, and which are what came back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

PROMPT: Final = re.compile(
    r"^\s*(?:(?:\[[\w.@ ~:/-]+\]|[\w.-]+@[\w.-]+(?:[: ][\w~/.-]*)?|(?:ba|z|c|k)?sh-[\d.]+|\([\w.-]+\) ?[\w.@:~/-]*|/[\w/.-]*|~|root@[\w.-]+\S*) ?[$#%❯➜>]|[$%❯➜])"
    r"(?:[ \t]+|$)|^\s*\[[\w.@ ~:/-]+\][$#]"
)
DOLLAR: Final = re.compile(r"\s*\$ [\w./(~]")
GOES_ON: Final = re.compile(r"^\s*>(?: |$)")


@dataclass(frozen=True)
class Part:
    """A stretch of a transcript."""

    line: int
    """Its first line, from 0."""
    end_line: int
    text: str
    """Without the prompts."""
    typed: bool
    """Whether a person typed it; else it is what came back."""


def is_transcript(text: str) -> bool:
    """Whether a block is a transcript: its first line begins with a prompt, or any line with `$ `."""
    lines = [line for line in text.splitlines()[:400] if line.strip()]
    first = next((line for line in lines if not line.lstrip().startswith("#")), "")
    if PROMPT.match(first) and PROMPT.sub("", first).strip():
        return True
    return any(DOLLAR.match(line) for line in lines)


def parts_of(text: str) -> list[Part]:
    """Returns the parts of a transcript in order, typed ones and others."""
    parts: list[Part] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        match = PROMPT.match(lines[at])
        end = at + 1
        if match:
            held = [lines[at][match.end() :]]
            while end < len(lines) and _goes_on(held, lines[end]):
                held.append(GOES_ON.sub("", lines[end]))
                end += 1
            if any(line.strip() for line in held):
                parts.append(Part(at, end - 1, "\n".join(held), typed=True))
        else:
            while end < len(lines) and not PROMPT.match(lines[end]):
                end += 1
            if any(line.strip() for line in lines[at:end]):
                parts.append(Part(at, end - 1, "\n".join(lines[at:end]), typed=False))
        at = end
    return parts


def commands_of(text: str) -> list[Part]:
    """Returns the parts of a transcript that a person typed."""
    return [part for part in parts_of(text) if part.typed]


def _goes_on(held: list[str], following: str) -> bool:
    """Whether a line belongs to the command above it: a backslash, an open here-document or quote, or the prompt `>`."""
    if held[-1].rstrip().endswith(("\\", "|", "&&")) or GOES_ON.match(following):
        return not PROMPT.match(following)
    return is_open("\n".join(held)) and not PROMPT.match(following)


def is_open(text: str) -> bool:
    """Whether a here-document or a quote of a text is not closed yet."""
    here = re.search(r"(?<!<)<<-?\s*['\"]?([A-Za-z_]\w*)['\"]?", text)
    if here:
        return not any(line.strip() == here[1] for line in text.split("\n")[1:])
    return _opens_quote(text)


def _opens_quote(text: str) -> bool:
    quote = ""
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return bool(quote)
