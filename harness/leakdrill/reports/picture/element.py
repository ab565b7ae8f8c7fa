"""Elements of SVG as text; every text and every value of an attribute is escaped."""

from __future__ import annotations

from html import escape

from leakdrill.printable import printable


def element(name: str, *children: str, **attributes: float | str) -> str:
    """An element with `children`, which are elements already; `text_anchor` is the attribute `text-anchor`."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{given}>{''.join(children)}</{name}>" if children else f"<{name}{given}/>"


def text(content: str, x: float, y: float, **attributes: float | str) -> str:
    """A line of text that begins, or ends, at `x`, on the base line `y`."""
    return element("text", escape(printable(content)), x=x, y=y, **attributes)


def titled(content: str) -> str:
    """What a reader is told in the place of what it stands in."""
    return element("title", escape(printable(content)))


def _value(value: float | str) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
