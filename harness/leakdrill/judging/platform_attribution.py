"""A failure after the platform fell silent is not attributed to the service: nobody saw what became of it.

An engine or an API server that goes away takes with it whoever would have told of an OOM kill; steps that need it
fail, and so do requests, whether the service is well or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.trouble import Trouble
from leakdrill.judging.evidence.unwatched import unwatched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.attribution import Attribution
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict

_HINT: Final = "run the drill again when the platform answers"


def excused_by_platform(verdicts: Sequence[Verdict], history: History, attribution: Attribution) -> list[Verdict]:
    """`verdicts`, of which those that failed after the platform fell silent are UNKNOWN and say so."""
    troubles = [Trouble(str(time), time.since.when, (time.since.index,)) for time in unwatched(history)]
    return [attribution.excused(verdict, troubles, hint=_HINT) for verdict in verdicts]
