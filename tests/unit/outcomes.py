"""Which outcomes of which claims each unit test sees: made by the judging code itself, not by the test.

`claim_outcomes.json` names one test for each outcome of each claim. A test that is named there and no longer gets
that outcome fails. To write the file anew, after a change of tests or claims:

    LEAKDRILL_RECORD_OUTCOMES=1 pytest tests/unit -p no:xdist
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.judging.claims import all_claims
from leakdrill.record.verdict import Verdict

if TYPE_CHECKING:
    from types import FrameType

FILE: Final = Path(__file__).with_name("claim_outcomes.json")
RECORD: Final = "LEAKDRILL_RECORD_OUTCOMES"

Made = tuple[str, str]
"""A claim, such as `run memory_returns_to_baseline`, and an outcome."""

_JUDGING: Final = "leakdrill.judging."
_WORDING: Final = (f"{_JUDGING}evidence.claim", f"{_JUDGING}evidence.check")


def watch_verdicts(made: list[Made], verdicts: list[Verdict]) -> Any:
    """Returns an initialiser for `Verdict` that notes in `made` and `verdicts` what the judging code makes."""
    original = Verdict.__init__

    def noted(self: Verdict, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        module = _maker()
        if module.startswith(_JUDGING):
            made.append((f"{_command(module)} {self.check}", str(self.outcome)))
            verdicts.append(self)

    return noted


def _maker() -> str:
    """The module of the judging code that made a verdict, behind those that only word it; empty when none did."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals["__name__"])
        if module.startswith(_JUDGING) and module not in _WORDING:
            return module
        frame = frame.f_back
    return ""


def _command(module: str) -> str:
    folder = module.removeprefix(_JUDGING).partition(".")[0]
    return {"leak": "gate", "watch": "watch"}.get(folder, "run")


def promised() -> dict[str, dict[str, str]]:
    """The test of each outcome, by claim."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def promises_of(test: str) -> set[Made]:
    """Returns the outcomes for which `test` is named."""
    return {
        (claim, outcome) for claim, tests in promised().items() for outcome, named in tests.items() if named == test
    }


def record(made_by_test: dict[str, set[Made]]) -> None:
    """Write which test gets which outcome: the one named so far, or of several the one that gets the fewest others."""
    known = ((claim, outcome, by) for claim, tests in promised().items() for outcome, by in tests.items())
    best = {(claim, o): by for claim, o, by in known if by not in made_by_test or (claim, o) in made_by_test[by]}
    for test, made in sorted(made_by_test.items(), key=lambda item: (len(item[1]), item[0])):
        for one in made:
            best.setdefault(one, test)
    claims = [f"{claim.command} {claim.name}" for claim in all_claims()]
    table = {claim: {o: best[claim, o] for o in ("PASS", "FAIL", "UNKNOWN") if (claim, o) in best} for claim in claims}
    FILE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
