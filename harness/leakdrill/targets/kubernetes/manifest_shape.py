"""The parts of a workload's manifest that a drill reads or changes, and what each must be for that.

The API server checks everything else, and says what is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST: Final = 1 << 31
_SHOWN_CHARS: Final = 40
_WORDS: Final = {dict: "a mapping of keys to values", list: "a list", int: "a whole number", str: "a text"}
_CONTAINER: Final = "spec.template.spec.containers[]"
_CLAIM: Final = "spec.volumeClaimTemplates[]"
_PARTS: Final[tuple[tuple[str, type], ...]] = (
    ("metadata.labels", dict),
    ("spec.replicas", int),
    ("spec.selector", dict),
    ("spec.selector.matchLabels", dict),
    ("spec.selector.matchExpressions", list),
    ("spec.selector.matchExpressions[]", dict),
    ("spec.updateStrategy", dict),
    ("spec.updateStrategy.rollingUpdate", dict),
    ("spec.updateStrategy.rollingUpdate.partition", int),
    ("spec.ordinals", dict),
    ("spec.ordinals.start", int),
    ("spec.persistentVolumeClaimRetentionPolicy", dict),
    ("spec.template.metadata", dict),
    ("spec.template.metadata.labels", dict),
    (f"{_CONTAINER}.env", list),
    (f"{_CONTAINER}.resources", dict),
    (f"{_CONTAINER}.resources.limits", dict),
    (f"{_CONTAINER}.resources.requests", dict),
    ("spec.volumeClaimTemplates", list),
    (_CLAIM, dict),
    (f"{_CLAIM}.metadata", dict),
    (f"{_CLAIM}.metadata.name", str),
    (f"{_CLAIM}.metadata.labels", dict),
    (f"{_CLAIM}.metadata.annotations", dict),
    (f"{_CLAIM}.spec", dict),
)
"""In the order in which they are nested: what is around a part is checked before it."""
_NEEDED: Final = (_CLAIM, f"{_CLAIM}.metadata", f"{_CLAIM}.metadata.name", f"{_CLAIM}.spec")
"""Those that may not be left out, where what is around them is there."""


def wrong_part(manifest: Mapping[str, Any]) -> str | None:
    """The first part of `manifest` that is not what it must be, and what that is; None when there is none."""
    for part, wanted in _PARTS:
        for place, value in _values(manifest, part.replace("[]", ".[]").split("."), ""):
            if value is None and part not in _NEEDED and not (part == "spec.selector" and _has_claims(manifest)):
                continue
            if not isinstance(value, wanted) or (wanted is int and not _is_number(value)):
                return f"{place}: found {quoted(str(value)[:_SHOWN_CHARS])}; expected {_WORDS[wanted]}"
    return None


def _has_claims(manifest: Mapping[str, Any]) -> bool:
    """Whether new pods get volumes, whose labels are those of the selector."""
    spec = manifest.get("spec")
    return isinstance(spec, dict) and bool(spec.get("volumeClaimTemplates"))


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and 0 <= int(value) < _MOST


def _values(value: Any, parts: list[str], place: str) -> Iterator[tuple[str, Any]]:
    """Each value at `parts`, with its place; `[]` stands for each item of a list."""
    if not parts:
        yield place, value
        return
    first, *rest = parts
    if first == "[]":
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _values(item, rest, f"{place}[{index}]")
    elif isinstance(value, dict):
        yield from _values(value.get(first), rest, f"{place}.{first}".removeprefix("."))
