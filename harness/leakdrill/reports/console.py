"""The console on which everything for a person is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.segment import Segment

from leakdrill.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import ConsoleOptions, RenderableType

_UNCUT: Final = 10_000
"""Columns of what is no terminal: no row of a table is longer."""


class SafeConsole(Console):
    """A console on which text from outside moves no cursor and gives no command, wherever it stands.

    What is laid out in columns is escaped before, by `printable`, so that its width is known; this is for all else.
    """

    def __init__(self, *, stderr: bool = False, **settings: Any) -> None:
        """Takes what `Console` takes; `[bold]` and `:smile:` are text like any other.

        A pipe or a file has no width, so nothing is wrapped or cut for it, unless COLUMNS or `width` asks for that.
        """
        super().__init__(stderr=stderr, markup=False, emoji=False, **settings)
        self.uncut = self._width is None and not self._is_shown()
        if self.uncut:
            self.width = _UNCUT

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yields the segments of `renderable`, harmless where they are text."""
        rendered = super().render(renderable, options)
        for segment in _without_padding(rendered) if self.uncut else rendered:
            if segment.control or not segment.text:
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)

    def _is_shown(self) -> bool:
        """Whether it writes to a terminal; a colour that is forced makes none of a pipe."""
        try:
            return self.file.isatty()
        except (OSError, ValueError):
            return False


def _without_padding(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The segments without the spaces at the ends of lines: a column is as wide as its longest sentence."""
    held: list[Segment] = []
    for segment in segments:
        if segment.control:
            yield segment
            continue
        for at, line in enumerate(segment.text.split("\n")):
            if at:
                held.clear()
                yield Segment("\n")
            text = line.rstrip(" ")
            if text:
                yield from held
                held.clear()
                yield Segment(text, segment.style)
            if line != text:
                held.append(Segment(line[len(text) :], segment.style))
    yield from held
