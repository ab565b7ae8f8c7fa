"""URLs whose braces and brackets reach the shell or curl, which read them in their own way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.calls import calls, has_short, program
from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import COMMANDS, FragmentKind
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Runbook

RULE: Final = "url-braces"
SUMMARY: Final = "a URL with braces, brackets or parentheses that curl or the shell reads in its own way"
_URL: Final = re.compile(r"(?:https?://|localhost[:/])\S+")
_BARE: Final = re.compile(r"(?<!['\"=\w])https?://[^\s'\"`]*?[({][^\s]*")
_GLOB: Final = re.compile(r"\{[\w.:/-]+(?:,[\w.:/-]*)+\}|\[(?:\d+-\d+|[a-z]-[a-z])(?::\d+)?\]|://\[[\da-fA-F:.%]+\]")
_NAMED: Final = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)|\{\{.*?\}\}|\{[A-Za-z_][\w .-]*\}|<[^<>]*>|\[[A-Za-z_][\w -]*\]")


def unescaped_braces(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each command that hands such a URL to curl."""
    for fragment in runbook.fragments:
        if fragment.kind in COMMANDS or fragment.kind is FragmentKind.UNKNOWN:
            yield from _of(fragment)


def has_bad_url(fragment: Fragment) -> bool:
    """Returns whether a command has such a URL."""
    return any(True for _ in _of(fragment))


def _of(fragment: Fragment) -> Iterator[Finding]:
    for text in (fragment.text, *fragment.inner):
        if (found := _BARE.search(_GLOB.sub("x", _NAMED.sub("x", text)))) and not _is_quoted(text, found[0]):
            message = f"the shell reads the parentheses and braces of {quoted(_short(found[0]))} itself"
            yield Finding(RULE, Level.ERROR, _line(fragment, found[0]), message, "put the URL in single quotes")
            return
    for words in calls(fragment):
        if program(words) != "curl" or "--globoff" in words or has_short(words, "g"):
            continue
        for url in (one for one in words[1:] if _URL.match(one)):
            plain = _GLOB.sub("", _NAMED.sub("", url))
            if sign := re.search(r"[{}\[\]]", plain):
                message = (
                    f"curl takes {sign[0]} in {quoted(_short(url))} for a pattern of several URLs, and asks for others"
                )
                fix = "curl -g, or -G with --data-urlencode 'query=…'"
                yield Finding(RULE, Level.ERROR, _line(fragment, url), message, fix)
                return


def _is_quoted(text: str, url: str) -> bool:
    """Whether the shell sees the URL inside of quotes."""
    at = text.find(url[:20])
    before = text[:at]
    return before.count("'") % 2 == 1 or len(re.findall(r'(?<!\\)"', before)) % 2 == 1


def _line(fragment: Fragment, url: str) -> int:
    at = fragment.text.find(url[:20])
    return fragment.line + (fragment.text.count("\n", 0, at) if at > 0 else 0)


def _short(url: str) -> str:
    longest = 60
    return url if len(url) <= longest else f"{url[:longest]}…"
