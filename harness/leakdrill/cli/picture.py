"""The picture that `leakdrill report --svg` and `--png` write beside the reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.record.history import read_history
from leakdrill.reports.page.run_page import run_content
from leakdrill.reports.picture.timeline_svg import timeline_svg

if TYPE_CHECKING:
    from leakdrill.judging.analyze import JudgedRun
    from leakdrill.record.store import RunFolder

SVG: Final = "timeline.svg"
PNG: Final = "timeline.png"
_TWICE: Final = 2
"""The picture in twice its size, so that it is sharp on any screen."""


def pictures(folder: RunFolder, judged: JudgedRun, *, svg: bool, png: bool) -> dict[str, str | bytes]:
    """Returns the files that were asked for.

    Args:
        folder: the run.
        judged: what was found in it.
        svg: whether to draw it as SVG.
        png: whether to draw it as PNG.

    Raises:
        BadInput: when the run has nothing to draw.
        EnvironmentProblem: when the extra `png` is not installed.
    """
    if not (svg or png):
        return {}
    drawn = timeline_svg(run_content(folder, judged.verdicts, judged.history or read_history(folder.history)))
    if drawn is None:
        raise BadInput(f"{folder.path}: nothing was measured, so there is nothing to draw")
    files: dict[str, str | bytes] = {SVG: drawn} if svg else {}
    return files | ({PNG: _as_png(drawn)} if png else {})


def _as_png(drawn: str) -> bytes:
    try:
        import resvg_py  # noqa: PLC0415 - an extra
    except ImportError as e:
        raise EnvironmentProblem(
            "--png: the package resvg-py is not installed", hint="pip install 'leakdrill[png]', or take --svg"
        ) from e
    return bytes(resvg_py.svg_to_bytes(svg_string=drawn, zoom=_TWICE))
