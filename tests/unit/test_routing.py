"""Alertmanager's routing tree is kept, its waits are divided, and its receivers lead to our webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leakdrill.alerting.routing import default_routing, read_routing
from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:9/notify"
CONFIG = """\
global: {resolve_timeout: 10m, slack_api_url: 'https://example.invalid/x'}
templates: ['*.tmpl']
route:
  receiver: team/pager
  group_by: [alertname]
  group_interval: 10m
  routes:
    - matchers: ['severity="warning"']
      receiver: chat
      group_wait: 1m
      mute_time_intervals: [nights]
receivers:
  - name: team/pager
    pagerduty_configs: [{service_key: secret}]
  - name: chat
    slack_configs: [{channel: '#alerts'}]
inhibit_rules:
  - {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [alertname]}
time_intervals:
  - {name: nights, time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]}
"""


def test_the_default_groups_by_alert_and_severity() -> None:
    """Without a file there is one receiver, with Alertmanager's default waits divided."""
    routing = default_routing(scale=60, webhook_url=URL)
    assert routing.receivers == ("drill",)
    assert routing.config["route"] == {
        "group_wait": "500ms",
        "group_interval": "5s",
        "repeat_interval": "4m",
        "receiver": "drill",
        "group_by": ["alertname", "severity"],
    }


def test_a_tree_keeps_its_shape_and_loses_its_integrations(tmp_path: Path) -> None:
    """Matchers, inhibitions and names stay; waits are divided; nothing that could page anyone remains."""
    source = tmp_path / "alertmanager.yml"
    source.write_text(CONFIG)
    routing = read_routing(source, scale=60, webhook_url=URL)
    config = routing.config
    child = config["route"]["routes"][0]
    assert (config["route"]["group_wait"], config["route"]["group_interval"]) == ("500ms", "10s")
    assert (child["group_wait"], child["matchers"]) == ("1s", ['severity="warning"'])
    assert config["global"] == {"resolve_timeout": "10s"}
    assert config["receivers"][0] == {
        "name": "team/pager",
        "webhook_configs": [{"url": f"{URL}/team%2Fpager", "send_resolved": True}],
    }
    assert set(config) == {"route", "inhibit_rules", "time_intervals", "global", "receivers"}
    assert "secret" not in str(config)
    (remark,) = routing.remarks
    assert remark.startswith("alertmanager.yml:11: mute_time_intervals: the calendar does not run faster")


def test_waits_stay_above_what_alertmanager_accepts() -> None:
    """However large the scale, intervals do not become zero."""
    route = default_routing(scale=1e6, webhook_url=URL).config["route"]
    assert (route["group_interval"], route["repeat_interval"]) == ("100ms", "1s")


@pytest.mark.parametrize(
    ("receivers", "told"),
    [
        ("[{name: a}, {name: b}]", ["a", "b"]),
        ("[{name: a}, {name: 'null'}]", ["a"]),
        ("[{name: nobody}]", []),
        ("[{name: a, webhook_configs: [{url: http://x}]}, {name: b}]", ["a"]),
        ("[{name: a, webhook_configs: []}, {name: b, slack_configs: [{}]}]", ["b"]),
    ],
)
def test_a_receiver_that_notifies_nobody_notifies_nobody_here(tmp_path: Path, receivers: str, told: list[str]) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(f"route: {{receiver: {'nobody' if 'nobody' in receivers else 'a'}}}\nreceivers: {receivers}\n")
    routing = read_routing(file, scale=1, webhook_url="http://127.0.0.1:1/notify")
    assert [one["name"] for one in routing.config["receivers"] if "webhook_configs" in one] == told
    assert len(routing.remarks) == len(routing.receivers) - len(told)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("group_wait: 1m", "group_wait: soon", ':10: route.routes[0].group_wait: "soon" is not a duration'),
        ("receiver: chat", "receiver: chta", ':9: route.routes[0].receiver: there is no receiver "chta"; expected one'),
        ("  receiver: team/pager\n", "", ":3: route: names no receiver"),
        ("resolve_timeout: 10m", "resolve_timeout: 1.5m", ':1: global.resolve_timeout: "1.5m" is not a duration'),
        ("route:\n", "rout:\n", ":1: the file: has no route"),
        ("- name: team/pager", "- pager: x", ":13: receivers[0].name: is missing"),
        ("- name: team/pager", "- team/pager\n  - name: x", ":13: receivers[0]: found "),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    """A configuration that cannot be used is refused with file, line and path."""
    source = tmp_path / "alertmanager.yml"
    source.write_text(CONFIG.replace(old, new, 1).replace("    pagerduty_configs: [{service_key: secret}]\n", ""))
    with pytest.raises(BadInput) as caught:
        read_routing(source, scale=60, webhook_url=URL)
    assert str(caught.value).startswith(f"{source}{says}")
