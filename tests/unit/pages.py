"""The page of a literal drill, and what a test takes out of it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from histories import complete, drill, plan

from leakdrill.judging.drill import judge
from leakdrill.record.store import RunInfo
from leakdrill.reports.page.drill_page import drill_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from histories import Record

    from leakdrill.record.verdict import Verdict
    from leakdrill.reports.page.content import Page
    from leakdrill.scenario.scenario import Scenario


def page_of(
    record: Record | None = None, scenario: Scenario | None = None, verdicts: Sequence[Verdict] | None = None
) -> Page:
    """The page of `record`, or of a drill that passes."""
    scenario = scenario or plan()
    history = (record or complete(drill())).history()
    info = RunInfo(
        run_id="gateway-20260101",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        scenario_file="gateway.yaml",
        scenario=scenario,
        versions={"python": "3.11"},
        machine={"cpus": 2, "memory_bytes": 2**34},
    )
    return drill_page(history, info, judge(history, scenario, info.machine) if verdicts is None else verdicts)


def data_of(html: str) -> Any:
    """The data of the charts in a page."""
    packed = re.search(r'<script type="text/plain" id="data">(.*?)</script>', html, re.DOTALL)
    assert packed is not None
    return json.loads(zlib.decompress(base64.b64decode(packed[1])))
