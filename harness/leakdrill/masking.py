"""Secrets in text, masked before it is recorded, reported or printed.

A value counts as a secret by its place: the password in a URL, and what follows the host in a webhook's URL; the value
of a query parameter, a variable, an option or a header whose name says so (`SECRET_NAME`); what follows `Bearer` and
`Basic`; a JSON web token, and a key that begins as those of GitHub, Slack, AWS or Google do; a block of a private key.
What has no such place cannot be recognised: a password that a service logs on its own is in its log.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

MASK: Final = "***"
_NAME: Final = (
    r"[\w.-]*(?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|routing[_-]?key|service[_-]?key|credentials?|authorization|cookie|session[_-]?id|signature|dsn)[\w.-]*"
)
_VALUE: Final = r"(?!\d+(?:\.\d+)?(?![\w.]))(\"[^\"]*\"|'[^']*'|[^\s,;&\"'}\])]+)"
SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)
"""The names of variables, headers, options and parameters whose values are secrets."""
_HINT: Final = re.compile(
    r"://[^/]*@|pass|pwd|secret|token|key|credential|auth|cookie|session|signature|dsn|bearer|basic"
    r"|hooks\.|webhook|eyJ|gh[pousr]_|github_pat|xox|AKIA|AIza|glpat",
    re.IGNORECASE,
)
"""Text without any of these has no secret that can be recognised."""
_PATTERNS: Final = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        (r"-----BEGIN ([A-Z ]{0,40})PRIVATE KEY-----.*?(?:-----END \1PRIVATE KEY-----|\Z)", re.DOTALL, MASK),
        (r"(?<=://)([^/\s:@\"'?#]*):[^/\s@\"']+@", 0, rf"\1:{MASK}@"),
        (r"(https?://(?:hooks\.slack\.com|[\w.-]*\.webhook\.office\.com|discord(?:app)?\.com/api/webhooks))/[^\s\"'<>]+",
         re.IGNORECASE, rf"\1/{MASK}"),
        (r"((?:^|[\n\"'{,(;])\s*(?:set-)?(?:cookie|authorization)[\"']?\s*:\s*[\"']?)[^\r\n\"']+",
         re.IGNORECASE, rf"\1{MASK}"),
        (r"\b(Bearer|Basic)\s+(?!\*\*\*)[\w.~+/=-]{4,}", re.IGNORECASE, rf"\1 {MASK}"),
        (rf"(?<![\w.-])((?:--?)?{_NAME}\s*=\s*)(?!\*\*\*){_VALUE}", re.IGNORECASE, rf"\1{MASK}"),
        (rf"((?:^|[\n\"'{{,(;&]\s*){_NAME}[\"']?\s*:\s*)(?!\*\*\*){_VALUE}", re.IGNORECASE, rf"\1{MASK}"),
        (rf"(?<!\S)(--?{_NAME}\s+)(?![-\[])\S+", re.IGNORECASE, rf"\1{MASK}"),
        (r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*", 0, MASK),
        (r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|glpat-[\w-]{15,})",
         0, MASK),
    )
)  # fmt: skip


def masked(text: str) -> str:
    """Returns `text` with each secret that can be recognised replaced by `MASK`."""
    if not _HINT.search(text):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def kept(text: str) -> str:
    """Returns `text` as the record keeps it: masked, and without what UTF-8 cannot hold."""
    return masked(text) if text.isascii() else masked(text).encode("utf-8", "backslashreplace").decode()


def masked_json(tree: Any) -> str:
    """Returns `tree`, masked, as indented JSON with a newline at its end."""
    return json.dumps(masked_tree(tree), indent=2, ensure_ascii=False) + "\n"


def masked_tree(tree: Any) -> Any:
    """Returns what JSON holds, with each of its texts masked, and as a whole where its key is the name of a secret."""
    if isinstance(tree, str):
        return kept(tree)
    if isinstance(tree, list):
        return _masked_words(tree)
    if isinstance(tree, dict):
        return {key: _masked_under(key, value) for key, value in tree.items()}
    return tree


def _masked_under(key: str, value: Any) -> Any:
    if isinstance(value, str) and value and SECRET_NAME.fullmatch(key):
        return MASK
    return masked_tree(value)


def _masked_words(words: list[Any]) -> list[Any]:
    """A command line: the word behind `--password` is a secret, too."""
    hidden = [
        at > 0 and isinstance(word, str) and isinstance(words[at - 1], str) and _is_option(words[at - 1])
        for at, word in enumerate(words)
    ]
    return [MASK if hide else masked_tree(word) for word, hide in zip(words, hidden, strict=True)]


def _is_option(word: str) -> bool:
    return word.startswith("-") and "=" not in word and SECRET_NAME.fullmatch(word.lstrip("-")) is not None
