"""The base of the catalogue of events: a class for each event, its fields, and where a line of the record holds them.

A class says with `Annotated` what each field means and which part of the line holds it: `Number` and `Text` are the
whole value, `Entry` is one of several named numbers in it, `Entries` all of them that have no field of their own;
`Label` and `Labels` are the same for the labels, and `Name` is the event's name where the scenario chooses it.

Reading never raises: the record may be old, or of another program. A part of an unexpected shape becomes None (a
number), "" (a text) or empty (several).
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - get_type_hints evaluates the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self, get_type_hints

from leakdrill.record.event import Event
from leakdrill.record.parts import Entries, Entry, Keys, Label, Labels, Part, Text

if TYPE_CHECKING:
    from leakdrill.record.event import Kind, Value


@dataclass(frozen=True, kw_only=True)
class EventClass:
    """One event of the record, with its fields.

    Attributes:
        index: position in the record; -1 for one that is not yet written.
        t: seconds since the start of the run when it was written.
        kind: `sample` for a reading; for an act `begin`, `ok`, `failed` or `unknown`.
        run_phase: the phase of the run in which it was written.
        at: seconds since the start by the source's own clock, where it has one.
        source: the `source` of its lines.
        event_name: the `name` of its lines; empty where the scenario chooses it.
        written_by: the folders of the package that write it.
        read_by: the folders of the package that read it.
        for_people: why nothing but people reads it; empty where code does.
    """

    index: int = -1
    t: float = 0.0
    kind: Kind = "sample"
    run_phase: str = ""
    at: float | None = None

    source: ClassVar[str] = ""
    event_name: ClassVar[str] = ""
    is_act: ClassVar[bool] = False
    written_by: ClassVar[tuple[str, ...]] = ()
    read_by: ClassVar[tuple[str, ...]] = ()
    for_people: ClassVar[str] = ""

    def __init_subclass__(
        cls,
        *,
        source: str = "",
        name: str = "",
        written_by: tuple[str, ...] = (),
        read_by: tuple[str, ...] = (),
        for_people: str = "",
    ) -> None:
        """Take the source and the name of the lines, their writers and their readers from the class's head."""
        super().__init_subclass__()
        cls.source, cls.event_name = source or cls.source, name
        cls.written_by, cls.read_by, cls.for_people = written_by, read_by, for_people

    @property
    def when(self) -> float:
        """`at` where the source has a clock of its own, else `t`."""
        return self.t if self.at is None else self.at

    @classmethod
    def parts(cls) -> Mapping[str, Part]:
        """The part of a line that each field stands for, by the field's name."""
        if cls not in _PARTS:
            _PARTS[cls] = _find_parts(cls)
        return _PARTS[cls]

    @classmethod
    def _keys(cls) -> Keys:
        if cls not in _KEYS:
            parts = cls.parts().values()
            _KEYS[cls] = {
                place: frozenset(part.key for part in parts if part.place == place) for place in ("entry", "label")
            }
        return _KEYS[cls]

    @classmethod
    def entry_of(cls, field_name: str) -> str:
        """The entry of the value in which `field_name` lies.

        Raises:
            KeyError: when the class has no such field, and no room for others.
        """
        part = cls.parts().get(field_name)
        if isinstance(part, Entry):
            return part.key
        if not any(isinstance(other, Entries) and other.meaning for other in cls.parts().values()):
            raise KeyError(f"{cls.__name__} has no entry {field_name}")
        return field_name

    @classmethod
    def matches(cls, event: Event) -> bool:
        """Whether `event` is one of this class."""
        same = event.source == cls.source and (event.kind != "sample") == cls.is_act
        return same and (not cls.event_name or event.name == cls.event_name)

    @classmethod
    def read(cls, event: Event) -> Self | None:
        """The typed form of `event`, or None when it is one of another class."""
        return cls.from_event(event) if cls.matches(event) else None

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """The typed form of a line; parts of an unexpected shape become None, "" or empty."""
        fields = {name: part.read(event, cls._keys()) for name, part in cls.parts().items()}
        return cls(index=event.index, t=event.t, kind=event.kind, run_phase=event.phase, at=event.at, **fields)

    def to_event(self) -> Event:
        """The line of the record that it is."""
        return Event(
            index=self.index, t=self.t, phase=self.run_phase, source=self.source, kind=self.kind,
            name=self.line_name(), value=self.line_value(), labels=self.line_labels(), at=self.at,
        )  # fmt: skip

    def line_name(self) -> str:
        """The `name` of the line."""
        chosen = [str(getattr(self, name)) for name, part in self.parts().items() if part.place == "name"]
        return chosen[0] if chosen else self.event_name

    def line_value(self) -> Value:
        """The `value` of the line."""
        value: Value = None
        for name, part in self.parts().items():
            value = part.into_value(value, getattr(self, name))
        return value

    def line_labels(self) -> dict[str, str]:
        """The `labels` of the line."""
        labels: dict[str, str] = {}
        for name, part in self.parts().items():
            labels |= part.as_labels(getattr(self, name), self._keys())
        return labels


