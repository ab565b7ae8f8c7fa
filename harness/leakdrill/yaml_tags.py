"""The tags of Compose's files: what stands behind one is kept together with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import yaml

TAGS: Final = ("!reset", "!override")


@dataclass(frozen=True, slots=True)
class Tagged:
    """What stands behind `tag`, which is one of `TAGS` without its exclamation mark."""

    tag: str
    value: Any


def tagged(loader: Any, node: yaml.Node) -> Tagged:
    """Returns what `loader` makes of a node with a tag, as it would be without it."""
    plain = type(node)(
        loader.resolve(type(node), node.value, (True, False)), node.value, node.start_mark, node.end_mark
    )
    return Tagged(node.tag.removeprefix("!"), loader.construct_object(plain, deep=True))
