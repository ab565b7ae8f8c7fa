"""The settings of `/admin/config`, validated before any of them takes effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that can be set while the service runs.

    Attributes:
        kind: what may be set.
        show: reads the value in force.
        change: puts another in force; it is of the kind.
    """

    kind: Kind
    show: Callable[[], object]
    change: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """The values that a setting accepts: in words, and as a test."""

    expected: str
    fits: Callable[[Any], bool]


def whole(least: int, most: int) -> Kind:
    """A whole number from `least` to `most`."""

    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return Kind(f"a whole number, {least} to {most}", fits)


def above_zero(most: float) -> Kind:
    """A number above 0, at most `most`."""

    def fits(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most

    return Kind(f"a number above 0, at most {most}", fits)


def from_zero(most: float) -> Kind:
    """A number from 0, which means off, to `most`."""

    def fits(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most

    return Kind(f"a number, 0 (off) to {most}", fits)


def flag() -> Kind:
    """True or false."""
    return Kind("true or false", lambda value: isinstance(value, bool))


def one_of(names: Collection[str]) -> Kind:
    """One of the names."""
    return Kind(f"one of {', '.join(names)}", lambda value: value in names)


def attribute(kind: Kind, owner: object, name: str) -> Setting:
    """A setting that is an attribute of `owner`."""
    return Setting(kind, lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


class Settings:
    """The settings of one service, by name."""

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        self._settings = dict(settings)

    def show(self) -> dict[str, object]:
        """Every setting and its value."""
        return {name: setting.show() for name, setting in self._settings.items()}

    def change(self, wanted: Any) -> None:
        """Set what `wanted` names; nothing of it when any part is wrong.

        Raises:
            ValueError: names the setting, what was found and what is expected.
        """
        if not isinstance(wanted, dict):
            raise ValueError(f"found {type(wanted).__name__}; expected an object of settings")  # noqa: TRY004 - input
        for name, value in wanted.items():
            self._check(name, value)
        for name, value in wanted.items():
            self._settings[name].change(value)

    def _check(self, name: str, value: Any) -> None:
        if name not in self._settings:
            raise ValueError(f"{name}: is no setting; expected one of {', '.join(self._settings)}")
        kind = self._settings[name].kind
        if not kind.fits(value):
            raise ValueError(f"{name}: found {value!r}; expected {kind.expected}")
