"""The parts of a line that a field of an event can stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

if TYPE_CHECKING:
    from leakdrill.record.event import Event, Value

Keys = Mapping[str, frozenset[str]]
"""The names of the entries and of the labels that have fields of their own, by `entry` and `label`."""

Place = Literal["value", "entry", "entries", "label", "labels", "name"]


@dataclass(frozen=True)
class Part:
    """One part of a line.

    Attributes:
        meaning: what it says; the catalogue prints it. Empty where it only keeps what the class does not name.
        unit: of a number.
        key: its name in the line, where that is not the field's.
        optional: a label that is left out while it is empty; of several numbers, that None is not the same as none.
        at_end: it stands in the last line of an act only.
        place: where in the line it lies.
        is_number: whether it is a number, or several; else it is text.
    """

    meaning: str
    unit: str = ""
    key: str = ""
    optional: bool = False
    at_end: bool = False
    place: ClassVar[Place]
    is_number: ClassVar[bool] = False

    def named(self, name: str) -> Self:
        """Returns this part with the field's name where it has none of its own."""
        return self if self.key else replace(self, key=name)

    def read(self, event: Event, named: Keys) -> Any:
        """The field's value in `event`."""
        raise NotImplementedError

    def into_value(self, value: Value, content: Any) -> Value:  # noqa: ARG002 - most parts are no part of the value
        """`value` with the field's content in it."""
        return value

    def as_labels(self, content: Any, named: Keys) -> dict[str, str]:  # noqa: ARG002 - most parts are no labels
        """The labels that the field's content gives."""
        return {}


class Number(Part):
    """The whole value: a number, or None."""

    place = "value"
    is_number = True

    def read(self, event: Event, named: Keys) -> float | None:  # noqa: ARG002 - the whole value
        """The value; None when it is no number."""
        return event.value if isinstance(event.value, int | float) else None

    def into_value(self, value: Value, content: Any) -> Value:
        """The number, where there is one."""
        return value if content is None else content


class Text(Part):
    """The whole value: a word or a sentence."""

    place = "value"

    def read(self, event: Event, named: Keys) -> str:  # noqa: ARG002 - the whole value
        """The value; empty when it is no text."""
        return event.value if isinstance(event.value, str) else ""

    def into_value(self, value: Value, content: Any) -> Value:
        """The text, where there is one."""
        return content or value


class Entry(Part):
    """One named number of the value."""

    place = "entry"
    is_number = True

    def read(self, event: Event, named: Keys) -> float | None:  # noqa: ARG002 - one key
        """The number; None when there is none of this name."""
        return event.value.get(self.key) if isinstance(event.value, dict) else None

    def into_value(self, value: Value, content: Any) -> Value:
        """`value` and this number, where there is one."""
        if content is None:
            return value
        return {**value, self.key: content} if isinstance(value, dict) else {self.key: content}


class Entries(Part):
    """The named numbers of the value that have no field of their own."""

    place = "entries"
    is_number = True

    def read(self, event: Event, named: Keys) -> dict[str, float] | None:
        """The numbers by name; None when the value holds none and the field is optional."""
        if not isinstance(event.value, dict):
            return None if self.optional else {}
        return {key: number for key, number in event.value.items() if key not in named["entry"]}

    def into_value(self, value: Value, content: Any) -> Value:
        """`value` and these numbers, where there are any."""
        if content is None or not (content or self.optional):
            return value
        return {**(value if isinstance(value, dict) else {}), **content}


class Label(Part):
    """One label."""

    place = "label"

    def read(self, event: Event, named: Keys) -> str:  # noqa: ARG002 - one key
        """The label; empty when there is none of this name."""
        return event.labels.get(self.key, "")

    def as_labels(self, content: Any, named: Keys) -> dict[str, str]:  # noqa: ARG002 - one key
        """The label; none when it may be left out and is empty."""
        return {} if self.optional and not content else {self.key: str(content)}


class Labels(Part):
    """The labels that have no field of their own.

    Their names come from outside. One that is the name of a field is written with an underscore behind it, and so is
    one that differs from such a name in underscores at its end: each is read as what it was.
    """

    place = "labels"

    def read(self, event: Event, named: Keys) -> dict[str, str]:
        """The labels by name."""
        own = named["label"]
        return {
            key[:-1] if key.endswith("_") and key.rstrip("_") in own else key: text
            for key, text in event.labels.items()
            if key not in own
        }

    def as_labels(self, content: Any, named: Keys) -> dict[str, str]:
        """These labels."""
        return {f"{key}_" if key.rstrip("_") in named["label"] else key: text for key, text in content.items()}


class Name(Part):
    """The event's name, which the scenario chooses."""

    place = "name"

    def read(self, event: Event, named: Keys) -> str:  # noqa: ARG002 - the whole name
        """The name."""
        return event.name
