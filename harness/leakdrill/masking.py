"""Secrets in text, masked before it is recorded, reported or printed.

A value counts as a secret by its place: the password in a URL, and what follows the host in a webhook's URL; the value
of a query parameter, a variable, an option or a header whose name says so (`SECRET_NAME`); what follows `Bearer` and
`Basic`; what follows `password is`, and `-p`, where it looks like a secret; a JSON web token, and a key that begins as
those of GitHub, Slack, AWS or Google do; a block of a private key.
What has no such place cannot be recognised: a password that a service logs on its own is in its log. What a scenario
takes from the environment for its requests is known, and masked wherever it stands (`hide`).
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from typing import Any, Final

from leakdrill.secret_patterns import MASK, NO_SECRET, PASSWORD_NAME, RULES, SECRET_NAME, is_password_option

_USER_OPTIONS: Final = ("-u", "-U", "--user", "--proxy-user")
_PASSWORD_OPTIONS: Final = (("redis-cli", "-a"), ("sshpass", "-p"))
_WORDS_BEFORE: Final = 20
"""How far back a command line is looked through for the program that `-p` belongs to."""
_PLAIN: Final = re.compile(r"[a-z_ -]+")
"""`["password", "email"]` are two names."""
_HIDDEN: Final[set[str]] = set()
_NAMES_BESIDE: Final = ("name", "key", "header", "field")
_SHORTEST_NUMBER: Final = 1000
"""`password: 5` is a count."""


def hide(secret: str) -> None:
    """Have `secret` masked wherever it stands, from now on, in this process: it came from where secrets are kept."""
    if can_be_hidden(secret):
        _HIDDEN.add(secret)


def can_be_hidden(secret: str) -> bool:
    """Whether `secret` is long and strange enough to be masked by itself: `test` is in too many words."""
    least = 12 if _PLAIN.fullmatch(secret) else 10 if secret.isdecimal() else 6
    return len(secret) >= least


def masked(text: str) -> str:
    """Returns `text` with each secret that can be recognised replaced by `MASK`."""
    for secret in sorted(_HIDDEN, key=len, reverse=True):
        text = text.replace(secret, MASK)
        if not (secret.isascii() and secret.isalnum()):
            text = _spellings(secret).sub(MASK, text)
    for hint, rules in RULES:
        if hint.search(text):
            for rule in rules:
                text = rule.masked(text)
    return text


@cache
def _spellings(secret: str) -> re.Pattern[str]:
    """`secret` as a server sends it back: in JSON, in a URL, in HTML, or as some language quotes it."""
    return re.compile("".join(map(_spelling, secret)))


def _spelling(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    code, named = ord(character), escape(character)
    in_url = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    ways = [
        rf"\\{{0,8}}{re.escape(character)}",
        rf"(?i:{in_url})",
        rf"\\{{1,8}}[uUx]0{{0,6}}(?i:{code:x})",
        rf"&#(?:{code}|[xX](?i:{code:x}));",
        *([re.escape(named)] if named != character else []),
        *([r"\+"] if character == " " else []),
    ]
    return f"(?:{'|'.join(ways)})"


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
        return _masked_list(tree)
    if isinstance(tree, dict):
        return {kept(key): _masked_under(_name_of(key, tree), value) for key, value in tree.items()}
    return tree


def _name_of(key: str, owner: dict[str, Any]) -> str:
    """The name that the value at `key` has: of a variable in a manifest it stands beside it."""
    if key.lower() != "value":
        return key
    beside = (name for at, name in owner.items() if at.lower() in _NAMES_BESIDE)
    return next((name for name in beside if isinstance(name, str)), key)


def _masked_under(key: str, value: Any) -> Any:
    return _hidden(value, of_password=_names_password(key)) if SECRET_NAME.fullmatch(key) else masked_tree(value)


def _names_password(key: str) -> bool:
    return PASSWORD_NAME.fullmatch(key) is not None


def _hidden(value: Any, *, of_password: bool) -> Any:
    """`value` with none of its texts, and without its form changed; a number counts (`tokens: 5`) or is a password."""
    if isinstance(value, dict):
        return {key: _hidden(inner, of_password=of_password) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner, of_password=of_password) for inner in value]
    if of_password and type(value) is int and value >= _SHORTEST_NUMBER:
        return MASK
    return MASK if isinstance(value, str) and value and not NO_SECRET.fullmatch(value) else value


def _masked_list(words: list[Any]) -> list[Any]:
    """A pair of name and value, a list of pairs, or a command line, where the word behind `--password` is a secret."""
    if _is_pair(words) and not _PLAIN.fullmatch(words[1]):
        return [kept(words[0]), MASK if words[1] else ""]
    if words and all(_is_pair(pair, of_secret=False) for pair in words):
        return [[kept(pair[0]), MASK] if _is_pair(pair) else masked_tree(pair) for pair in words]
    return _masked_words(words)


def _is_pair(words: Any, *, of_secret: bool = True) -> bool:
    """Whether this is `[name, value]`, of a secret or of anything."""
    if not (isinstance(words, list) and len(words) == 2 and all(isinstance(word, str) for word in words)):  # noqa: PLR2004 - a pair
        return False
    return not of_secret or (not words[0].startswith("-") and SECRET_NAME.fullmatch(words[0]) is not None)


def _masked_words(words: list[Any]) -> list[Any]:
    texts = [word if isinstance(word, str) else "" for word in words]
    return [
        _masked_word(texts[:at], word) if isinstance(word, str) else masked_tree(word) for at, word in enumerate(words)
    ]


def _masked_word(before: list[str], word: str) -> str:
    """A word of a command line, as the words before it tell what it is."""
    program, option = (before[0].rpartition("/")[2], before[-1]) if before else ("", "")
    if _is_option(option) or (program, option) in _PASSWORD_OPTIONS:
        return MASK if word else ""
    if option == "-p" and is_password_option(" ".join(before[-_WORDS_BEFORE:]), word):
        return MASK
    user, colon, secret = word.partition(":")
    if option in _USER_OPTIONS and colon and not secret.isdecimal():
        return f"{user}:{MASK}"
    if program.startswith("mysql") and word.startswith("-p") and word != "-p":
        return f"-p{MASK}"
    return kept(word)


def _is_option(word: str) -> bool:
    return word.startswith("-") and "=" not in word and SECRET_NAME.fullmatch(word.lstrip("-")) is not None
