"""Annotations in a Grafana: https://grafana.com/docs/grafana/latest/developers/http_api/annotations/.

Whatever is there already is left as it is, so that a run may be exported twice.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from leakdrill.code_hosts.answer import Answer, Id, Part
from leakdrill.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.code_hosts.api import Api
    from leakdrill.exports.moments import Moment

_TAG: Final = "leakdrill"
_MS_IN_NS: Final = 1_000_000
_MOST: Final = 10_000
_TOLD: Final = ("drill", "leak", "step", "restart", "kill", "alert", "delivery")
"""Phases are left out: on a dashboard of production's they say nothing."""


class _Annotation(Part):
    time: int
    text: str | None = None


class _Made(Part):
    id: Id


_ANNOTATIONS: Final[Answer[list[_Annotation]]] = Answer(list[_Annotation], "a list of annotations")
_MADE: Final[Answer[_Made]] = Answer(_Made, "the id of the annotation that was made")


def push_annotations(
    api: Api, moments: Sequence[Moment], *, run_id: str, scenario: str, dashboard: str = ""
) -> tuple[int, int]:
    """Makes an annotation of each moment that has none yet.

    Args:
        api: of the Grafana, with a token that may write annotations.
        moments: of one run.
        run_id: by which its annotations are found again.
        scenario: a tag of each.
        dashboard: the uid of the dashboard; empty for all.

    Returns:
        How many were made, and how many were there.

    Raises:
        EnvironmentProblem: when Grafana does not answer, or does not allow it.
    """
    wanted = [_annotation(one, run_id, scenario, dashboard) for one in moments if one.kind in _TOLD]
    there = {(one.time, one.text) for one in _existing(api, run_id)}
    new = [one for one in wanted if (one["time"], one["text"]) not in there]
    for one in new:
        api.call("POST", "/api/annotations", _MADE, one)
    return len(new), len(wanted) - len(new)


def _existing(api: Api, run_id: str) -> list[_Annotation]:
    path = f"/api/annotations?type=annotation&limit={_MOST}&tags={quote(_run_tag(run_id))}"
    return api.call("GET", path, _ANNOTATIONS)


def _annotation(moment: Moment, run_id: str, scenario: str, dashboard: str) -> dict[str, Any]:
    text = f"{moment.name}: {moment.detail}" if moment.detail else moment.name
    place = {"dashboardUID": dashboard} if dashboard else {}
    return {
        **place,
        "time": moment.start_ns // _MS_IN_NS,
        "timeEnd": moment.end_ns // _MS_IN_NS,
        "tags": [_TAG, moment.kind, printable(f"scenario:{scenario}"), _run_tag(run_id)],
        "text": escape(text, quote=False),
    }


def _run_tag(run_id: str) -> str:
    return printable(f"run:{run_id}")
