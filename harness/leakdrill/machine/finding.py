"""One line of the examination of this machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the examination.

    Attributes:
        name: the thing that was examined.
        ok: whether a drill can use it.
        required: whether no drill runs without it.
        detail: its version, path or amount, or the reason why it cannot be used.
        hint: what to do about it, when it is not ok.
    """

    name: str
    ok: bool
    required: bool = False
    detail: str
    hint: str = ""

    @property
    def mark(self) -> str:
        """Returns `ok`, `MISSING` when no drill runs without it, `limited` otherwise."""
        return "ok" if self.ok else "MISSING" if self.required else "limited"

    def as_dict(self) -> dict[str, object]:
        """Returns the same facts as JSON."""
        return asdict(self)
