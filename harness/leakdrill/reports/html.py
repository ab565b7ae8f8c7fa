"""What every HTML page is made with: templates that escape each text of a run, and the policy that forbids the rest."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.units import show_count

if TYPE_CHECKING:
    from pathlib import Path

_SIGNS: Final = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.UNKNOWN: "?"}


def html_environment(templates: Path) -> Environment:
    """The templates in a folder: every text is escaped, masked and on one line.

    `signs` has a sign of each outcome, and `show_count` says how many.
    """
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.globals |= {"signs": _SIGNS, "show_count": show_count}
    return environment


def content_policy(style: str, script: str | None = None) -> str:
    """The Content-Security-Policy of a page that has this style and this script, or none, and asks for nothing."""
    scripts = "" if script is None else f"script-src '{_hash(script)}'; "
    return (
        f"default-src 'none'; {scripts}style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _harmless(value: object) -> object:
    """A text as a page may show it: on one line, masked, without characters that nobody sees."""
    return printable(value) if type(value) is str else value
