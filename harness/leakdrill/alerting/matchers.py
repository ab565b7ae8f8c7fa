"""The conditions by which a route of Alertmanager takes an alert: `match`, `match_re` and `matchers`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leakdrill.expression import check_expression, is_found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_WRITTEN: Final = re.compile(
    r"""\s*(?:"(?P<quoted_name>(?:[^"\\]|\\.)*)"|(?P<name>[^\s=!~"{},]+))\s*(?P<sign>=~|!~|!=|=)"""
    r"""\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^",]*?))\s*(?:,|$)""",
    re.DOTALL,
)


class Matcher(NamedTuple):
    """One condition on one label; a label that an alert does not have counts as empty."""

    label: str
    sign: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with `labels` meets it."""
        have = labels.get(self.label, "")
        if self.sign in ("=", "!="):
            return (have == self.value) == (self.sign == "=")
        return is_found(_whole(self.value), have) == (self.sign == "=~")


def matchers_of(route: Mapping[str, Any]) -> list[Matcher]:
    """Returns the conditions of `route`, all of which an alert must meet.

    Raises:
        ValueError: when one of them cannot be read.
    """
    plain = [Matcher(str(label), "=", str(value)) for label, value in (route.get("match") or {}).items()]
    patterns = [Matcher(str(label), "=~", str(value)) for label, value in (route.get("match_re") or {}).items()]
    written = [one for text in route.get("matchers") or () for one in _read(str(text))]
    every = [*plain, *patterns, *written]
    for matcher in every:
        if matcher.sign.endswith("~"):
            check_expression(_whole(matcher.value))
    return every


def _whole(pattern: str) -> str:
    return f"^(?s:{pattern})$"


def _read(text: str) -> Iterator[Matcher]:
    """The conditions in `text`, such as `severity="critical"` or `{team=~"a|b", env!="test"}`."""
    inner = text.strip()
    inner = inner[1:-1] if inner.startswith("{") and inner.endswith("}") else inner
    place = 0
    while place < len(inner.rstrip()):
        found = _WRITTEN.match(inner, place)
        if found is None:
            raise ValueError(f"{text} is no condition; expected label, sign and value")
        name = found["name"] if found["quoted_name"] is None else _plain(found["quoted_name"])
        yield Matcher(name, found["sign"], found["plain"] if found["quoted"] is None else _plain(found["quoted"]))
        place = found.end()


def _plain(quoted: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], quoted)
