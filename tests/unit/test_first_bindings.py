"""The first file of bindings that is written for a runbook: what it tells, and what a person must say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import yaml
from runbook_texts import runbook

from leakdrill.runbooks.bindings import Bindings
from leakdrill.runbooks.called import services
from leakdrill.runbooks.first_bindings import first_bindings
from leakdrill.runbooks.fragment import FragmentKind

if TYPE_CHECKING:
    from leakdrill.runbooks.runbook import Runbook

TEXT = """# Memory
```bash
docker stats gateway --no-stream
docker exec gateway ps aux
docker exec gateway kill -9 <pid>
curl http://localhost:8000/health
curl http://localhost:9090/api/v1/query
curl http://grafana.example.com/d/memory
kubectl logs -n <namespace> <ticket>
docker-compose restart redis
frobnicate --all
```
"""


def read() -> Runbook:
    """The runbook, whose requests have their hosts, and in which one command is not known."""
    found = runbook(TEXT, kinds={"frobnicate --all": FragmentKind.UNKNOWN})
    with_hosts = [
        replace(one, hosts=(one.text.split("/")[2],)) if one.text.startswith("curl") else one for one in found.fragments
    ]
    return replace(found, fragments=tuple(with_hosts))


def test_the_services_are_found_by_what_is_done_to_them():
    assert services(read()) == {"gateway": [3, 4, 5], "redis": [10]}


def test_what_can_be_told_is_told_and_the_rest_is_null():
    text = first_bindings(read(), alert="HighMemoryUsage", target=None)
    assert yaml.safe_load(text) == {
        "alert": "HighMemoryUsage",
        "target": ["gateway"],
        "placeholders": {"pid": "@{pid}", "namespace": "@{namespace}", "ticket": None},
        "hosts": {"localhost:8000": "@{url}", "localhost:9090": "@{prometheus}", "grafana.example.com": None},
    }
    Bindings.model_validate(yaml.safe_load(text))


def test_every_row_says_where_it_comes_from_and_what_is_not_known():
    text = first_bindings(read(), alert=None, target=None)
    assert "target: [gateway]  # lines 3, 4, 5" in text
    assert "redis (line 10)" in text
    assert '"ticket": null  # line 9; nobody knows: give it a value' in text
    assert "#   - {line: 11, skip: why}  # frobnicate --all" in text


def test_the_target_of_the_scenario_goes_before_what_is_named_most_often():
    assert "target: [redis]" in first_bindings(read(), alert=None, target="redis")
    assert "target: [gateway]" in first_bindings(read(), alert=None, target="shop")


def test_a_runbook_without_services_has_the_scenarios_target_or_none():
    empty = runbook("# Memory\n")
    assert yaml.safe_load(first_bindings(empty, alert=None, target="shop"))["target"] == ["shop"]
    assert yaml.safe_load(first_bindings(empty, alert=None, target=None))["target"] == []
