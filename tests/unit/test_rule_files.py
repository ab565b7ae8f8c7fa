"""Rules and routings are found in the files that people have, with their lines; other files are named."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

import pytest
import yaml

from leakdrill.alerting.routing import read_routing
from leakdrill.alerting.rules import read_rules
from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GROUP = """\
- name: shop
  rules:
  - alert: CartMemoryHigh
    expr: a{b="c"} > 1
    for: 5m
    labels: {page: yes, code: 010, version: 1.10, at: 12:30:00}
"""
ROUTING = """\
route:
  receiver: ops
  routes:
  - receiver: ops
    match: {page: yes, code: 010}
    continue: true
receivers:
- name: ops
"""


def indented(text: str, spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}\n" for line in text.splitlines())


PLAIN = f"groups:\n{indented(GROUP, 0)}"
OPERATOR = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: shop}\nspec:\n  groups:\n"
CONFIG_MAP = "kind: ConfigMap\nmetadata: {name: rules}\ndata:\n  run.sh: |\n    groups\n    : {{ [\n  a.yaml: |\n"
LOGQL = """'sum(rate({a="b"} |= "error" [5m])) > 1'"""
MATCHER = """matchers: ['a=~"("']"""
SECRET = json.dumps({"kind": "Secret", "data": {"a.yaml": base64.b64encode(PLAIN.encode()).decode(), "b": "/w=="}})
SOURCES = {
    "a rules file": (PLAIN, 4),
    "a manifest of the operator": (OPERATOR + indented(GROUP, 2), 8),
    "one of VictoriaMetrics": (OPERATOR.replace("PrometheusRule", "VMRule") + indented(GROUP, 2), 8),
    "a List": (f"kind: List\nitems:\n- kind: Service\n- spec:\n    groups:\n{indented(GROUP, 4)}", 8),
    "several documents": (f"kind: Service\n---\n---\n{OPERATOR}{indented(GROUP, 2)}", 11),
    "a ConfigMap": (CONFIG_MAP + indented(PLAIN, 4), 11),
    "a Secret": (SECRET, 4),
    "a bare list of groups": (GROUP, 3),
    "a bare group": (GROUP.replace("- name", "  name", 1), 3),
    "a chart's values": (f"prometheus:\n  serverFiles:\n    rules:\n      groups:\n{indented(GROUP, 6)}", 7),
    "JSON": (json.dumps(yaml.safe_load(PLAIN)), 1),
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "rules.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("name", SOURCES)
def test_rules_are_found_with_their_line(write: Callable[..., Path], tmp_path: Path, name: str) -> None:
    text, line = SOURCES[name]
    rules = read_rules([write(text)])
    (alert,) = rules.alerts
    assert (alert.name, alert.for_s, alert.line) == ("CartMemoryHigh", 300, line)
    (written,) = rules.write(tmp_path / "out", 60).files
    (again,) = read_rules([written]).alerts
    assert (again.for_s, again.expr) == (5, 'a{b="c"} > 1')


@pytest.mark.parametrize("scale", [1, 60])
@pytest.mark.parametrize("name", ["a rules file", "a ConfigMap"])
def test_scalars_stay_as_they_were_written(write: Callable[..., Path], tmp_path: Path, name: str, scale: int) -> None:
    """YAML 1.1 would make True, 8, 1.1 and 45000 of them."""
    (written,) = read_rules([write(SOURCES[name][0])]).write(tmp_path / "out", scale).files
    assert all(word in written.read_text() for word in ("page: yes", "code: 010", "version: 1.10", "at: 12:30:00"))


def test_an_alias_is_scaled_once(write: Callable[..., Path], tmp_path: Path) -> None:
    text = PLAIN.replace("- alert", "- &a\n    alert") + "- name: again\n  rules: [*a]\n"
    files = read_rules([write(text)]).write(tmp_path / "out", 60).files
    assert [alert.for_s for alert in read_rules(files).alerts] == [5, 5]


def test_a_folder_and_a_pattern_stand_for_their_files(write: Callable[..., Path], tmp_path: Path) -> None:
    write(PLAIN, "rules/a.yaml")
    write(PLAIN.replace("name: shop", "name: b"), "rules/b.rules")
    write("kind: Service\n", "rules/service.yaml")
    write("no rules", "rules/README.md")
    assert [alert.group for alert in read_rules([tmp_path / "rules"]).alerts] == ["shop", "b"]
    assert [alert.group for alert in read_rules([tmp_path / "rules" / "*.rules"]).alerts] == ["b"]
    assert [alert.group for alert in read_rules([tmp_path / "**" / "a.*"]).alerts] == ["shop"]
    with pytest.raises(BadInput, match=r"stands for no file; expected files that hold Prometheus rules"):
        read_rules([tmp_path / "rules" / "*.yml"])
    with pytest.raises(BadInput, match=r"none of its 1 files holds rules"):
        read_rules([tmp_path / "rules" / "s*.yaml"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: Service\n", ":1: the file: is a manifest of kind Service and has no groups"),
        ("{{- if .Values.rules }}\ngroups: []\n", ":1: is a template of a Helm chart; "),
        ("groups:\n{% for a in b %}\n", ":2: is a Jinja template"),
        ("groups:\n<%= p('groups') %>\n", ":2: is an ERB template"),
        (PLAIN.replace("rules:", 'rules:\n  {{- include "more" . }}'), ":4: is a template of a Helm chart; "),
        (OPERATOR.replace("shop", "'{{ .Release.Name }}'") + indented(GROUP, 2), ":3: is a template of a Helm chart; "),
        (PLAIN.replace('b="c"', 'b="{{ .Values.b }}"'), ":5: groups[0].rules[0].expr: holds a template of a Helm"),
        ("# Rules\n\nAs follows: put `a`: b\n```yaml\n" + PLAIN + "```\n", ": is a Markdown page; expected the file"),
        ("---\nkind: CustomResourceDefinition\nspec: {groups: {}}\n", ":2: is a CustomResourceDefinition, which"),
        (PLAIN.replace('a{b="c"} > 1', LOGQL), ":5: groups[0].rules[0].expr: is LogQL"),
        (OPERATOR + indented(GROUP.replace("> 1", "> ("), 2), ":9: spec.groups[0].rules[0].expr: is not PromQL"),
        (CONFIG_MAP + indented(PLAIN.replace("for: 5m", "for: x"), 4), ':13: groups[0].rules[0].for: "x" is not a'),
        (CONFIG_MAP + indented(PLAIN.replace("rules:", "rules: ["), 4), ":11: not YAML"),
        (PLAIN.replace("rules:", "type: graphite\n  rules:"), ":6: groups[0].rules[0].expr: is of a group of type"),
        ("", ":1: the file: is empty"),
    ],
)  # fmt: skip
def test_what_is_no_rules_is_named(write: Callable[..., Path], text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(BadInput) as caught:
        read_rules([path])
    assert str(caught.value).startswith(f"{path}{says}")


def test_a_program_is_named_with_the_command_that_renders_it(write: Callable[..., Path]) -> None:
    with pytest.raises(BadInput, match="is Jsonnet, a program") as caught:
        read_rules([write("local a = 1; {}", "mixin.libsonnet")])
    assert "jsonnet -J vendor" in caught.value.hint


def test_settings_of_other_rulers_are_left_out_and_named(write: Callable[..., Path], tmp_path: Path) -> None:
    text = PLAIN.replace("- name: shop", "- name: shop\n  partial_response_strategy: warn\n  source_tenants: [a]")
    written = read_rules([write(text)]).write(tmp_path / "out", 1)
    assert written.remarks == [
        "rules.yaml: shop: left out partial_response_strategy, a setting of Thanos",
        "rules.yaml: shop: left out source_tenants, a setting of Mimir",
    ]
    assert "source_tenants" not in written.files[0].read_text()


def test_templates_of_prometheus_are_no_chart_s(write: Callable[..., Path]) -> None:
    """A comment is nobody's template either, and a definition beside rules is left alone."""
    definition = "kind: CustomResourceDefinition\nspec: {groups: [{rules: 1}]}\n---\n"
    text = PLAIN.replace("labels:", "annotations: {a: '{{ if true }}{{ template \"x\" . }}{{ end }}'}\n    labels:")
    rules = read_rules([write(f"# {{{{ .Values.rules.x }}}}, {{% if x %}}, <%= x %>\n{definition}{text}")])
    assert [alert.name for alert in rules.alerts] == ["CartMemoryHigh"]


