"""Counts the alerts whose selectors find the series of a drill: `python benchmarks/public_rules.py PATH…`.

Looked at are the alerts over a container's, a process', a filesystem's, a machine's memory, or a GPU's series. An alert
is found when each of its selectors finds a series of a service that runs as a process with limits, or a recording rule
that comes with it does. With `--missing` the selectors that find nothing are counted by their text.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from leakdrill.alerting.published_series import published_series, unmatched_selectors
from leakdrill.alerting.rule_groups import rules_files
from leakdrill.alerting.rules import AlertRule, Rules, read_rules
from leakdrill.alerting.selectors import selected_series
from leakdrill.errors import BadInput
from leakdrill.scenario.scenario import Scenario

FAMILIES = re.compile(
    r"container_(?:memory|cpu|fs|spec|oom|start|last)|node_(?:memory|filesystem|vmstat_oom)|kubelet_volume_|process_(?:resident|virtual"
    r"|open_fds|max_fds|cpu|start)|kube_pod_container_(?:resource|status)|DCGM_FI_"
)
PLAN = {
    "name": "public/rules",
    "target": {"name": "shop", "command": ["true"], "limits": {"memory": "256MiB", "cpus": 1, "disk": "64MiB"}},
    "load": {"locustfile": "locustfile.py"},
    "phases": {"warmup": "1s", "baseline": "10s", "load": "60s", "mitigate": "10s", "recover": "20s"},
}


@dataclass
class Counted:
    """The alerts that were looked at, and what of them finds nothing."""

    found: int = 0
    missing: list[tuple[AlertRule, list[str]]] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)


def count(paths: list[Path]) -> Counted:
    """Returns what of the alerts in the files that `paths` stand for finds its series."""
    counted = Counted()
    plan = Scenario.model_validate(PLAN)
    for path in (file for given in paths for file in rules_files(given)):
        try:
            rules = read_rules([path])
        except BadInput as e:
            counted.not_read.append(str(e))
            continue
        series = published_series(plan, rules)
        for alert in _of_our_families(rules):
            unmatched = unmatched_selectors(alert, series, rules.recordings)
            if unmatched:
                counted.missing.append((alert, unmatched))
            else:
                counted.found += 1
    return counted


def _of_our_families(rules: Rules) -> list[AlertRule]:
    return [alert for alert in rules.alerts if any(FAMILIES.match(one.name) for one in selected_series(alert.expr))]


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--missing", action="store_true")
    given = parser.parse_args()
    counted = count(given.paths)
    total = counted.found + len(counted.missing)
    print(f"{counted.found} of {total} alerts find their series; {len(counted.not_read)} files were not read")
    if given.missing:
        for text, times in Counter(text for _, texts in counted.missing for text in texts).most_common():
            print(f"{times:5} {text}")


if __name__ == "__main__":
    main()
