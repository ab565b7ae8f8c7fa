"""The console on which everything for a person is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

from leakdrill.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType


class SafeConsole(Console):
    """A console on which text from outside moves no cursor and gives no command, wherever it stands.

    What is laid out in columns is escaped before, by `printable`, so that its width is known; this is for all else.
    """

    def __init__(self, *, stderr: bool = False, **settings: Any) -> None:
        """Takes what `Console` takes; `[bold]` and `:smile:` are text like any other."""
        super().__init__(stderr=stderr, markup=False, emoji=False, **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yields the segments of `renderable`, harmless where they are text."""
        for segment in super().render(renderable, options):
            if segment.control or not segment.text:
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)