@dataclass(frozen=True)
class Sample(EventClass):
    """Something that was read or noticed."""

    @classmethod
    def of(cls, values: Mapping[str, float], /, **labels: str) -> Self:
        """The event with `values`, by the names of the entries, and with fields that are labels."""
        parts = cls.parts()
        named = {part.key: name for name, part in parts.items() if isinstance(part, Entry)}
        others = next(name for name, part in parts.items() if isinstance(part, Entries))
        fields: dict[str, Any] = {named[key]: value for key, value in values.items() if key in named}
        fields[others] = {key: value for key, value in values.items() if key not in named}
        return cls(**fields | labels)


@dataclass(frozen=True)
class Reading(Sample):
    """A meter's reading: several named numbers, or none and the reason in `error`.

    Attributes:
        others: entries that the class does not name.
    """

    requests: Annotated[float | None, Entry("requests that the target had completed", "count")] = field(
        default=None, kw_only=True
    )
    error: Annotated[str, Label("why there is no reading", optional=True)] = field(default="", kw_only=True)
    others: Annotated[Mapping[str, float], Entries("")] = field(default_factory=dict, kw_only=True)

    @classmethod
    def line_value_of(cls, values: Mapping[str, float]) -> Value:
        """What `of(values).line_value()` returns, without the object between: a drill has dozens of them a second."""
        if cls not in _ORDERS:
            _ORDERS[cls] = _find_order(cls)
        before, after = _ORDERS[cls]
        named = cls._keys()["entry"]
        ordered = {key: value for key in before if (value := values.get(key)) is not None}
        if not values.keys() <= named:
            ordered.update({key: value for key, value in values.items() if key not in named})
        ordered.update({key: value for key in after if (value := values.get(key)) is not None})
        return ordered or None

    @classmethod
    def labels_of_none(cls) -> dict[str, str]:
        """The labels of a reading none of whose labels is given."""
        if cls not in _LABELS:
            _LABELS[cls] = cls().line_labels()
        return dict(_LABELS[cls])

    @property
    def values(self) -> dict[str, float]:
        """All its numbers by the names of the entries; empty when nothing was read."""
        value = self.line_value()
        return dict(value) if isinstance(value, dict) else {}


@dataclass(frozen=True)
class ActEvent(EventClass):
    """A line of something that the drill did: its begin or its end.

    Attributes:
        reason: what the end says of an act whose outcome nobody knows.
        error: why it failed.
        act: the number that the lines of one act share.
        more: labels that the class does not name.
    """

    is_act: ClassVar[bool] = True

    reason: Annotated[str, Text("why nobody can say how it ended", at_end=True)] = field(default="", kw_only=True)
    error: Annotated[str, Label("why it failed", optional=True, at_end=True)] = field(default="", kw_only=True)
    act: Annotated[str, Label("the number that the lines of one act share", optional=True)] = field(
        default="", kw_only=True
    )
    more: Annotated[Mapping[str, str], Labels("")] = field(default_factory=dict, kw_only=True)


def _find_parts(cls: type[EventClass]) -> dict[str, Part]:
    hints = get_type_hints(cls, localns=_UNRESOLVED, include_extras=True)
    return {
        name: part.named(name)
        for name, hint in hints.items()
        for part in getattr(hint, "__metadata__", ())
        if isinstance(part, Part)
    }


def _find_order(cls: type[Reading]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The entries that a line has before those that the class does not name, and those after them."""
    parts = list(cls.parts().items())
    at = next(place for place, (name, _) in enumerate(parts) if name == "others")
    before, after = (
        tuple(part.key for _, part in some if isinstance(part, Entry)) for some in (parts[:at], parts[at:])
    )
    return before, after


_UNRESOLVED: Final[dict[str, object]] = {"Kind": str}
_PARTS: Final[dict[type[EventClass], Mapping[str, Part]]] = {}
_KEYS: Final[dict[type[EventClass], Keys]] = {}
_ORDERS: Final[dict[type[Reading], tuple[tuple[str, ...], tuple[str, ...]]]] = {}
_LABELS: Final[dict[type[Reading], Mapping[str, str]]] = {}
