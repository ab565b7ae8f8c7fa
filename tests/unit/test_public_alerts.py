"""Of published alerts, as their selectors are, most find the series of a drill; what they do not find is known.

`public_alerts.tsv` holds facts of alerts in public collections, one a line: the collection, the alert's name, what its
selectors find, and the selectors without which it cannot fire: all that `&` joins, one of those that `or` joins.
Recording rules are replaced by what they are made of. `another's` is an alert that names another product's job,
container or installation: that it finds nothing here is right, and `leakdrill check` says so.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from leakdrill.alerting.published_series import published_series, unmatched_selectors
from leakdrill.alerting.rules import AlertRule, Rules
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS: Final = Path(__file__).parent / "public_alerts.tsv"
SCENARIO: Final = Scenario.model_validate({
    "name": "shop/public-alerts",
    "target": {
        "name": "shop",
        "command": ["true"],
        "limits": {"memory": "128MiB", "cpus": 1, "disk": "64MiB"},
        "gpu": {"devices": [0]},
    },
    "load": {"locustfile": "locustfile.py"},
})  # fmt: skip
LEAST_TRIED: Final = 233
LEAST_FOUND: Final = 0.86


class PublicAlert(NamedTuple):
    """One line of the facts."""

    collection: str
    name: str
    finds: str
    selectors: str

    def rule(self) -> AlertRule:
        """A rule that needs the same selectors."""
        expr = " and on () ".join(f"({alternatives})" for alternatives in self.selectors.split(" & "))
        return AlertRule(
            name=self.name, labels={}, expr=expr, for_s=0.0, keep_firing_for_s=0.0, group="facts", file=FACTS, line=1
        )


def alerts() -> Iterator[PublicAlert]:
    for line in FACTS.read_text(encoding="utf-8").splitlines():
        yield PublicAlert(*line.split("\t"))


def missing_selectors(rule: AlertRule) -> list[str]:
    rules = Rules((), (rule,))
    return unmatched_selectors(rule, published_series(SCENARIO, rules))


@pytest.mark.parametrize("collection", sorted({alert.collection for alert in alerts()}))
def test_the_alerts_of_a_collection_find_what_they_are_known_to_find(collection: str) -> None:
    """Whatever changes here changes what people's rules find: both ways on purpose only."""
    changed = {
        alert.name: missing
        for alert in alerts()
        if alert.collection == collection
        and (not (missing := missing_selectors(alert.rule()))) != (alert.finds == "found")
    }
    assert changed == {}


def test_enough_alerts_are_tried_and_most_find_their_series() -> None:
    counts = Counter(alert.finds for alert in alerts())
    assert counts.total() >= LEAST_TRIED
    assert set(counts) <= {"found", "another's", "missing"}
    assert counts["found"] / (counts["found"] + counts["missing"]) >= LEAST_FOUND


def test_a_mistyped_selector_is_not_found() -> None:
    alert = PublicAlert("own", "Mistyped", "missing", 'container_memory_usage_bytes{container="shopp"} & node_load1')
    assert missing_selectors(alert.rule()) == ['container_memory_usage_bytes{container="shopp"}']
