"""Leaks, steps and what should be seen of them: each with its unit, each mistake with its line."""

from __future__ import annotations

import pytest

from leakdrill.errors import BadInput
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.scenario import Scenario

HEAD = """\
name: shop/cart
target: {name: cart, command: [cart]}
load: {locustfile: locustfile.py}
"""


@pytest.fixture
def read(tmp_path):
    (tmp_path / "locustfile.py").touch()

    def from_text(text):
        path = tmp_path / "cart.yaml"
        path.write_text(HEAD + text)
        return read_scenario(path)

    return from_text


def leak(read, text):
    return read(f"leaks:\n  - {{name: a, {text}}}\n").leaks[0]


def step(read, text):
    return read(f"steps:\n  - {{name: a, {text}}}\n").steps[0]


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("per_request: 64KiB", 65536),
        ("resource: disk, per_request: 1MiB", 2**20),
        ("per_request: 1, resource: descriptors", 1),
        ("resource: threads, per_request: 0.5", 0.5),
        ("resource: cpu, per_request: 15ms", 0.015),
        ("peak: 96MiB", 96 * 2**20),
        ("resource: threads, peak: 40", 40),
        ("resource: cpu, peak: 0.8", 0.8),
    ],
)
def test_what_a_leak_declares_has_the_unit_of_its_resource(read, text, declared):
    assert leak(read, text).declared == declared


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("per_request: 1", "cart.yaml:5: leaks[0].per_request: 1 is not a size"),
        ("resource: threads, per_request: 64KiB", 'leaks[0].per_request: "64KiB" is not a number'),
        ("resource: cpu, per_request: 15", "leaks[0].per_request: 15 is not a duration"),
        ("resource: threads, per_request: 0", "leaks[0].per_request: found 0; expected more than nothing"),
        ("resource: heat, per_request: 1KiB", "leaks[0].resource: found"),
        ("per_request: 1KiB, peak: 1MiB", "leaks[0]: expected at most one of per_request and peak"),
    ],
)
def test_a_leak_with_a_wrong_unit_is_refused_at_its_line(read, text, message):
    with pytest.raises(BadInput) as caught:
        leak(read, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "exec: {command: ['{python}', -V]}",
        "exec: {command: [ls], expect_exit: 3}",
        "kill: {match: worker, signal: KILL, which: all}",
        "set_limits: {memory: 512MiB, cpus: 2}",
        "set_limits: {cpu_shares: 512, cpu_set: '0-1,3'}",
        "set_env: {CACHE_ENTRIES: 100}",
        "delete_files: {path: 'tmp/*.part', older_than: 1s}",
        "compress_files: {path: '*.log.*'}",
        "copy_out: {path: profile.bin}",
        "copy_out: {http: '/debug/pprof/heap'}",
    ],
)
def test_every_action_is_read_and_survives_the_way_through_json(read, text):
    scenario = read(f"steps:\n  - {{name: a, {text}}}\n")
    assert scenario.steps[0].action_name == text.partition(":")[0]
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exec: {command: []}", "steps[0].exec.command: "),
        ("kill: {match: '('}", 'steps[0].kill.match: "(" is not a regular expression'),
        ("kill: {match: a, signal: STOPP}", "steps[0].kill.signal: "),
        ("set_limits: {}", "steps[0].set_limits: expected memory, cpus, cpu_shares or cpu_set"),
        ("set_limits: {cpu_set: 0-}", "steps[0].set_limits.cpu_set: "),
        ("set_limits: {cpu_shares: 1}", "steps[0].set_limits.cpu_shares: "),
        ("set_env: {}", "steps[0].set_env: "),
        ("copy_out: {}", "steps[0].copy_out: expected exactly one of path and http"),
        ("copy_out: {path: a, http: /b}", "steps[0].copy_out: expected exactly one of path and http"),
        ("exec: {command: [ls]}, restart: {}", "expected exactly one of http, restart"),
        ("restart: {}, seen: {falls_by: 50%, nothing: true}", "steps[0].seen: expected one of falls_by, "),
        ("restart: {}, seen: {nothing: false}", "steps[0].seen.nothing: "),
        ("restart: {}, seen: {falls_below: 40}", ":5: steps[0].seen.falls_below: found 40.0; no level of memory"),
        ("restart: {}, seen: {metric: threads, falls_below: 4KiB}", "found 4096; no level of threads"),
    ],
)  # fmt: skip
def test_a_step_that_cannot_be_meant_is_refused(read, text, message):
    with pytest.raises(BadInput) as caught:
        step(read, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("seen", "effect"),
    [
        ("{}", "falls_by"),
        ("{falls_below: 100MiB}", "falls_below"),
        ("{slows_by: 40%}", "slows_by"),
        ("{stays_within: 20%}", "stays_within"),
        ("{nothing: true}", "nothing"),
    ],
)
def test_what_should_be_seen_is_one_effect(read, seen, effect):
    scenario = read(f"steps:\n  - {{name: a, restart: {{}}, seen: {seen}}}\n")
    assert scenario.steps[0].seen.effect == effect
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


def test_a_step_is_measured_by_the_first_leaks_resource_unless_it_says_otherwise(read):
    leaks = "leaks: [{name: a, resource: threads, per_request: 1}]\n"
    scenario = read(leaks + "steps: [{name: a, restart: {}}, {name: b, restart: {}, seen: {metric: disk}}]\n")
    assert [scenario.metric_of(step) for step in scenario.steps] == ["threads", "disk"]


def test_what_leaks_must_come_back_unless_it_is_turned_off(read):
    leaks = "leaks: [{name: a, resource: threads, per_request: 1}, {name: b, resource: disk, per_request: 1KiB}]\n"
    scenario = read(leaks + "expect: {memory: null, disk: null}\n")
    again = Scenario.model_validate_json(scenario.model_dump_json())
    for one in (scenario, again):
        assert one.margin("threads") is not None
        assert [one.margin(name) for name in ("memory", "disk", "descriptors", "cpu")] == [None] * 4
