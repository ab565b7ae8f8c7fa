"""Runs one check: a check that breaks is UNKNOWN, and hides no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.judging.evidence.claim import Claim
    from leakdrill.record.verdict import Verdict


def run_check(claim: Claim, check: Callable[[], Verdict]) -> Verdict:
    """The verdict of `check`; UNKNOWN, naming the exception, when it raises."""
    try:
        return check()
    except Exception as e:  # noqa: BLE001 - whatever is wrong with one check must not become a PASS, nor hide the rest
        return claim.unknown(
            f"the check itself broke: {type(e).__name__}: {e}",
            hint="this is a mistake in Leakdrill; report it with the run folder",
        )
