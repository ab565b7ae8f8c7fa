"""Whether a text is YAML at all: templates often look like it."""

from __future__ import annotations

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


def is_yaml(text: str) -> bool:
    """Returns whether `text` is YAML, whatever it holds; with a mapping for a key, as `{{ x }}` is, it is none."""
    key_is_next: list[bool | None] = []  # of each collection that is open; None for a sequence
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionEndEvent):
                key_is_next.pop()
            elif isinstance(event, yaml.NodeEvent):
                opens = isinstance(event, yaml.CollectionStartEvent)
                if opens and key_is_next and key_is_next[-1]:
                    return False
                if key_is_next and key_is_next[-1] is not None:
                    key_is_next[-1] = not key_is_next[-1]
                if opens:
                    key_is_next.append(True if isinstance(event, yaml.MappingStartEvent) else None)
    except yaml.YAMLError:
        return False
    return True
