"""The switch that most leaks have: a flag that their service looks at."""

from __future__ import annotations


class Switched:
    """Off at the start. What has grown is untouched by the switch."""

    def __init__(self) -> None:
        self._on = False

    @property
    def on(self) -> bool:
        """Whether the cause is active now."""
        return self._on

    def switch(self, *, on: bool) -> None:
        """Start or end the cause. Ending it gives nothing back."""
        self._on = on
