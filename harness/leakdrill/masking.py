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
_KEYS: Final = (
    "api|access|private|routing|service|account|auth|client|consumer|deploy|encryption|hmac|integration|license|master"
    "|secret|shared|signing|ssh|storage|stripe|webhook"
)
_NAME: Final = (
    rf"(?:[\w.-]*(?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|(?:{_KEYS})[_-]?key|credentials?|authorization"
    r"|cookie|session[_-]?id|signature|dsn|[_.-]pass(?![a-z])|jwt(?![a-z]))[\w.-]*|(?:[\w.-]*[_.-])?auth)"
)
_VALUE: Final = (
    r"(?!\d+(?:\.\d+)?(?![\w.]))(?:b?\\?\"[^\"\n]*(?:\"|$)|b?\\?'[^'\n]*(?:'|$)|[^\s,;&\"'}\])][^\s,;&\"'}\])]*)"
)
SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)
"""The names of variables, headers, options and parameters whose values are secrets."""
_HINT: Final = re.compile(
    r"//\S{0,400}@|pass|pwd|secret|token|key|credential|auth|cookie|session|signature|dsn|bearer|basic"
    r"|jwt|identified by|[?&](?:sig|code)=|(?<!\S)(?:-u|-U|--user|--proxy-user)[\s=]|redis-cli|mysql|sshpass"
    r"|hooks\.|webhook|telegram|pagerduty|eyJ|gh[pousr]_|github_pat|xox|xapp-|AKIA|ASIA|AIza|glpat|[sr]k[_-]|npm_|pypi-|dop_v1_"
    r"|hvs\.|SG\.|ya29\.",
    re.IGNORECASE,
)
"""Text without any of these has no secret that can be recognised."""
_USER_OPTIONS: Final = ("-u", "-U", "--user", "--proxy-user")
_PATTERNS: Final = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        (r"-----BEGIN ([A-Z ]{0,40})PRIVATE KEY((?: BLOCK)?)-----.*?(?:-----END \1PRIVATE KEY\2-----|\Z)",
         re.DOTALL, MASK),
        (r"(?<=//)([^/\s:@\"'?#[]{0,200}):(?!\*\*\*@)(?:[^/\s\"'?#]{1,400}|(?!\d+[/?#])[^\s\"'@]{1,200})@",
         0, rf"\1:{MASK}@"),
        (r"(?:(?<=https://)|(?<=http://))(?!\*\*\*@)[^/\s:@\"'?#]{1,200}@", re.IGNORECASE, f"{MASK}@"),
        (r"(?<=://)(?=[^/\s:@\"'?#]*\d)[^/\s:@\"'?#]{12,200}@", 0, f"{MASK}@"),
        ((r"(https?://(?:hooks\.slack\.com|[\w.-]*\.webhook\.office\.com|discord(?:app)?\.com/api/webhooks"
         r"|events\.pagerduty\.com/integration))/[^\s\"'<>]+"), re.IGNORECASE, rf"\1/{MASK}"),
        (r"(api\.telegram\.org/bot)[^/\s\"'<>]+", re.IGNORECASE, rf"\1{MASK}"),
        (r"((?:^|[\n\"'{,(;])\s*(?:set-)?(?:cookie|authorization)[\"']?\s*:\s*[\"']?)[^\r\n\"']+",
         re.IGNORECASE, rf"\1{MASK}"),
        (r"\b(Bearer|Basic)\s+(?!\*\*\*)[\w.~+/=-]{4,}", re.IGNORECASE, rf"\1 {MASK}"),
        (r"([?&](?:sig|code|key|auth)=)(?!\*\*\*)[^\s&\"'<>#]+", re.IGNORECASE, rf"\1{MASK}"),
        (rf"(?<![\w.-])((?:--?)?{_NAME}[\"'\]]{{0,2}}\s*(?:=>|=(?![=>]))\s*)(?!\*\*\*){_VALUE}",
         re.IGNORECASE, rf"\1{MASK}"),
        (rf"((?:^|[\n\"'{{,(;&]\s*){_NAME}[\"']?\s*:\s*)(?!\*\*\*){_VALUE}", re.IGNORECASE, rf"\1{MASK}"),
        (rf"(?<!\S)(--?{_NAME}\s+)(?![-\[]|\*\*\*)(?:\"[^\"\n]*\"|'[^'\n]*'|\S+)", re.IGNORECASE, rf"\1{MASK}"),
        (rf"(<{_NAME}>)[^<\n]+(?=</)", re.IGNORECASE, rf"\1{MASK}"),
        (r"(\bidentified\s+by\s+|\blogin\s+\S+\s+password\s+)(?!\*\*\*)(?:'[^'\n]*'|\S+)", re.IGNORECASE, rf"\1{MASK}"),
        (r"((?<!\S)(?:-u|-U|--user|--proxy-user)[\s=]+[^\s:\"']+:)(?!\*\*\*|\d+(?!\S))[^\s\"']+", 0, rf"\1{MASK}"),
        ((r"(\b(?:sshpass\s+-p\s*|redis-cli\s(?:[^\n|;&]{0,200}\s)?-a\s+|mysql\w{0,9}\s(?:[^\n|;&]{0,200}\s)?-p))"
         r"(?!\*\*\*)[^\s\"']+"), 0, rf"\1{MASK}"),
        (r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*", 0, MASK),
        ((r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|xapp-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}"
         r"|AIza[\w-]{30,}|glpat-[\w-]{15,}|[sr]k_(?:live|test)_\w{16,}|sk-(?:ant|proj|or|svcacct)-[\w-]{20,}"
         r"|npm_\w{30,}|pypi-[\w-]{20,}|dop_v1_\w{20,}|hvs\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|ya29\.[\w-]{20,})"),
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
        return {kept(key): _masked_under(_name_of(key, tree), value) for key, value in tree.items()}
    return tree


def _name_of(key: str, owner: dict[str, Any]) -> str:
    """The name that the value at `key` has: of a variable in a manifest it stands beside it."""
    name = owner.get("name") if key == "value" else None
    return name if isinstance(name, str) else key


def _masked_under(key: str, value: Any) -> Any:
    return _hidden(value) if SECRET_NAME.fullmatch(key) else masked_tree(value)


def _hidden(value: Any) -> Any:
    """`value` with none of its texts; its numbers count something (`tokens: 5`), and its form is what it was."""
    if isinstance(value, dict):
        return {key: _hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    return MASK if isinstance(value, str) and value else value


def _masked_words(words: list[Any]) -> list[Any]:
    """A command line: the word behind `--password` is a secret, too."""
    program = words[0].rpartition("/")[2] if words and isinstance(words[0], str) else ""
    before = ["", *(word if isinstance(word, str) else "" for word in words)]
    return [
        _masked_word(program, option, word) if isinstance(word, str) else masked_tree(word)
        for option, word in zip(before, words, strict=False)
    ]


def _masked_word(program: str, option: str, word: str) -> str:
    if _is_option(option) or (program, option) in (("redis-cli", "-a"), ("sshpass", "-p")):
        return MASK
    user, colon, secret = word.partition(":")
    if option in _USER_OPTIONS and colon and not secret.isdecimal():
        return f"{user}:{MASK}"
    if program.startswith("mysql") and word.startswith("-p") and word != "-p":
        return f"-p{MASK}"
    return kept(word)


def _is_option(word: str) -> bool:
    return word.startswith("-") and "=" not in word and SECRET_NAME.fullmatch(word.lstrip("-")) is not None
