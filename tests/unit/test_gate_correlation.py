"""Which requests the growth goes with is said when the mix tells, and not otherwise."""

import numpy as np

from leakdrill.judging.leak.correlation import correlating_requests
from leakdrill.record.history import Event, History


def run(cost, *, slots=16, noise=0.0, vary=True, blocks=True):
    """Slots of a thousand requests of two kinds in a mix that varies by chance; each kind leaves `cost` blocks."""
    rng = np.random.default_rng(5)
    events, made, held = [], {"POST /predict": 0.0, "GET /health": 0.0}, 50_000.0
    for n in range(slots):
        health = float(rng.binomial(1000, 0.1)) if vary else 100.0
        made = {"POST /predict": made["POST /predict"] + 1000 - health, "GET /health": made["GET /health"] + health}
        held += cost[0] * (1000 - health) + cost[1] * health + rng.normal(0, noise)
        slot = {"requests": 1000.0 * n, **({"blocks": held} if blocks else {})}
        for name, value in (("slot", slot), ("requests_by_name", dict(made))):
            events.append(
                Event(
                    index=len(events), t=float(n), phase="slots", source="gate", kind="sample", name=name,
                    value=value, labels={"build": "candidate", "corpus": "open"},
                )
            )  # fmt: skip
    return correlating_requests(History(events), build="candidate", corpus="open")


def test_the_kind_that_leaks_is_named_and_the_other_is_cleared():
    assert run((2.0, 0.0)) == ["it grows with POST /predict (2.0 blocks each), not with GET /health"]
    assert run((0.0, 3.0)) == ["it grows with GET /health (3.0 blocks each), not with POST /predict"]


def test_two_kinds_that_leak_differently_are_both_named():
    (clause,) = run((2.0, 7.0))
    assert "POST /predict (2.0 blocks each)" in clause
    assert "GET /health (7.0 blocks each)" in clause


def test_nothing_is_said_when_the_mix_does_not_tell():
    assert run((2.0, 2.0)) == []
    assert run((2.0, 0.0), vary=False) == []
    assert run((2.0, 0.0), noise=5000.0) == []
    assert run((2.0, 0.0), slots=6) == []
    assert run((2.0, 0.0), blocks=False) == []
    assert correlating_requests(History([]), build="candidate", corpus="open") == []