TEMPLATED = """\
# templates: {{ define "slack.text" }}{{ .Values.text }}{{ end }}
route: {receiver: ops}
receivers:
- name: ops
  slack_configs:
  - channel: '#ops'
    title: >-
      {{ template "slack.title" . }}
    text: '{{ define "x" }}{{ range .Alerts }}{{ .Annotations.a }}{{ end }}{{ end }}{{ template "x" . }}'
    fallback: '{{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }}'
"""


def test_named_templates_of_messages_are_alertmanager_s(write: Callable[..., Path]) -> None:
    assert routed(write(TEMPLATED))["receiver"] == "ops"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            TEMPLATED.replace("'#ops'", '{{ template "slack.channel" . }}'),
            ':6: channel: {{ template "slack.channel" . }} stands outside quotes, so that it is no YAML; ',
        ),
        ('{{ define "slack.text" }}\ntext\n{{ end }}\nroute:\n', ":1: is a file of templates (`define`); "),
        ('route: {receiver: {{ include "a" . }}}\n', ":1: is a template of a Helm chart; "),
        ("{{ if .Values.on }}\nroute: {receiver: ops}\n{{ end }}\n", ":1: is a template of a Helm chart; "),
        ("kind: CustomResourceDefinition\nspec: {route: {receivers: 1}}\n", ":1: is a CustomResourceDefinition, which"),
        ("route: {}\n", ":1: route: names no receiver"),
        ("kind: Ingress\nspec: {route: {}}\n", ":1: the file: is a manifest of kind Ingress and has no route"),
    ],
)
def test_what_is_no_routing_is_named(write: Callable[..., Path], text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(BadInput) as caught:
        read_routing(path, scale=60, webhook_url="http://127.0.0.1:9")
    assert str(caught.value).startswith(f"{path}{says}")


def test_a_markdown_page_is_named_for_what_it_is(write: Callable[..., Path]) -> None:
    path = write("# Routing\n\n```yaml\nroute: {receiver: '{{ .Values.x }}'}\n```\n", "routing.md")
    with pytest.raises(BadInput, match=r"routing.md: is a Markdown page; expected the file that it shows") as caught:
        read_routing(path, scale=60, webhook_url="http://127.0.0.1:9")
    assert "copy the YAML" in caught.value.hint


def test_the_route_of_an_ingress_in_a_chart_s_values_is_no_routing(write: Callable[..., Path]) -> None:
    values = f"route: {{main: {{enabled: false}}}}\ningress: {{route: {{}}}}\nconfig:\n{indented(ROUTING, 2)}"
    assert routed(write(values))["receiver"] == "ops"


def routed(path: Path) -> dict[str, object]:
    route: dict[str, object] = read_routing(path, scale=60, webhook_url="http://127.0.0.1:9").config["route"]
    return route


@pytest.mark.parametrize("packed", [False, True])
def test_a_routing_is_found_in_a_secret(write: Callable[..., Path], packed: bool) -> None:
    data = gzip.compress(ROUTING.encode()) if packed else ROUTING.encode()
    secret = {"kind": "Secret", "data": {"alertmanager.yaml.gz": base64.b64encode(data).decode(), "t.tmpl": "AAAA"}}
    assert routed(write(json.dumps(secret)))["receiver"] == "ops"


def test_words_of_a_routing_stay_words(write: Callable[..., Path], tmp_path: Path) -> None:
    routing = read_routing(write(ROUTING), scale=1, webhook_url="http://127.0.0.1:9")
    routing.write(tmp_path / "out.yml")
    assert "page: yes" in (tmp_path / "out.yml").read_text()
    assert "code: 010" in (tmp_path / "out.yml").read_text()
    assert "continue: true" in (tmp_path / "out.yml").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ROUTING.replace("continue:", "contniue:"), ":6: route.routes[0].contniue: Alertmanager refuses it: field"),
        (ROUTING.replace("match: {page: yes, code: 010}", MATCHER), ":5: route.routes[0].matchers[0]: Alertmanager"),
        (f"{ROUTING}---\n{ROUTING}", ": holds 2 configurations, at lines 1 and 10; expected one"),
        ("kind: AlertmanagerConfig\nspec: {route: {receiver: a}}\n", ":1: the file: is an AlertmanagerConfig"),
        ("kind: Pod\n", ":1: the file: is a manifest of kind Pod and has no route"),
    ],
)  # fmt: skip
def test_what_is_no_routing_is_named_before_the_start(write: Callable[..., Path], text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(BadInput) as caught:
        routed(path)
    assert str(caught.value).startswith(f"{path}{says}")
