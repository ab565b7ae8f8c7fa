"""A twin is its original without leaks and steps, and says only what is otherwise."""

from __future__ import annotations

import pytest

from leakdrill.errors import BadInput
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.scenario import TWIN_KEYS, Scenario, scenario_schema
from leakdrill.scenario.twin import Twin

ORIGINAL = """\
name: shop/cart
target: {name: cart, command: [cart], limits: {memory: 256MiB}}
leaks: [{name: fds, resource: descriptors, per_request: 1}]
load: {locustfile: locustfile.py, env: {LEAK: fds}}
phases: {warmup: 2s, load: 40s}
alerts:
  expect: [{alert: TooManyFiles, fires_within: 5s}]
  may_fire: [{alert: HighMemoryUsage}]
  silent: [{alert: HighDiskUsage}]
steps: [{name: restart, restart: {}}]
expect: {error_rate: 50%, p99: 2s, oom_kills: 1, memory: null}
exclusive: true
covers: [cart/one]
"""


@pytest.fixture
def read(tmp_path):
    (tmp_path / "locustfile.py").touch()
    (tmp_path / "cart.yaml").write_text(ORIGINAL)

    def from_text(text):
        (tmp_path / "twin.yaml").write_text(text)
        return read_scenario(tmp_path / "twin.yaml")

    return from_text


def test_a_twin_has_its_originals_service_and_load_and_neither_leaks_nor_steps(read):
    twin = read("name: shop/cart-twin\ntwin_of: cart.yaml\ncovers: [cart/two]\n")
    assert (twin.name, twin.twin_of, twin.covers) == ("shop/cart-twin", "cart.yaml", ["cart/two"])
    assert twin.target.limits.memory == 2**28
    assert twin.load.env == {"LEAK": "fds"}
    assert (twin.leaks, twin.steps, twin.exclusive) == ([], [], True)
    assert Scenario.model_validate_json(twin.model_dump_json()) == twin


def test_a_twin_expects_every_alert_to_stay_silent_and_no_damage(read):
    twin = read("name: shop/cart-twin\ntwin_of: cart.yaml\n")
    assert (twin.alerts.expect, twin.alerts.may_fire, twin.alerts.silent) == ([], [], None)
    assert (twin.expect.error_rate, twin.expect.oom_kills, twin.expect.p99) == (0.01, 0, 2.0)


def test_a_twin_watches_memory_and_what_its_originals_leaks_grow(read):
    twin = read("name: shop/cart-twin\ntwin_of: cart.yaml\n")
    watched = [name for name in ("memory", "disk", "descriptors", "threads", "cpu") if twin.margin(name)]
    assert watched == ["memory", "descriptors"]


def test_a_twins_phases_are_shorter_unless_it_says_otherwise(read):
    assert read("name: shop/cart-twin\ntwin_of: cart.yaml\n").phases.model_dump(mode="json") == {
        "warmup": "2s", "baseline": "10s", "load": "15s", "mitigate": "30s", "recover": "5s",
    }  # fmt: skip
    assert read("name: shop/cart-twin\ntwin_of: cart.yaml\nphases: {load: 20s, warmup: 4s}\n").phases.load == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\ntwin_of: other.yaml\n", 'twin.yaml:2: twin_of: found "other.yaml"; expected a scenario file in'),
        ("name: a\ntwin_of: ../cart.yaml\n", "twin.yaml:2: twin_of: "),
        ("name: a\ntwin_of: twin.yaml\n", "twin.yaml:2: twin_of: twin.yaml is a twin itself"),
        ("name: a\ntwin_of: cart.yaml\nsteps: []\n", "twin.yaml:3: steps: is not a key here; expected one of"),
        ("name: a\ntwin_of: cart.yaml\nphases:\n  lood: 3s\n", 'phases.lood: is not a key here; did you mean "load"?'),
        ("name: A B\ntwin_of: cart.yaml\n", "twin.yaml:1: name: "),
    ],
)  # fmt: skip
def test_a_twins_mistake_is_named_in_its_own_file(read, text, message):
    with pytest.raises(BadInput) as caught:
        read(text)
    assert message in str(caught.value)


def test_a_twin_of_a_file_that_is_no_mapping_names_that_file(read, tmp_path):
    (tmp_path / "number.yaml").write_text("12\n")
    with pytest.raises(BadInput, match=r"number\.yaml:1: the file: "):
        read("name: a\ntwin_of: number.yaml\n")


def test_the_schema_knows_a_whole_plan_and_a_twin():
    whole, twin = scenario_schema()["anyOf"]
    assert set(whole["required"]) == {"name", "target", "load"}
    assert set(twin["propertyNames"]["enum"]) == set(TWIN_KEYS) == set(Twin.model_fields)
